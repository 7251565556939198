// What each state of a room's encryption means, in a chunk of its own.

import type { EncryptionState } from "../../e2ee/state";
import type { Language } from "../language";

const en = {
  states: {
    sealed: [
      "Messages, files, video and sound are encrypted in the browser with the key in this room’s link, the part after #. The server never gets the key: it passes on what it cannot read.",
    ],
    mixed: [
      "What you send is encrypted with the key in this room’s link. Messages marked “Not encrypted” were sent without it: the people who run the server could read or change them, or have written them.",
    ],
    keyless: [
      "Others here write encrypted, and your link has no key. You can’t read them, and what you send is not encrypted: the people who run the server can read it.",
      "Ask for the full link, including the part after #.",
    ],
    plain: [
      "The link to this room has no key, so the people who run the server can read the messages and files, and follow video calls.",
      "Rooms made with “Create a room” are encrypted: their link has a key.",
    ],
    insecure: ["Nothing here is encrypted end to end: this room has no key, because this page can’t use one."],
    unusable: [
      "This room’s link has a key, but this page can’t use it. Nothing is sent, and encrypted messages can’t be read.",
    ],
  } satisfies Record<EncryptionState, string[]> as Record<EncryptionState, string[]>,
  notHidden:
    "Not hidden: names, who is here and when, who writes when and how much, who answers, reacts to, changes or deletes which message, who sends how many files of which sizes. Anyone with the full link can read along, and you trust the page that this server sends you.",
  byHttps: "The connection to the server is encrypted (https): others on the network can’t read along.",
  needsHttps: [
    "What is missing is https. This page came by http, and browsers encrypt only on pages that come by https; others on the network can read along, too.",
    "Open this server’s https:// address. If it has none, the people who run it can add one: docs/deployment.md explains how.",
  ],
  needsBrowser: ["What is missing is encryption in this browser (WebCrypto). Use a current browser."],
};

export type ExplanationTexts = typeof en;

const ru: ExplanationTexts = {
  states: {
    sealed: [
      "Сообщения, файлы, видео и звук шифруются в браузере ключом из ссылки на комнату (часть после #). Сервер ключа не получает и передаёт то, чего прочитать не может.",
    ],
    mixed: [
      "То, что отправляете вы, шифруется ключом из ссылки. Сообщения с пометкой «Без шифрования» отправлены без него: владелец сервера мог их прочитать, изменить или написать сам.",
    ],
    keyless: [
      "Другие здесь пишут с шифрованием, а в вашей ссылке нет ключа. Их сообщений вы не прочитаете, а ваши не шифруются: владелец сервера может их прочитать.",
      "Попросите полную ссылку, вместе с частью после #.",
    ],
    plain: [
      "В ссылке на эту комнату нет ключа, поэтому владелец сервера может читать сообщения и файлы и следить за видеозвонками.",
      "Комнаты, созданные кнопкой «Создать комнату», шифруются: ключ есть в их ссылке.",
    ],
    insecure: [
      "Сквозного шифрования здесь нет: у комнаты нет ключа, потому что эта страница не может им пользоваться.",
    ],
    unusable: [
      "В ссылке на комнату есть ключ, но эта страница не может им пользоваться. Ничего не отправляется, а зашифрованные сообщения прочитать нельзя.",
    ],
  },
  notHidden:
    "Видны: имена, кто и когда здесь был, кто, когда и сколько пишет, кто на какое сообщение отвечает или ставит реакцию, какое меняет или удаляет, кто сколько файлов какого размера отправляет. Прочитать всё может каждый, у кого есть полная ссылка, а странице, которую отдаёт этот сервер, приходится доверять.",
  byHttps: "Соединение с сервером зашифровано (https): другие в сети прочитать ничего не могут.",
  needsHttps: [
    "Не хватает https. Страница открыта по http, а браузеры шифруют только на страницах, открытых по https; прочитать всё могут и другие в этой сети.",
    "Откройте адрес этого сервера, который начинается с https://. Если его нет, владелец сервера может его завести: как это сделать, написано в docs/deployment.md.",
  ],
  needsBrowser: ["Не хватает шифрования в самом браузере (WebCrypto). Откройте страницу в современном браузере."],
};

export const EXPLANATION: Record<Language, ExplanationTexts> = { en, ru };
