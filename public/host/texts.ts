// The texts of a room with a host: what everybody sees of it, and what the host may do.

import type { Language } from "../i18n/language";

const en = {
  host: "host",
  hostTitle: "The host decides who may join and when the room ends.",
  muted: "muted",
  mutedTitle: "Muted in the chat by the host",
  mutedYou: "The host has muted you in the chat.",
  settings: "Room settings",
  actions: (user: string) => `Actions for ${user}`,
  state: "About this room",
  locked: "Locked",
  lockedTitle: "Nobody new can join.",
  knock: "Ask to join",
  knockTitle: "The host lets new people in one by one.",
  inviteOnly: "Invite only",
  inviteOnlyTitle: "New people need an invite.",
  ends: (when: string) => `Ends ${when}`,

  knocks: "Waiting to join",
  knocking: (user: string) => `${user} wants to join`,
  admit: "Let in",
  admitUser: (user: string) => `Let in ${user}`,
  refuse: "Refuse",
  refuseUser: (user: string) => `Refuse ${user}`,

  isHost: (user: string) => `${user} is now the host`,
  youAreHost: "You are now the host",
  changes: {
    open: "The host opened the room",
    locked: "The host locked the room",
    knock: "New people now ask to join, and the host lets them in",
    title: (title: string) => `The title is now “${title}”`,
    noTitle: "The room has no title any more",
    ends: (when: string) => `The room will end: ${when}`,
    endless: "The room no longer has a set end",
    age: (age: string) => `Messages now disappear after ${age}`,
    sinceJoin: "New people don’t see earlier messages",
    allHistory: "New people see earlier messages",
    inviteOnly: "New people now need an invite",
    noInvite: "New people no longer need an invite",
    muted: (users: string) => `${users} can’t write: muted by the host`,
    unmuted: (users: string) => `${users} can write again`,
  },
};

export type HostTexts = typeof en;

const ru: HostTexts = {
  host: "организатор",
  hostTitle: "Организатор решает, кто может войти и когда закроется комната.",
  muted: "без права писать",
  mutedTitle: "Организатор запретил писать в чат",
  mutedYou: "Организатор запретил вам писать в чат.",
  settings: "Настройки комнаты",
  actions: (user) => `Действия: ${user}`,
  state: "О комнате",
  locked: "Вход закрыт",
  lockedTitle: "Новые участники войти не могут.",
  knock: "Вход по запросу",
  knockTitle: "Новых участников по одному впускает организатор.",
  inviteOnly: "По приглашению",
  inviteOnlyTitle: "Новым участникам нужно приглашение.",
  ends: (when) => `Закроется ${when}`,

  knocks: "Ждут входа",
  knocking: (user) => `${user} просит впустить`,
  admit: "Впустить",
  admitUser: (user) => `Впустить: ${user}`,
  refuse: "Отказать",
  refuseUser: (user) => `Отказать: ${user}`,

  isHost: (user) => `${user} теперь организатор`,
  youAreHost: "Теперь вы организатор",
  changes: {
    open: "Организатор открыл вход в комнату",
    locked: "Организатор закрыл вход в комнату",
    knock: "Новых участников теперь впускает организатор",
    title: (title) => `Тема комнаты: «${title}»`,
    noTitle: "У комнаты больше нет темы",
    ends: (when) => `Комната закроется: ${when}`,
    endless: "Время закрытия комнаты отменено",
    age: (age) => `Сообщения теперь исчезают через ${age}`,
    sinceJoin: "Новые участники не видят прежних сообщений",
    allHistory: "Новые участники видят прежние сообщения",
    inviteOnly: "Новым участникам теперь нужно приглашение",
    noInvite: "Новым участникам больше не нужно приглашение",
    muted: (users) => `${users}: организатор запретил писать в чат`,
    unmuted: (users) => `${users}: снова можно писать в чат`,
  },
};

export const HOST: Record<Language, HostTexts> = { en, ru };
