// The texts of what can be done with a message, in their chunk.

import type { Language } from "./language";

const en = {
  actions: (user: string) => `Message by ${user}`,
  reply: "Reply",
  edit: "Edit",
  delete: "Delete",
  deleteAsk: "Delete for everyone?",
  replying: (user: string) => `Replying to ${user}`,
  editing: "Editing your message",
  gone: "This message is gone.",
  cancel: "Cancel",
  noTarget: "The server no longer has this message, so it can’t be changed; it disappears with its age.",
  putBack: "Put back",
};

type TalkTexts = typeof en;

const ru: TalkTexts = {
  actions: (user) => `Сообщение, автор: ${user}`,
  reply: "Ответить",
  edit: "Изменить",
  delete: "Удалить",
  deleteAsk: "Удалить у всех?",
  replying: (user) => `Ответ на сообщение: ${user}`,
  editing: "Изменение сообщения",
  gone: "Этого сообщения уже нет.",
  cancel: "Отмена",
  noTarget: "У сервера этого сообщения уже нет, поэтому изменить его нельзя; со временем оно исчезнет и здесь.",
  putBack: "Вернуть в поле ввода",
};

export const TALK: Record<Language, TalkTexts> = { en, ru };
