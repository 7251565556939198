// The texts of what the room's menu opens, in its chunk.

import { pluralizer } from "../i18n/plural";
import type { Language } from "../i18n/language";
import type { Permission } from "./nudge-prefs";
import type { Shortcut } from "./shortcuts";

/** Why there are no notifications yet. */
type Refusal = Exclude<Permission, "granted">;

const count = pluralizer("en");
const countRu = pluralizer("ru");

const en = {
  title: "More",

  keepTitle: "Keep the talk",
  keepHint: "Only what this page holds now. The room still forgets it.",
  keepEmpty: "There are no messages to keep.",
  keepForbidden: "The operator of this server has switched off copying and saving here.",
  copy: "Copy the talk",
  copied: "Copied",
  copyFailed: "Couldn’t copy. Save it as a file instead.",
  saveAs: "Save as",
  formats: { txt: "Text", md: "Markdown", json: "JSON" },
  saved: (file: string) => `Saved: ${file}`,
  exported: {
    edited: "edited",
    deleted: "Deleted message",
    undecryptable: "Can’t decrypt this message.",
    unencrypted: "not encrypted",
    doubtful: "doubtful",
    gone: "A message that is gone",
  },
  exportedFile: (name: string, size: string) => `[File: ${name}, ${size}]`,

  searchTitle: "Search messages",
  searchLabel: "Words or a name",
  searchHint: "Only messages that this page holds now.",
  found: count({ one: "{n} message", other: "{n} messages" }),
  foundNone: "Nothing found.",
  foundFirst: (n: number) => `The newest ${n} are shown.`,

  nudgeTitle: "When the room is out of sight",
  notify: "Notifications",
  notifyHint: "While this tab is open. There is no push server: a closed tab gets nothing.",
  mentionsOnly: "Only mentions and replies",
  mentionsHint: (name: string) => `Messages with @${name}, and answers to yours. The sound follows this too.`,
  sealedText: "Text of encrypted rooms",
  sealedHint: "Your system may keep notifications. Without this they say who wrote, and not what.",
  sound: "Sound",
  soundHint: "A short sound for a new message.",
  soundBlocked: "The browser plays no sound yet. Click in the page, then try again.",
  badge: "Number on the icon",
  badgeHint: "How many are unread, on the tab and on the installed app. On the tab, @ counts those that mention you.",
  permissions: {
    default: "The browser asks you for permission.",
    denied:
      "The browser blocks notifications from here. Allow them using the icon next to the address bar, then turn this on.",
    insecure: "Browsers allow notifications only on pages that come by https.",
    missing: "This browser has no notifications here. On an iPhone or iPad, add Parlor to the Home Screen first.",
    failed: "Notifications couldn’t be set up. Reload the page and try again.",
  } satisfies Record<Refusal, string> as Record<Refusal, string>,
  newMessage: "New message",
  newMessages: count({ one: "{n} new message", other: "{n} new messages" }),
  newFrom: (user: string) => `The latest from ${user}`,

  callsTitle: "Calls",
  ring: "Ring",
  ringHint: "A short tone when a call starts in this room.",

  shortcutsTitle: "Keyboard shortcuts",
  shortcutGroups: { room: "In the room", call: "In the call" },
  shortcuts: {
    send: "Send the message",
    newLine: "New line in the message",
    edit: "Edit your last message, from an empty field",
    reactions: "Between messages, from a message’s buttons",
    close: "Close a dialog or a list, end an edit",
    list: "This list, while you’re not typing",
    mic: "Microphone on or off",
    camera: "Camera on or off",
    screen: "Share the screen or stop",
    hand: "Raise or lower your hand",
    chat: "Show or hide the chat",
    layout: "Grid or speaker view",
    devices: "Camera, microphone and speaker",
    hangUp: "Leave the call",
    talk: "Speak while held, with push-to-talk on",
  } satisfies Record<Shortcut, string> as Record<Shortcut, string>,
  listByKey: "Open this list with “?”",
};

export type MoreTexts = typeof en;

const ru: MoreTexts = {
  title: "Ещё",

  keepTitle: "Сохранить разговор",
  keepHint: "Только то, что сейчас есть на этой странице. Из комнаты сообщения всё равно исчезнут.",
  keepEmpty: "Сообщений пока нет.",
  keepForbidden: "Владелец сервера отключил здесь копирование и сохранение.",
  copy: "Скопировать разговор",
  copied: "Скопировано",
  copyFailed: "Не удалось скопировать. Сохраните разговор в файл.",
  saveAs: "Сохранить как",
  formats: { txt: "Текст", md: "Markdown", json: "JSON" },
  saved: (file) => `Сохранено: ${file}`,
  exported: {
    edited: "изменено",
    deleted: "Сообщение удалено",
    undecryptable: "Не удалось расшифровать.",
    unencrypted: "без шифрования",
    doubtful: "сомнительно",
    gone: "Сообщения уже нет",
  },
  exportedFile: (name, size) => `[Файл: ${name}, ${size}]`,

  searchTitle: "Поиск по сообщениям",
  searchLabel: "Слова или имя",
  searchHint: "Только среди сообщений, которые сейчас есть на этой странице.",
  found: countRu({ one: "{n} сообщение", few: "{n} сообщения", many: "{n} сообщений", other: "{n} сообщения" }),
  foundNone: "Ничего не нашлось.",
  foundFirst: (n) => `Показаны последние ${n}.`,

  nudgeTitle: "Когда комнаты не видно",
  notify: "Уведомления",
  notifyHint: "Работают, пока открыта эта вкладка. Push-сервера нет: в закрытую вкладку ничего не придёт.",
  mentionsOnly: "Только упоминания и ответы",
  mentionsHint: (name) => `Сообщения с @${name} и ответы на ваши. Звук тоже будет только для них.`,
  sealedText: "Текст зашифрованных комнат",
  sealedHint: "Система может хранить уведомления. Без этого видно, кто написал, но не что.",
  sound: "Звук",
  soundHint: "Короткий звук при новом сообщении.",
  soundBlocked: "Браузер пока не воспроизводит звук. Щёлкните по странице и попробуйте ещё раз.",
  badge: "Число на значке",
  badgeHint:
    "Сколько сообщений не прочитано: на вкладке и на установленном приложении. Знак @ на вкладке — сколько из них упоминают вас.",
  permissions: {
    default: "Браузер спросит разрешения.",
    denied: "Браузер блокирует уведомления отсюда. Разрешите их по значку рядом с адресом, затем включите снова.",
    insecure: "Браузеры разрешают уведомления только на страницах, открытых по https.",
    missing: "В этом браузере уведомлений здесь нет. На iPhone и iPad сначала добавьте Parlor на экран «Домой».",
    failed: "Не удалось настроить уведомления. Обновите страницу и попробуйте ещё раз.",
  },
  newMessage: "Новое сообщение",
  newMessages: countRu({
    one: "{n} новое сообщение",
    few: "{n} новых сообщения",
    many: "{n} новых сообщений",
    other: "{n} нового сообщения",
  }),
  newFrom: (user) => `Последнее: ${user}`,

  callsTitle: "Звонки",
  ring: "Сигнал звонка",
  ringHint: "Короткий сигнал, когда в этой комнате начинается звонок.",

  shortcutsTitle: "Сочетания клавиш",
  shortcutGroups: { room: "В комнате", call: "В звонке" },
  shortcuts: {
    send: "Отправить сообщение",
    newLine: "Новая строка в сообщении",
    edit: "Изменить своё последнее сообщение, если поле пустое",
    reactions: "Между сообщениями, с кнопок сообщения",
    close: "Закрыть окно или список, отменить правку",
    list: "Этот список, когда вы не печатаете",
    mic: "Включить или выключить микрофон",
    camera: "Включить или выключить камеру",
    screen: "Показать экран или остановить показ",
    hand: "Поднять или опустить руку",
    chat: "Показать или скрыть чат",
    layout: "Сетка или крупно говорящий",
    devices: "Камера, микрофон и динамик",
    hangUp: "Выйти из звонка",
    talk: "Говорить, пока удерживается, в режиме рации",
  },
  listByKey: "Открывать этот список клавишей «?»",
};

export const MORE: Record<Language, MoreTexts> = { en, ru };
