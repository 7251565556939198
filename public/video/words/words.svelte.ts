// The words of the call come with the call, not with the page.

import { tongue } from "../../words/words.svelte";
import { en, type Words } from "./en";
import { ru } from "./ru";

const DICTIONARIES = { en, ru };

export function callWords(): Words {
  return DICTIONARIES[tongue.language];
}
