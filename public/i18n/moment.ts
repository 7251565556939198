// A moment to the minute, for what ends or expires: the page's own format has the seconds of a message.

import { i18n } from "./i18n.svelte";
import { primarySubtag } from "./language";

export function moment(at: number): string {
  const locale = navigator.languages.find((tag) => primarySubtag(tag) === i18n.language) ?? i18n.language;
  return new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" }).format(at);
}
