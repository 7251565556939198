// What became of a lost device, in words.

import type { Loss } from "../devices/device-changes.svelte";
import type { Texts } from "./en";

export function lossText(t: Texts, { kind, name, unplugged, now, on }: Loss): string {
  const what = (unplugged ? t.unplugged : t.stopped)(name || t[kind]);
  return `${what} ${now === null ? t.noOther[kind] : (on ? t.nowUsing : t.willUse)(now || t[kind])}`;
}
