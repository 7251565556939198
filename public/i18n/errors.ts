// What the server refuses, by the code that it gives: apart from the texts of the first view, which meets no error.

import { i18n } from "./i18n.svelte";
import type { Language } from "./language";

const en = {
  bad_room: "Use 1–64 letters, digits or . _ - ~ for a room ID.",
  bad_name: "This name can’t be used. Use 1–32 visible characters.",
  forbidden: "The server refused this page.",
  forbidden_origin: "The server doesn’t accept pages from this address.",
  not_member: "Your place in this room has expired.",
  room_full: "The room is full.",
  name_taken: "This name, or one that looks like it, belongs to an account. Choose another, or log in if it’s yours.",
  login_required: "Log in to join rooms on this server.",
  not_logged_in: "Your login has expired.",
  accounts_unavailable: "Accounts are unavailable right now.",
  rate_limited: "Too fast.",
  too_long: "The message is too long.",
  store_unavailable: "The server couldn’t answer right now.",
  server_full: "The server is full right now.",
  store_full: "The server has no space left right now.",
  stale_n: "The message didn’t arrive.",
  no_target: "That message is gone.",
  muted: "The host has muted you in the chat.",
  not_yours: "You wrote it before you rejoined, so it can’t be changed.",
  too_late: "It’s too late to edit this message.",
  internal: "Something went wrong on the server.",
  unconfirmed: "The connection broke. The message may or may not have arrived.",
  unknown: "Disconnected for an unknown reason.",
} as Record<string, string>;

const ru: typeof en = {
  bad_room: "ID комнаты: от 1 до 64 символов — буквы, цифры и . _ - ~",
  bad_name: "Такое имя не подходит: нужно от 1 до 32 видимых символов.",
  forbidden: "Сервер не принимает эту страницу.",
  forbidden_origin: "Сервер не принимает страницы с этого адреса.",
  not_member: "Ваше место в этой комнате уже не действует.",
  room_full: "Комната заполнена.",
  name_taken: "Это имя или похожее на него принадлежит учётной записи. Выберите другое или войдите, если оно ваше.",
  login_required: "Чтобы войти в комнату на этом сервере, войдите в учётную запись.",
  not_logged_in: "Срок входа истёк.",
  accounts_unavailable: "Учётные записи сейчас недоступны.",
  rate_limited: "Слишком быстро.",
  too_long: "Сообщение слишком длинное.",
  store_unavailable: "Сервер сейчас не ответил.",
  server_full: "Сервер сейчас переполнен.",
  store_full: "На сервере закончилось место.",
  stale_n: "Сообщение не дошло.",
  no_target: "Этого сообщения уже нет.",
  muted: "Организатор запретил вам писать в чат.",
  not_yours: "Вы написали его до повторного входа, поэтому изменить его нельзя.",
  too_late: "Менять это сообщение уже поздно.",
  internal: "Ошибка на сервере.",
  unconfirmed: "Связь оборвалась. Неизвестно, дошло ли сообщение.",
  unknown: "Сервер отключил вас по неизвестной причине.",
};

export const ERRORS: Record<Language, typeof en> = { en, ru };

export function errorText(code: string, message: string): string {
  if (code === "address_limit") return i18n.texts.addressLimit;
  const texts = ERRORS[i18n.language];
  return texts[code] ?? (message || texts.unknown!);
}
