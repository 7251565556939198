// The texts of files, in their chunk.

import { ERRORS } from "../i18n/errors";
import { i18n } from "../i18n/i18n.svelte";
import type { Language } from "../i18n/language";
import { pluralizer } from "../i18n/plural";

const count = pluralizer("en");

const en = {
  notHere: "Files and pictures can’t be sent here.",
  tray: "Files to send",
  notReady: "The files aren’t ready yet. Send the message when they are.",
  mendFailed: "Remove the file that failed, or try it again.",
  removeFailed: "Remove the file that can’t be sent.",
  answerFirst: "Remove the picture, or send it as it is.",
  preparing: "Removing hidden data…",
  waiting: "Waiting…",
  uploading: (percent: number) => `Uploading… ${percent}%`,
  broken: "Connection lost. The upload will go on.",
  whole: "Ready to send",
  progress: (name: string) => `Upload of ${name}`,
  remove: (name: string) => `Remove ${name}`,
  retry: "Try again",
  retryFile: (name: string) => `Try ${name} again`,
  asking: "This picture may say where and when it was taken, and this page can’t remove that.",
  asItIs: "Send it as it is",
  allWhole: count({ one: "{n} file is ready to send.", other: "{n} files are ready to send." }),
  failed: (name: string, why: string) => `${name}: ${why}`,
  tooBig: (most: string) => `This file is too large. The limit is ${most}.`,
  tooMany: (most: number) => `A message takes up to ${most} files. The rest were left out.`,
  unnamed: "unnamed file",
  open: (name: string) => `Show ${name}`,
  download: (name: string, size: string) => `Download ${name}, ${size}`,
  downloading: "Downloading…",
  gone: "This file is gone.",
  undecryptable: "This file can’t be decrypted.",
  away: "The file couldn’t be loaded. Try again.",
  noPicture: "This picture can’t be shown.",
  previous: "Previous picture",
  next: "Next picture",
  position: (at: number, of: number) => `${at} of ${of}`,
  errors: {
    bad_file: "The server doesn’t accept this file’s name or type.",
    file_too_big: "This file is too large.",
    empty_file: "This file is empty.",
    unreadable: "This file can’t be read.",
    declined: "Not sent without encryption.",
    files_full: "The room has no space left for this file. Space is freed as older files disappear.",
    no_file: "The server no longer has this file. Try again.",
    file_incomplete: "The file isn’t complete. Try again.",
    bad_offset: "The upload got out of step. Try again.",
    address_limit: "Your network address has no space left for files here.",
    store_full: "The server has no space left right now.",
    files_off: "Files can’t be sent on this server.",
    body_too_big: "Something between you and the server refuses uploads of this size.",
    refused: "The server refused this file.",
  },
  messageErrors: {
    no_file: "The server no longer has these files. Put the message back to upload them again.",
    file_incomplete: "The files aren’t complete. Put the message back to upload them again.",
  },
};

export type FileTexts = typeof en;

const countRu = pluralizer("ru");

const ru: FileTexts = {
  notHere: "Файлы и картинки здесь отправить нельзя.",
  tray: "Файлы к отправке",
  notReady: "Файлы ещё не готовы. Отправьте сообщение, когда они загрузятся.",
  mendFailed: "Уберите файл с ошибкой или загрузите его ещё раз.",
  removeFailed: "Уберите файл, который нельзя отправить.",
  answerFirst: "Уберите картинку или отправьте её как есть.",
  preparing: "Убираем скрытые данные…",
  waiting: "Ждёт очереди…",
  uploading: (percent) => `Загрузка… ${percent}%`,
  broken: "Нет соединения. Загрузка продолжится.",
  whole: "Готов к отправке",
  progress: (name) => `Загрузка файла ${name}`,
  remove: (name) => `Убрать ${name}`,
  retry: "Повторить",
  retryFile: (name) => `Повторить: ${name}`,
  asking: "В этой картинке может быть записано, где и когда она снята, и убрать это здесь не получится.",
  asItIs: "Отправить как есть",
  allWhole: countRu({
    one: "{n} файл готов к отправке.",
    few: "{n} файла готовы к отправке.",
    many: "{n} файлов готовы к отправке.",
    other: "{n} файла готовы к отправке.",
  }),
  failed: (name, why) => `${name}: ${why}`,
  tooBig: (most) => `Файл слишком большой. Предел: ${most}.`,
  tooMany: (most) => `К сообщению можно приложить до ${most} файлов. Остальные не добавлены.`,
  unnamed: "файл без имени",
  open: (name) => `Показать ${name}`,
  download: (name, size) => `Скачать ${name}, ${size}`,
  downloading: "Скачиваем…",
  gone: "Этого файла уже нет.",
  undecryptable: "Не удалось расшифровать файл.",
  away: "Файл не загрузился. Попробуйте ещё раз.",
  noPicture: "Эту картинку не удалось показать.",
  previous: "Предыдущая картинка",
  next: "Следующая картинка",
  position: (at, of) => `${at} из ${of}`,
  errors: {
    bad_file: "Сервер не принимает имя или тип этого файла.",
    file_too_big: "Файл слишком большой.",
    empty_file: "Файл пустой.",
    unreadable: "Файл не удалось прочитать.",
    declined: "Без шифрования не отправлено.",
    files_full: "В комнате нет места для этого файла. Оно появится, когда исчезнут старые файлы.",
    no_file: "У сервера этого файла уже нет. Попробуйте ещё раз.",
    file_incomplete: "Файл загружен не полностью. Попробуйте ещё раз.",
    bad_offset: "Загрузка сбилась. Попробуйте ещё раз.",
    address_limit: "Для файлов с вашего сетевого адреса здесь больше нет места.",
    store_full: "На сервере сейчас нет места.",
    files_off: "На этом сервере нельзя отправлять файлы.",
    body_too_big: "Что-то между вами и сервером не пропускает загрузки такого размера.",
    refused: "Сервер не принял этот файл.",
  },
  messageErrors: {
    no_file: "У сервера этих файлов уже нет. Верните сообщение в поле ввода, и они загрузятся снова.",
    file_incomplete: "Файлы загружены не полностью. Верните сообщение в поле ввода, и они загрузятся снова.",
  },
};

export const FILES: Record<Language, FileTexts> = { en, ru };

/** Why the server refused a message with files, which can be put back. */
export function messageErrorText(code: string): string {
  const known: Record<string, string> = FILES[i18n.language].messageErrors;
  return known[code] ?? fileErrorText(code);
}

/** Why the server refused a file, which can be tried again. */
export function fileErrorText(code: string): string {
  const { errors } = FILES[i18n.language];
  const known: Record<string, string> = { ...ERRORS[i18n.language], ...errors };
  return known[code] ?? errors.refused;
}
