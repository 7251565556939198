// The texts of the landing and of a damaged link, in their chunk.

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
  forgetName: "Forget name",
  nameForgotten: "Name forgotten. You’ll be asked for one next time.",
  howTitle: "How it works",
  markSealed: "New rooms are end\u2011to\u2011end encrypted",
  markPlain: "New rooms are not encrypted here",
  markMemory: "Kept in memory, never archived",
  markGone: "Gone when the last person leaves",
  markCopies: "Others can still keep a copy",
  licenses: "Open-source licences",

  damagedTitle: "This link is damaged",
  damagedText:
    "The room’s key, the part after #, was cut off or changed on the way. You have not joined, and nothing was sent.",
  damagedAsk: "Ask for the link again and paste it here",
  damagedStill: "This link is damaged: the part after # is not a whole key. Ask for the link again.",
  damagedNoKey: "This link has no key. Ask for the full link, including the part after #.",
  damagedOpen: "Join",
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
  forgetName: "Забыть имя",
  nameForgotten: "Имя удалено. В следующий раз спросим снова.",
  howTitle: "Как это работает",
  markSealed: "Сквозное шифрование в новых комнатах",
  markPlain: "Новые комнаты здесь не шифруются",
  markMemory: "Только в памяти, без архива",
  markGone: "Исчезает, когда выйдет последний",
  markCopies: "Участники могут сохранить копию",
  licenses: "Лицензии открытого ПО",

  damagedTitle: "Ссылка повреждена",
  damagedText:
    "Ключ комнаты (часть после #) по дороге обрезали или изменили. Вы не вошли в комнату, и ничего не отправлено.",
  damagedAsk: "Попросите ссылку ещё раз и вставьте её сюда",
  damagedStill: "Эта ссылка повреждена: после # стоит не весь ключ. Попросите её ещё раз.",
  damagedNoKey: "В этой ссылке нет ключа. Попросите полную ссылку, вместе с частью после #.",
  damagedOpen: "Войти",
};

export const LANDING: Record<Language, LandingTexts> = { en, ru };
