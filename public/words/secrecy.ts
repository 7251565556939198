// The words about secrecy: each describes one state, and is said in that one only.

import type { Doubt } from "../protocol/frames";
import type { Secrecy } from "../seal/secrecy";
import type { Language } from "./words.svelte";

export type SecrecyWords = typeof en;

const en = {
  states: {
    sealed: {
      title: "End-to-end encrypted",
      text: ["Messages, video and sound are encrypted in the browser with the key in this room’s link, the part after #. The server never gets the key: it passes on what it cannot read."],
    },
    mixed: {
      title: "Partly encrypted",
      text: ["What you send is encrypted with the key in this room’s link. Messages marked “Not encrypted” were sent without it: the people who run the server could read or change them, or have written them."],
    },
    keyless: {
      title: "Not end-to-end encrypted",
      text: [
        "Others here write encrypted, and your link has no key. You can’t read them, and what you send is not encrypted: the people who run the server can read it.",
        "Ask for the full link, including the part after #.",
      ],
    },
    plain: {
      title: "Not end-to-end encrypted",
      text: [
        "The link to this room has no key, so the people who run the server can read the messages and follow video calls.",
        "Rooms made with “Create a room” are encrypted: their link has a key.",
      ],
    },
    insecure: { title: "Not encrypted", text: ["Nothing here is encrypted end to end: this room has no key, because this page can’t use one."] },
    unusable: { title: "Can’t encrypt here", text: ["This room’s link has a key, but this page can’t use it. Nothing is sent, and encrypted messages can’t be read."] },
  } satisfies Record<Secrecy, { title: string; text: string[] }> as Record<Secrecy, { title: string; text: string[] }>,
  notHidden: "Not hidden: names, who is here and when, who writes when and how much. Anyone with the full link can read along, and you trust the page that this server sends you.",
  byHttps: "The connection to the server is encrypted (https): others on the network can’t read along.",
  needsHttps: [
    "What is missing is https. This page came by http, and browsers encrypt only on pages that come by https; others on the network can read along, too.",
    "Open this server’s https:// address. If it has none, the people who run it can add one: docs/deployment.md explains how.",
  ],
  needsBrowser: ["What is missing is encryption in this browser (WebCrypto). Use a current browser."],

  noKey: "Messages here are encrypted, and your link has no key. Ask for the full link, including the part after #.",
  noKeyHere: "Messages here are encrypted. To read them, open the full link, including the part after #, by https.",
  otherKey: "Most messages here are encrypted with another key than yours. Ask for the full link again, including the part after #.",
  nothingSent: "This page can’t encrypt, so nothing is sent. Open the room by https.",
  shut: "Can’t decrypt this message.",
  bare: "Not encrypted:",
  hide: "Hide this notice",

  askTitle: "Send without encryption?",
  askText: "Others here write encrypted, and your link has no key. What you send without one can be read by the people who run the server.",
  askSend: "Send unencrypted",
  askBack: "Don’t send",

  damagedTitle: "This link is damaged",
  damagedText: "The room’s key, the part after #, was cut off or changed on the way. You have not joined, and nothing was sent.",
  damagedAsk: "Ask for the link again and paste it here",
  damagedStill: "This link is damaged: the part after # is not a whole key. Ask for the link again.",
  damagedNoKey: "This link has no key. Ask for the full link, including the part after #.",
  damagedOpen: "Join",

  createInsecure: "A room created here will not be encrypted: this page came by http, and browsers encrypt only by https. Open this server’s https:// address to create an encrypted one.",
  createOld: "A room created here will not be encrypted: this browser can’t. Use a current browser.",
  honest: "Rooms created here are encrypted with the key in their link. In a room without a key, the people who run the server can read along. No one can take back what others copy or photograph.",
  honestPlain: "Rooms created here now are not encrypted: the people who run the server can read along. No one can take back what others copy or photograph.",

  doubts: {
    name: (user: string) => `The name was changed on the way. Written by ${user}.`,
    twice: () => "Sent again by the server: this message was here before.",
    order: (user: string) => `Out of order: ${user} wrote this before a message above.`,
    fork: (user: string) => `Doesn’t continue what ${user} wrote before. It may be from somebody else.`,
    hole: (user: string) => `An earlier message by ${user} is missing.`,
    bare: (user: string) => `${user} writes encrypted. This may be from somebody else.`,
    former: (user: string) => `${user} writes in a newer format. This may be from somebody else, or older than it looks.`,
  } satisfies Record<Doubt["is"], (user: string) => string> as Record<Doubt["is"], (user: string) => string>,
};

const ru: SecrecyWords = {
  states: {
    sealed: {
      title: "Сквозное шифрование",
      text: ["Сообщения, видео и звук шифруются в браузере ключом из ссылки на комнату (часть после #). Сервер ключа не получает и передаёт то, чего прочитать не может."],
    },
    mixed: {
      title: "Зашифровано не всё",
      text: ["То, что отправляете вы, шифруется ключом из ссылки. Сообщения с пометкой «Без шифрования» отправлены без него: владелец сервера мог их прочитать, изменить или написать сам."],
    },
    keyless: {
      title: "Без сквозного шифрования",
      text: [
        "Другие здесь пишут с шифрованием, а в вашей ссылке нет ключа. Их сообщений вы не прочитаете, а ваши не шифруются: владелец сервера может их прочитать.",
        "Попросите полную ссылку, вместе с частью после #.",
      ],
    },
    plain: {
      title: "Без сквозного шифрования",
      text: [
        "В ссылке на эту комнату нет ключа, поэтому владелец сервера может читать сообщения и следить за видеозвонками.",
        "Комнаты, созданные кнопкой «Создать комнату», шифруются: ключ есть в их ссылке.",
      ],
    },
    insecure: { title: "Без шифрования", text: ["Сквозного шифрования здесь нет: у комнаты нет ключа, потому что эта страница не может им пользоваться."] },
    unusable: { title: "Шифровать не получится", text: ["В ссылке на комнату есть ключ, но эта страница не может им пользоваться. Ничего не отправляется, а зашифрованные сообщения прочитать нельзя."] },
  },
  notHidden: "Видны: имена, кто и когда здесь был, кто, когда и сколько пишет. Прочитать всё может каждый, у кого есть полная ссылка, а странице, которую отдаёт этот сервер, приходится доверять.",
  byHttps: "Соединение с сервером зашифровано (https): другие в сети прочитать ничего не могут.",
  needsHttps: [
    "Не хватает https. Страница открыта по http, а браузеры шифруют только на страницах, открытых по https; прочитать всё могут и другие в этой сети.",
    "Откройте адрес этого сервера, который начинается с https://. Если его нет, владелец сервера может его завести: как это сделать, написано в docs/deployment.md.",
  ],
  needsBrowser: ["Не хватает шифрования в самом браузере (WebCrypto). Откройте страницу в современном браузере."],

  noKey: "Сообщения здесь зашифрованы, а в вашей ссылке нет ключа. Попросите полную ссылку, вместе с частью после #.",
  noKeyHere: "Сообщения здесь зашифрованы. Чтобы их прочитать, откройте полную ссылку, вместе с частью после #, по https.",
  otherKey: "Большинство сообщений здесь зашифровано другим ключом. Попросите полную ссылку ещё раз, вместе с частью после #.",
  nothingSent: "Эта страница не может шифровать, поэтому ничего не отправляется. Откройте комнату по https.",
  shut: "Не удалось расшифровать.",
  bare: "Без шифрования:",
  hide: "Скрыть",

  askTitle: "Отправить без шифрования?",
  askText: "Другие здесь пишут с шифрованием, а в вашей ссылке нет ключа. То, что вы отправите без него, сможет прочитать владелец сервера.",
  askSend: "Отправить без шифрования",
  askBack: "Не отправлять",

  damagedTitle: "Ссылка повреждена",
  damagedText: "Ключ комнаты (часть после #) по дороге обрезали или изменили. Вы не вошли в комнату, и ничего не отправлено.",
  damagedAsk: "Попросите ссылку ещё раз и вставьте её сюда",
  damagedStill: "Эта ссылка повреждена: после # стоит не весь ключ. Попросите её ещё раз.",
  damagedNoKey: "В этой ссылке нет ключа. Попросите полную ссылку, вместе с частью после #.",
  damagedOpen: "Войти",

  createInsecure: "Комната, созданная здесь, не будет зашифрована: страница открыта по http, а браузеры шифруют только по https. Чтобы комната шифровалась, откройте адрес этого сервера, который начинается с https://.",
  createOld: "Комната, созданная здесь, не будет зашифрована: этот браузер не умеет. Откройте страницу в современном браузере.",
  honest: "Комнаты, созданные здесь, шифруются ключом из их ссылки. Там, где ключа нет, владелец сервера может всё прочитать. А то, что другие скопируют или снимут на камеру, не вернёт никто.",
  honestPlain: "Комнаты, созданные здесь сейчас, не шифруются: владелец сервера может всё прочитать. А то, что другие скопируют или снимут на камеру, не вернёт никто.",

  doubts: {
    name: (user) => `По дороге изменили имя. Автор\u00a0— ${user}.`,
    twice: () => "Повтор: это сообщение здесь уже было.",
    order: (user) => `Не на своём месте: написано раньше, чем сообщение выше (${user}).`,
    fork: (user) => `Не продолжает того, что было раньше (${user}). Возможно, это написал кто-то другой.`,
    hole: (user) => `Пропало более раннее сообщение (${user}).`,
    bare: (user) => `${user} пишет с шифрованием. Возможно, это написал кто-то другой.`,
    former: (user) => `${user} пишет в новом формате. Возможно, это написал кто-то другой или это старое сообщение.`,
  },
};

export const SECRECY: Record<Language, SecrecyWords> = { en, ru };
