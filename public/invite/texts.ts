// The texts of invites, in their chunk.

import type { Language } from "../i18n/language";
import { pluralizer } from "../i18n/plural";

const count = pluralizer("en");
const countRu = pluralizer("ru");

const en = {
  title: "Invite links",
  hint: "They work for a limited time and number of people, and pass a room that lets people in one by one.",
  open: "This room is open: people can join without an invite too.",
  locked: "This room is locked: invites work again once you unlock it.",
  expiry: "Works for",
  minutes: { 60: "1 hour", 1440: "1 day", 10080: "7 days" } as Record<number, string>,
  uses: "People",
  name: "Name for a guest who gives none (optional)",
  create: "Create invite link",
  badUses: "Enter a number from 1 to 1000.",
  badName: "Use 1–32 visible characters for the name.",
  unreachable: "There’s no connection right now. Please try again.",
  list: "Links that still work",
  forName: (user: string) => `For ${user}`,
  unnamed: "Invite link",
  left: count({ one: "{n} person left", other: "{n} people left" }),
  until: (time: string) => `until ${time}`,
  created: "Invite link created.",
  copyFailed: "Couldn’t copy. Select the link and copy it yourself.",
  shownOnce: "Its link was shown only where it was made.",
  link: "Invite link",
  revoke: "Revoke",
  revokeOne: (name: string) => `Revoke: ${name}`,
  revoked: "Invite revoked.",
};

export type InviteTexts = typeof en;

const ru: InviteTexts = {
  title: "Приглашения",
  hint: "Действуют ограниченное время, для нескольких человек, и пропускают в комнату, куда впускают по одному.",
  open: "Комната открыта: войти можно и без приглашения.",
  locked: "Комната закрыта для входа: приглашения заработают, когда вы её откроете.",
  expiry: "Действует",
  minutes: { 60: "1 час", 1440: "1 день", 10080: "7 дней" },
  uses: "Человек",
  name: "Имя для гостя, который его не укажет (необязательно)",
  create: "Создать приглашение",
  badUses: "Введите число от 1 до 1000.",
  badName: "Имя: от 1 до 32 видимых символов.",
  unreachable: "Сейчас нет связи. Попробуйте ещё раз.",
  list: "Действующие приглашения",
  forName: (user) => `Для гостя ${user}`,
  unnamed: "Приглашение",
  left: countRu({
    one: "ещё {n} человек",
    few: "ещё {n} человека",
    many: "ещё {n} человек",
    other: "ещё {n} человека",
  }),
  until: (time) => `до ${time}`,
  created: "Приглашение создано.",
  copyFailed: "Не удалось скопировать. Выделите ссылку и скопируйте её сами.",
  shownOnce: "Его ссылка видна только там, где её создали.",
  link: "Ссылка с приглашением",
  revoke: "Отозвать",
  revokeOne: (name) => `Отозвать: ${name}`,
  revoked: "Приглашение отозвано.",
};

export const INVITES: Record<Language, InviteTexts> = { en, ru };
