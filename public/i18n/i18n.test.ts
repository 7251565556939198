import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { ACCOUNT } from "../account/texts";
import { COMMAND_TEXTS } from "../commands/texts";
import { SETTINGS } from "../host/settings-texts";
import { HOST } from "../host/texts";
import { MORE } from "../more/texts";
import { CHOICES } from "./choices";
import { COMPARISON } from "./comparison";
import { DIALOGS } from "./dialogs";
import { ENDING } from "./ending";
import { ERRORS, errorText } from "./errors";
import { LANDING } from "./landing";
import { NAME_PROMPT } from "./name-prompt";
import { INVITES } from "../invite/texts";
import { RECEIPT } from "../receipt/texts";
import { TALK } from "./talk";
import { WRITING } from "./writing";
import { en } from "./en";
import { ru } from "./ru";
import { chooseLanguage } from "./language";
import { EXPLANATION } from "./encryption/explanation";
import { en as secrecy } from "./encryption/en";
import { ru as secrecyRu } from "./encryption/ru";
import { i18n } from "./i18n.svelte";

/** What is called the same in every language. */
const NAMES = [
  LANDING.ru.joinPlaceholder,
  "WebSocket",
  "SSE",
  "Markdown",
  "JSON",
  ...Object.values(COMMAND_TEXTS.ru.usage),
];

describe.each([
  ["of the page", en, ru],
  ["of the landing", LANDING.en, LANDING.ru],
  ["of the dialogs", DIALOGS.en, DIALOGS.ru],
  ["of rooms that ended", ENDING.en, ENDING.ru],
  ["of invites", INVITES.en, INVITES.ru],
  ["of receipts", RECEIPT.en, RECEIPT.ru],
  ["of the question for a name", NAME_PROMPT.en, NAME_PROMPT.ru],
  ["of errors", ERRORS.en, ERRORS.ru],
  ["of what is done with messages", TALK.en, TALK.ru],
  ["of writing", WRITING.en, WRITING.ru],
  ["of the comparison", COMPARISON.en, COMPARISON.ru],
  ["of secrecy", secrecy, secrecyRu],
  ["of what secrecy is", EXPLANATION.en, EXPLANATION.ru],
  ["of accounts", ACCOUNT.en, ACCOUNT.ru],
  ["of what is chosen for a browser", CHOICES.en, CHOICES.ru],
  ["of a room's menu", MORE.en, MORE.ru],
  ["of a room with a host", HOST.en, HOST.ru],
  ["of the host's dialogs", SETTINGS.en, SETTINGS.ru],
  ["of commands", COMMAND_TEXTS.en, COMMAND_TEXTS.ru],
])("the dictionaries %s", (_, en, ru) => {
  const shape = (of: object): string[] =>
    Object.entries(of).flatMap(([key, value]) =>
      typeof value === "object" ? shape(value).map((k) => `${key}.${k}`) : [`${key}: ${typeof value}`],
    );

  test("say the same things", () => {
    expect(shape(ru).sort()).toEqual(shape(en).sort());
  });

  test("leave nothing empty and nothing in the other language", () => {
    const texts = (of: object): string[] =>
      Object.values(of).flatMap((v) => (typeof v === "string" ? [v] : typeof v === "object" ? texts(v) : []));
    for (const text of texts(en)) expect(text).toMatch(/^[^а-яё]+$/i);
    for (const text of texts(ru)) expect(NAMES.includes(text) || /[а-яё]/i.test(text), text).toBe(true);
  });
});

test("every code that the server gives about accounts has a sentence", () => {
  const text = readFileSync(resolve(import.meta.dirname, "../../docs/openapi.yaml"), "utf8");
  const codesOf = (name: string) =>
    new RegExp(`^    ${name}:$[^]*?enum: \\[([^\\]]*)\\]`, "m").exec(text)![1]!.split(", ");
  const operations = text
    .split(/^ {6}operationId: /m)
    .filter((part) => /^(register|login|logout|deleteMe|changePassword)\n/.test(part));
  expect(operations).toHaveLength(5);
  const responses = operations.flatMap((part) => [
    ...part.split(/^ {2}\/|^ {4}\w+:$/m)[0]!.matchAll(/'[45]\d\d': \{\$ref: '#\/components\/responses\/(\w+)'\}/g),
  ]);
  const codes = new Set(responses.flatMap((response) => codesOf(response[1]!)));
  expect(codes).toContain("accounts_busy");
  for (const code of codes) expect(Object.keys(ACCOUNT.en.errors), code).toContain(code);
});

describe("the dictionaries", () => {
  test("count in Russian as Russian does", () => {
    expect([1, 2, 5, 11, 21, 22, 112].map(ru.peopleCount)).toEqual([
      "1 человек",
      "2 человека",
      "5 человек",
      "11 человек",
      "21 человек",
      "22 человека",
      "112 человек",
    ]);
    expect([1, 3, 30].map(ru.minutes)).toEqual(["1 минуту", "3 минуты", "30 минут"]);
    expect(ru.typingMany("Анна", 2)).toBe("Анна и ещё 2 человека печатают");
  });

  test("count in English as English does", () => {
    expect([0, 1, 2].map(en.newMessages)).toEqual(["0 new messages", "1 new message", "2 new messages"]);
  });
});

describe("the language", () => {
  test("is the remembered one, else the first wished for that there is, else English", () => {
    expect(chooseLanguage("ru", ["en"])).toBe("ru");
    expect(chooseLanguage("xx", ["fr-FR", "ru-RU", "en"])).toBe("ru");
    expect(chooseLanguage(null, ["fr"])).toBe("en");
    expect(chooseLanguage("toString", [])).toBe("en");
  });

  test("tells durations in the unit that fits", async () => {
    await i18n.switch("en");
    expect([45, 60, 90, 1800, 3600, 5400, 86_400].map((s) => i18n.duration(s))).toEqual([
      "45 seconds",
      "1 minute",
      "90 seconds",
      "30 minutes",
      "1 hour",
      "90 minutes",
      "1 day",
    ]);
  });

  test("tells a refusal it knows in its own texts and any other in the server's", async () => {
    await i18n.switch("ru");
    expect(errorText("room_full", "this room is full")).toBe("Комната заполнена.");
    expect(errorText("new_code", "as the server says")).toBe("as the server says");
    expect(errorText("new_code", "")).toBe(ERRORS.ru.unknown);
  });
});
