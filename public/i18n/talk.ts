// The texts of what can be done with a message, in their chunk.

import type { Language } from "./language";
import { pluralizer } from "./plural";

const en = {
  react: "React",
  uncertain: "Not confirmed",
  discard: "Remove",
  connection: (transport: string) => `Connection: ${transport}`,
  noConnection: "No connection",
  compareTransports: "Compare the four kinds of connection",
  attach: "Attach files",
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
  emoji: "Emoji",
  moreEmoji: "More emoji",
  mentions: pluralizer("en")({
    one: "{n} mention of you: go to it",
    other: "{n} mentions of you: go to the first",
  }),
  reactionRefused: (emoji: string, on: boolean) => (on ? `${emoji} wasn’t added` : `${emoji} wasn’t taken back`),
  reactionReasons: {
    bad_emoji: "The server doesn’t know this emoji.",
    reactions_full: "This message can take no more reactions.",
  } as Record<string, string>,
};

type TalkTexts = typeof en;

const mentionedRu = pluralizer("ru")({ other: "Вас упомянули: {n}. Перейти к первому" });

const ru: TalkTexts = {
  react: "Реакция",
  uncertain: "Не подтверждено",
  discard: "Удалить",
  connection: (transport) => `Соединение: ${transport}`,
  noConnection: "Нет соединения",
  compareTransports: "Сравнить четыре способа связи",
  attach: "Прикрепить файлы",
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
  emoji: "Эмодзи",
  moreEmoji: "Другие эмодзи",
  mentions: (n) => (n === 1 ? "Вас упомянули. Перейти" : mentionedRu(n)),
  reactionRefused: (emoji, on) => (on ? `Реакция ${emoji} не добавлена` : `Реакция ${emoji} не убрана`),
  reactionReasons: {
    bad_emoji: "Сервер не знает этот эмодзи.",
    reactions_full: "Больше реакций на это сообщение поставить нельзя.",
  },
};

export const TALK: Record<Language, TalkTexts> = { en, ru };
