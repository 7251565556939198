// The texts of code in messages and of what the composer offers, in their chunks.

import type { Language } from "./language";
import { pluralizer } from "./plural";

const count = pluralizer("ru");

const en = {
  copy: "Copy",
  copyFailed: "Couldn’t copy",
  suggestions: pluralizer("en")({ one: "{n} suggestion", other: "{n} suggestions" }),
};

type WritingTexts = typeof en;

const ru: WritingTexts = {
  copy: "Копировать",
  copyFailed: "Не скопировано",
  suggestions: count({ one: "{n} вариант", few: "{n} варианта", many: "{n} вариантов", other: "{n} варианта" }),
};

export const WRITING: Record<Language, WritingTexts> = { en, ru };
