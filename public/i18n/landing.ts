// The texts of the views outside of a room, in their chunk.

import type { Language } from "./language";

const en = {
  tagline: "A room to talk in, and nothing after.",
  lead: "Open a room, share its link, talk. When the last person leaves, the room and everything said in it are gone.",
  createRoom: "Create a room",
  createHint: "No account, nothing to install.",
  loginHint: "Log in to join rooms on this server.",
  or: "or",
  joinLabel: "Join by ID or link",
  joinPlaceholder: "lusab-babad-gutih-tugad",
  badRoom: "Use 1–64 letters, digits or . _ - ~ for a room ID.",
  youAre: "You appear as",
  changeName: "Change name",
  nameForgotten: "Name cleared. You’ll be asked for one next time.",
  howTitle: "How it works",
  howTalk: "Messages are kept in memory for a limited time, which the room shows. They are never archived.",
  howLeave: "Leaving frees your place at once. If your connection drops, your place is kept for a few seconds.",
  howGone:
    "When the last person leaves, nothing remains: no messages, no names. The same ID then opens a new, empty room.",
  licenses: "Open-source licences",

  honest:
    "Rooms created here are encrypted with the key in their link. In a room without a key, the people who run the server can read along. No one can take back what others copy or photograph.",
  honestPlain:
    "Rooms created here now are not encrypted: the people who run the server can read along. No one can take back what others copy or photograph.",
  damagedTitle: "This link is damaged",
  damagedText:
    "The room’s key, the part after #, was cut off or changed on the way. You have not joined, and nothing was sent.",
  damagedAsk: "Ask for the link again and paste it here",
  damagedStill: "This link is damaged: the part after # is not a whole key. Ask for the link again.",
  damagedNoKey: "This link has no key. Ask for the full link, including the part after #.",
  damagedOpen: "Join",

  doorTitle: "Join the room",
  nameLabel: "What should people call you?",
  namePlaceholder: "Your name",
  nameHint: "Saved in this browser only.",
  badName: "Use 1–32 visible characters.",
  enter: "Join",
  enterAsGuest: "Join as a guest",
  back: "Back",
};

type LandingTexts = typeof en;

const ru: LandingTexts = {
  tagline: "Поговорили\u00a0— и\u00a0ничего не\u00a0осталось.",
  lead: "Откройте комнату, отправьте ссылку, говорите. Когда выйдет последний, исчезнет и комната, и всё сказанное в ней.",
  createRoom: "Создать комнату",
  createHint: "Без учётной записи и\u00a0без установки.",
  loginHint: "Чтобы войти в комнату на этом сервере, войдите в учётную запись.",
  or: "или",
  joinLabel: "Войти по ID или ссылке",
  joinPlaceholder: "lusab-babad-gutih-tugad",
  badRoom: "ID комнаты: от 1 до 64 символов — буквы, цифры и . _ - ~",
  youAre: "Ваше имя",
  changeName: "Сменить имя",
  nameForgotten: "Имя удалено. В следующий раз спросим снова.",
  howTitle: "Как это работает",
  howTalk: "Сообщения хранятся только в памяти и недолго: срок указан в комнате. Архива нет.",
  howLeave:
    "Когда вы выходите, место сразу освобождается. Если связь оборвалась, оно сохраняется ещё несколько секунд.",
  howGone:
    "Когда выходит последний, не остаётся ничего: ни сообщений, ни имён. Тот же ID откроет новую, пустую комнату.",
  licenses: "Лицензии открытого ПО",

  honest:
    "Комнаты, созданные здесь, шифруются ключом из их ссылки. Там, где ключа нет, владелец сервера может всё прочитать. А то, что другие скопируют или снимут на камеру, не вернёт никто.",
  honestPlain:
    "Комнаты, созданные здесь сейчас, не шифруются: владелец сервера может всё прочитать. А то, что другие скопируют или снимут на камеру, не вернёт никто.",
  damagedTitle: "Ссылка повреждена",
  damagedText:
    "Ключ комнаты (часть после #) по дороге обрезали или изменили. Вы не вошли в комнату, и ничего не отправлено.",
  damagedAsk: "Попросите ссылку ещё раз и вставьте её сюда",
  damagedStill: "Эта ссылка повреждена: после # стоит не весь ключ. Попросите её ещё раз.",
  damagedNoKey: "В этой ссылке нет ключа. Попросите полную ссылку, вместе с частью после #.",
  damagedOpen: "Войти",

  doorTitle: "Вход в комнату",
  nameLabel: "Как вас называть?",
  namePlaceholder: "Ваше имя",
  nameHint: "Имя сохранится только в этом браузере.",
  badName: "Имя: от 1 до 32 видимых символов.",
  enter: "Войти",
  enterAsGuest: "Войти гостем",
  back: "Назад",
};

export const LANDING: Record<Language, LandingTexts> = { en, ru };
