// The texts of the emoji picker, in its chunk.

import type { Language } from "../i18n/language";
import { pluralizer } from "../i18n/plural";

const en = {
  title: "Emoji",
  search: "Search emoji",
  none: "No emoji found.",
  found: pluralizer("en")({ one: "{n} emoji found", other: "{n} emoji found" }),
  groups: [
    "Smileys",
    "People",
    "Animals and nature",
    "Food and drink",
    "Travel and places",
    "Activities",
    "Objects",
    "Symbols",
    "Flags",
  ],
  tone: "Skin tone",
  tones: ["Default", "Light", "Medium light", "Medium", "Medium dark", "Dark"],
};

type PickerTexts = typeof en;

const ru: PickerTexts = {
  title: "Эмодзи",
  search: "Поиск эмодзи",
  none: "Ничего не нашлось.",
  found: pluralizer("ru")({ one: "Найден {n} эмодзи", other: "Найдено {n} эмодзи" }),
  groups: [
    "Смайлики",
    "Люди",
    "Животные и природа",
    "Еда и напитки",
    "Путешествия и места",
    "Занятия",
    "Предметы",
    "Символы",
    "Флаги",
  ],
  tone: "Тон кожи",
  tones: ["По умолчанию", "Очень светлый", "Светлый", "Средний", "Тёмный", "Очень тёмный"],
};

export const PICKER: Record<Language, PickerTexts> = { en, ru };
