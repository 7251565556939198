// The texts of the question for a name, in its chunk.

import type { Language } from "./language";

const en = {
  title: "Join the room",
  nameLabel: "What should people call you?",
  namePlaceholder: "Your name",
  nameHint: "Saved in this browser only.",
  badName: "Use 1–32 visible characters.",
  enter: "Join",
  enterUnnamed: "Join without a name",
  back: "Back",
};

const ru: typeof en = {
  title: "Вход в комнату",
  nameLabel: "Как вас называть?",
  namePlaceholder: "Ваше имя",
  nameHint: "Имя сохранится только в этом браузере.",
  badName: "Имя: от 1 до 32 видимых символов.",
  enter: "Войти",
  enterUnnamed: "Войти без имени",
  back: "Назад",
};

export const NAME_PROMPT: Record<Language, typeof en> = { en, ru };
