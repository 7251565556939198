// The texts of what comes with `views/kept`: what a person chooses for this browser, and the landing’s picture.

import type { Remembering } from "../storage/recent-rooms";
import type { Theme } from "../views/theme";
import type { Language } from "./language";

const en = {
  picture: "A room: three people arrange an evening, one message has a reaction and one an answer.",

  theme: "Theme",
  themes: { "light dark": "System", light: "Light", dark: "Dark" } satisfies Record<Theme, string> as Record<
    Theme,
    string
  >,

  recentTitle: "Recent rooms",
  recentHint: (days: number) => `Kept in this browser only, for ${days} days. A room that has closed opens empty.`,
  sealedHint: "Encrypted, and its key isn’t kept. Open it by its full link.",
  keyKept: "Its key is kept in this browser.",
  forget: "Forget",
  forgetRoom: (room: string) => `Forget ${room}`,
  forgetAll: "Forget all",
  forgotten: "Room forgotten.",
  allForgotten: "All rooms forgotten.",
  remember: "Remember rooms",
  remembering: {
    off: "Don’t remember",
    rooms: "Remember without keys",
    keys: "Remember with keys",
  } satisfies Record<Remembering, string> as Record<Remembering, string>,
  keysHint: "Anyone who uses this browser can then open your encrypted rooms and read them.",
};

export type ChoiceTexts = typeof en;

const ru: ChoiceTexts = {
  picture: "Комната: трое договариваются о встрече, на одно сообщение поставлена реакция, на другое ответили.",

  theme: "Тема",
  themes: { "light dark": "Системная", light: "Светлая", dark: "Тёмная" },

  recentTitle: "Недавние комнаты",
  recentHint: (days) => `Список хранится только в этом браузере, ${days} дней. Закрытая комната откроется пустой.`,
  sealedHint: "Зашифрована, а ключ не сохранён. Откройте её по полной ссылке.",
  keyKept: "Её ключ сохранён в этом браузере.",
  forget: "Забыть",
  forgetRoom: (room) => `Забыть ${room}`,
  forgetAll: "Забыть все",
  forgotten: "Комната удалена из списка.",
  allForgotten: "Список комнат удалён.",
  remember: "Запоминать комнаты",
  remembering: {
    off: "Не запоминать",
    rooms: "Запоминать без ключей",
    keys: "Запоминать с ключами",
  },
  keysHint:
    "Тогда любой, кто пользуется этим браузером, сможет открыть ваши зашифрованные комнаты и всё в них прочитать.",
};

export const CHOICES: Record<Language, ChoiceTexts> = { en, ru };
