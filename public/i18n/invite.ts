// The texts of the invitation, in its chunk.

import type { Language } from "./language";

const en = {
  copyFailed: "Couldn’t copy. Select the link and copy it yourself.",
  share: "Share…",
  inviteTitle: "Invite people",
  inviteHint: "Anyone with the link can join and read messages that haven’t expired.",
  roomLink: "Link to this room",
  qrLabel: "QR code with the link to this room",
};

type InviteTexts = typeof en;

const ru: InviteTexts = {
  copyFailed: "Не удалось скопировать. Выделите ссылку и скопируйте её сами.",
  share: "Поделиться…",
  inviteTitle: "Пригласить в комнату",
  inviteHint: "Любой, у кого есть ссылка, может войти и\u00a0прочитать сообщения, которые ещё не исчезли.",
  roomLink: "Ссылка на эту комнату",
  qrLabel: "QR-код со ссылкой на эту комнату",
};

export const INVITE: Record<Language, InviteTexts> = { en, ru };
