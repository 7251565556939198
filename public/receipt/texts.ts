// The texts of receipts, in their chunk.

import type { Language } from "../i18n/language";
import { pluralizer } from "../i18n/plural";
import type { Claims } from "./receipt";
import type { Verdict } from "./verify";

const count = pluralizer("en");
const countRu = pluralizer("ru");

const en = {
  title: "What was deleted",
  messages: "Messages",
  entries: (n: number, size: string) => `${count({ one: "{n} entry", other: "{n} entries" })(n)}, ${size}`,
  people: "People",
  peopleCount: count({ one: "{n} at the end", other: "{n} at the end" }),
  files: "Files",
  video: "Video call",
  videos: {
    removed: "deleted",
    absent: "there was none",
    unreachable: "not confirmed: the video server didn’t answer",
    off: "not available on this server",
  } satisfies Record<Claims["video"], string>,
  left: "Still stored",
  leftCount: count({ one: "{n} record", other: "{n} records" }),
  at: "When",
  key: "Signed with key",
  verdicts: {
    good: "Checked in this browser: the receipt is whole and signed with this server’s key.",
    unknown: "Checked in this browser: the receipt is whole, but the server doesn’t publish the key it’s signed with.",
    wrong: "This receipt isn’t valid: its signature, key or room doesn’t match.",
    unsupported: "This browser can’t check the signature. Save the receipt to check it elsewhere.",
    unreachable: "The receipt is whole, but this server’s key couldn’t be fetched to compare.",
  } satisfies Record<Verdict, string>,
  checking: "Checking the signature…",
  worth:
    "The receipt proves what this server says it deleted. It can’t prove that no copy exists elsewhere, such as with members or in backups.",
  save: "Save receipt",
  saved: (file: string) => `Saved: ${file}`,
  unreadable: "The server sent a receipt that this page can’t read.",
};

export type ReceiptTexts = typeof en;

const ru: ReceiptTexts = {
  title: "Что удалено",
  messages: "Сообщения",
  entries: (n, size) =>
    `${countRu({ one: "{n} запись", few: "{n} записи", many: "{n} записей", other: "{n} записи" })(n)}, ${size}`,
  people: "Участники",
  peopleCount: countRu({ other: "{n} к концу разговора" }),
  files: "Файлы",
  video: "Видеозвонок",
  videos: {
    removed: "удалён",
    absent: "не было",
    unreachable: "не подтверждено: видеосервер не ответил",
    off: "на этом сервере недоступен",
  },
  left: "Ещё хранится",
  leftCount: countRu({ one: "{n} запись", few: "{n} записи", many: "{n} записей", other: "{n} записи" }),
  at: "Когда",
  key: "Подписано ключом",
  verdicts: {
    good: "Проверено в этом браузере: квитанция цела и подписана ключом этого сервера.",
    unknown: "Проверено в этом браузере: квитанция цела, но сервер не публикует ключ, которым она подписана.",
    wrong: "Квитанция недействительна: не подходит подпись, ключ или комната.",
    unsupported: "Этот браузер не может проверить подпись. Сохраните квитанцию, чтобы проверить её в другом месте.",
    unreachable: "Квитанция цела, но получить ключ сервера для сравнения не удалось.",
  },
  checking: "Проверяем подпись…",
  worth:
    "Квитанция доказывает, что сервер заявил об удалении. Она не доказывает, что нигде не осталось копий: у участников или в резервных копиях.",
  save: "Сохранить квитанцию",
  saved: (file) => `Сохранено: ${file}`,
  unreadable: "Сервер прислал квитанцию, которую эта страница не может прочитать.",
};

export const RECEIPT: Record<Language, ReceiptTexts> = { en, ru };
