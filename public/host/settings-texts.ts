// The texts of the host's dialogs, in their chunk, and of what the server answers to the host.

import type { Language } from "../i18n/language";

const en = {
  title: "Title",
  titleHint: "Everyone here sees it above the messages.",
  titleSealed: "It is encrypted with the room’s key.",
  save: "Save",
  saved: "Saved",
  joinTitle: "Who may join",
  locks: {
    open: "Anyone with the link",
    knock: "Only people I let in",
    locked: "Nobody new",
  },
  inviteOnly: "Invite only",
  inviteOnlyHint: "The link alone is not enough: new people need an invite.",
  history: "Earlier messages for new people",
  historyHint: "Off: they see only what is written after they join.",
  age: "Messages disappear after",
  ageDefault: (age: string) => `${age} (server’s setting)`,
  ends: "The room ends",
  endsNever: "When the last person leaves",
  endsIn: (time: string) => `In ${time}`,
  endsCustom: "At a date…",
  endsAt: "Date and time",
  endsSet: "Set",
  burn: "End the room now",
  burnHint: "Everyone is disconnected. All messages and files are deleted at once.",
  burnAsk: "End the room for everyone?",
  burnYes: "End the room",
  cancel: "Cancel",

  makeHost: "Make host",
  makeHostAsk: (user: string) => `Make ${user} the host? You’ll no longer be the host.`,
  mute: "Mute in the chat",
  unmute: "Allow to write again",
  hushAudio: "Mute the microphone",
  hushVideo: "Stop the camera",
  kick: "Remove from the room",
  kickAsk: (user: string) => `Remove ${user}? They can’t come back to this room.`,
  kickAddress: "Block this connection’s address too",
  kickAddressHint: "Others on the same network can’t join then either.",
  kickMessages: "Delete their messages",
  kickYes: "Remove",
  done: "Done",

  failed: "That didn’t work. Please try again.",
  errors: {
    not_host: "Only the host can do that.",
    no_member: "This person is not here any more.",
    bad_target: "You can’t do that to yourself.",
    bad_lifetime: "Choose an end between 10 minutes and 7 days from now.",
    bad_title: "The title is too long.",
    bans_full: "This room can’t remove any more people.",
    rate_limited: "Too fast. Please try again in a moment.",
    unknown_type: "Rooms on this server have no host.",
    not_found: "Rooms on this server have no host.",
    unconfirmed: "There’s no connection right now. Please try again.",
    store_unavailable: "The server couldn’t answer right now.",
  } as Record<string, string>,
};

export type SettingsTexts = typeof en;

const ru: SettingsTexts = {
  title: "Тема",
  titleHint: "Её видят все участники над сообщениями.",
  titleSealed: "Она зашифрована ключом комнаты.",
  save: "Сохранить",
  saved: "Сохранено",
  joinTitle: "Кто может войти",
  locks: {
    open: "Все, у кого есть ссылка",
    knock: "Только те, кого я впущу",
    locked: "Никто новый",
  },
  inviteOnly: "Только по приглашению",
  inviteOnlyHint: "Одной ссылки мало: новым участникам нужно приглашение.",
  history: "Прежние сообщения для новых участников",
  historyHint: "Если выключить, они увидят только то, что написано после их входа.",
  age: "Сообщения исчезают через",
  ageDefault: (age) => `${age} (настройка сервера)`,
  ends: "Комната закроется",
  endsNever: "Когда выйдет последний",
  endsIn: (time) => `Через ${time}`,
  endsCustom: "В указанное время…",
  endsAt: "Дата и время",
  endsSet: "Задать",
  burn: "Закрыть комнату сейчас",
  burnHint: "Все будут отключены. Сообщения и файлы сразу удалятся.",
  burnAsk: "Закрыть комнату для всех?",
  burnYes: "Закрыть комнату",
  cancel: "Отмена",

  makeHost: "Сделать организатором",
  makeHostAsk: (user) => `Сделать организатором: ${user}? Вы перестанете быть организатором.`,
  mute: "Запретить писать в чат",
  unmute: "Разрешить писать в чат",
  hushAudio: "Выключить микрофон",
  hushVideo: "Выключить камеру",
  kick: "Удалить из комнаты",
  kickAsk: (user) => `Удалить из комнаты: ${user}? Вернуться сюда будет нельзя.`,
  kickAddress: "Закрыть вход и с этого адреса",
  kickAddressHint: "Другие люди из той же сети тоже не смогут войти.",
  kickMessages: "Удалить сообщения этого участника",
  kickYes: "Удалить",
  done: "Готово",

  failed: "Не получилось. Попробуйте ещё раз.",
  errors: {
    not_host: "Это может только организатор.",
    no_member: "Этого участника здесь уже нет.",
    bad_target: "К себе это применить нельзя.",
    bad_lifetime: "Выберите время от 10 минут до 7 дней от текущего.",
    bad_title: "Слишком длинная тема.",
    bans_full: "Больше никого удалить из этой комнаты нельзя.",
    rate_limited: "Слишком часто. Попробуйте ещё раз чуть позже.",
    unknown_type: "На этом сервере у комнат нет организатора.",
    not_found: "На этом сервере у комнат нет организатора.",
    unconfirmed: "Сейчас нет связи. Попробуйте ещё раз.",
    store_unavailable: "Сервер сейчас не ответил.",
  },
};

export const SETTINGS: Record<Language, SettingsTexts> = { en, ru };

/** Empty for no error. */
export function hostError(code: string, language: Language): string {
  const t = SETTINGS[language];
  return code === "" ? "" : (t.errors[code] ?? t.failed);
}
