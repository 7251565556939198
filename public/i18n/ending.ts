// The texts of a room that this page is not in: it waits to be let in, or the room or the visit ended.

import type { Language } from "./language";

const en = {
  replacedTitle: "This room is open in another tab",
  replacedText: "You can be in this room in only one tab at a time.",
  refusedTitle: "Couldn’t join",
  continueHere: "Continue here",
  tryAgain: "Try again",
  withoutInvite: "Try without the invite",

  /** By the code that the server gives: what happened, and what it means. */
  ends: {
    kicked: ["The host removed you", "You can’t come back to this room."],
    burned: [
      "The host ended this room",
      "Everything in it was deleted from the server. This page has forgotten its messages, your draft and the key of the link.",
    ],
    expired: [
      "This room’s time is over",
      "Everything in it was deleted from the server. This page has forgotten its messages, your draft and the key of the link.",
    ],
    room_locked: ["This room is locked", "The host lets nobody else in at the moment."],
    invite_only: ["This room needs an invite", "Ask the host for an invite link."],
    bad_invite: ["This invite isn’t valid", "Part of the link may be missing. Ask for the whole link."],
    invite_spent: ["This invite has been used", "Ask the host for a new one."],
    invite_expired: ["This invite has expired", "Ask the host for a new one."],
    invite_revoked: ["This invite was withdrawn", "Ask the host for a new one."],
    not_admitted: ["You weren’t let in", "The host said no, or didn’t answer. You can ask again in a minute."],
  } as Record<string, [title: string, text: string]>,

  knockingTitle: "Waiting for the host",
  knockingText: "The host sees that you’re waiting and can let you in. Keep this page open.",
  knockingAs: (user: string) => `You’ll appear as ${user}.`,
  knocksFull: "Many people are waiting to be let in. This page will try again.",
};

export type EndingTexts = typeof en;

const ru: EndingTexts = {
  replacedTitle: "Эта комната открыта в другой вкладке",
  replacedText: "В комнате можно быть только в одной вкладке.",
  refusedTitle: "Не удалось войти",
  continueHere: "Продолжить здесь",
  tryAgain: "Попробовать ещё раз",
  withoutInvite: "Войти без приглашения",

  ends: {
    kicked: ["Организатор удалил вас из комнаты", "Вернуться в эту комнату нельзя."],
    burned: [
      "Организатор закрыл эту комнату",
      "Всё, что в ней было, удалено с сервера. Эта страница забыла сообщения, ваш черновик и ключ из ссылки.",
    ],
    expired: [
      "Время этой комнаты вышло",
      "Всё, что в ней было, удалено с сервера. Эта страница забыла сообщения, ваш черновик и ключ из ссылки.",
    ],
    room_locked: ["Комната закрыта для входа", "Сейчас организатор никого больше не пускает."],
    invite_only: ["Нужно приглашение", "Попросите у организатора ссылку-приглашение."],
    bad_invite: ["Приглашение не подходит", "Возможно, в ссылке не хватает части. Попросите всю ссылку."],
    invite_spent: ["Приглашение уже использовано", "Попросите у организатора новое."],
    invite_expired: ["Срок приглашения истёк", "Попросите у организатора новое."],
    invite_revoked: ["Приглашение отозвано", "Попросите у организатора новое."],
    not_admitted: ["Вас не впустили", "Организатор отказал или не ответил. Попроситься снова можно через минуту."],
  },

  knockingTitle: "Ждём организатора",
  knockingText: "Организатор видит, что вы ждёте, и может вас впустить. Не закрывайте эту страницу.",
  knockingAs: (user) => `Ваше имя здесь: ${user}.`,
  knocksFull: "Входа ждёт слишком много людей. Страница попробует ещё раз.",
};

export const ENDING: Record<Language, EndingTexts> = { en, ru };
