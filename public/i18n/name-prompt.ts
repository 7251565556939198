// The texts of the question for a name, in its chunk.

import type { Language } from "./language";
import { pluralizer } from "./plural";

const count = pluralizer("en");
const countRu = pluralizer("ru");

const en = {
  title: "Join the room",
  nameLabel: "What should people call you?",
  namePlaceholder: "Your name",
  nameHint: "Saved in this browser only.",
  badName: "Use 1–32 visible characters.",
  enter: "Join",
  enterUnnamed: "Join without a name",
  back: "Back",

  aboutRoom: "About this room",
  inside: count({ one: "{n} person is inside.", other: "{n} people are inside." }),
  empty: "Nobody is inside yet.",
  encrypted: "Messages are encrypted with the key in your link.",
  plain: "Messages aren’t end-to-end encrypted: your link has no key.",
  histories: { all: "You’ll see earlier messages.", since_join: "You won’t see messages from before you joined." },
  locked: "The room is locked: nobody else can join at the moment.",
  knock: "The host lets people in one by one: you may have to wait.",
  inviteOnly: "You can only join with an invite.",
  invited: "Your link has an invite.",
  ends: (time: string) => `The room closes on ${time}.`,
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

  aboutRoom: "Об этой комнате",
  inside: countRu({
    one: "Внутри {n} человек.",
    few: "Внутри {n} человека.",
    many: "Внутри {n} человек.",
    other: "Внутри {n} человека.",
  }),
  empty: "Внутри пока никого.",
  encrypted: "Сообщения зашифрованы ключом из вашей ссылки.",
  plain: "Сообщения не защищены сквозным шифрованием: в вашей ссылке нет ключа.",
  histories: {
    all: "Вы увидите прежние сообщения.",
    since_join: "Сообщений, написанных до вашего входа, вы не увидите.",
  },
  locked: "Комната закрыта: войти сейчас нельзя.",
  knock: "Организатор впускает по одному: возможно, придётся подождать.",
  inviteOnly: "Войти можно только по приглашению.",
  invited: "В вашей ссылке есть приглашение.",
  ends: (time) => `Комната закроется: ${time}.`,
};

export const NAME_PROMPT: Record<Language, typeof en> = { en, ru };
