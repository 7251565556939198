// The texts of the dialogs that a room opens, in their chunk.

import type { Language } from "./language";

const en = {
  lastTitle: "Close this room?",
  lastLeave: "Leave and close the room",
  stay: "Stay",
  copyFailed: "Couldn’t copy. Select the link and copy it yourself.",
  share: "Share…",
  inviteTitle: "Invite people",
  inviteHint: "Anyone with the link can join and read messages that haven’t expired.",
  roomLink: "Link to this room",
  qrLabel: "QR code with the link to this room",
  videoLoading: "Loading video…",
  videoFailed: "Video couldn’t be loaded.",
  interrupted: "You were in the call when the page was reloaded.",
  rejoin: "Rejoin the call",
  notNow: "Not now",
  noVideoTitle: "Video isn’t available on this server",
  noVideoText: "Chat works without it.",
  operator: "For the operator",
  operatorText: "Start a LiveKit server and give Parlor these three settings. docs/deployment.md explains how.",
  askTitle: "Send without encryption?",
  askText:
    "Others here write encrypted, and your link has no key. What you send without one can be read by the people who run the server.",
  askSend: "Send unencrypted",
  askBack: "Don’t send",
  noCallTitle: "This browser can’t join calls",
  noCall: {
    no_webrtc:
      "It has no WebRTC, or WebRTC is switched off. Open this room in a current Chrome, Edge, Firefox or Safari. Chat works here.",
    no_lock:
      "This room is encrypted, and this browser can’t encrypt video and sound. Open the room in a current Chrome, Edge, Firefox or Safari. Chat works here.",
    insecure_lock:
      "This room is encrypted, and browsers encrypt only on https pages. Open the room by an https address. Its operator can set one up.",
  },
};

type DialogTexts = typeof en;

const ru: DialogTexts = {
  lastTitle: "Закрыть комнату?",
  lastLeave: "Выйти и закрыть комнату",
  stay: "Остаться",
  copyFailed: "Не удалось скопировать. Выделите ссылку и скопируйте её сами.",
  share: "Поделиться…",
  inviteTitle: "Пригласить в комнату",
  inviteHint: "Любой, у кого есть ссылка, может войти и\u00a0прочитать сообщения, которые ещё не исчезли.",
  roomLink: "Ссылка на эту комнату",
  qrLabel: "QR-код со ссылкой на эту комнату",
  videoLoading: "Загружаем видео…",
  videoFailed: "Не удалось загрузить видео.",
  interrupted: "Вы были в звонке, когда страница перезагрузилась.",
  rejoin: "Вернуться в звонок",
  notNow: "Не сейчас",
  noVideoTitle: "На этом сервере нет видео",
  noVideoText: "Чат работает и без него.",
  operator: "Владельцу сервера",
  operatorText: "Запустите LiveKit и задайте Parlor эти три настройки. Как\u00a0— написано в docs/deployment.md.",
  askTitle: "Отправить без шифрования?",
  askText:
    "Другие здесь пишут с шифрованием, а в вашей ссылке нет ключа. То, что вы отправите без него, сможет прочитать владелец сервера.",
  askSend: "Отправить без шифрования",
  askBack: "Не отправлять",
  noCallTitle: "В этом браузере звонки не работают",
  noCall: {
    no_webrtc:
      "В нём нет WebRTC, или он отключён. Откройте комнату в свежем Chrome, Edge, Firefox или Safari. Чат работает и здесь.",
    no_lock:
      "Комната шифруется, а этот браузер не умеет шифровать видео и звук. Откройте комнату в свежем Chrome, Edge, Firefox или Safari. Чат работает и здесь.",
    insecure_lock:
      "Комната шифруется, а браузеры шифруют только на страницах https. Откройте комнату по адресу с https: настроить его может владелец сервера.",
  },
};

export const DIALOGS: Record<Language, DialogTexts> = { en, ru };
