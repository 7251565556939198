// The texts of the call come with the call, not with the page.

import { i18n } from "../../i18n/i18n.svelte";
import { en, type Texts } from "./en";
import { ru } from "./ru";

const DICTIONARIES = { en, ru };

export function callTexts(): Texts {
  return DICTIONARIES[i18n.language];
}
