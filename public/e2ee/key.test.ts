import { describe, expect, test } from "vitest";
import { parseAddress, parseInvitation, isSecret, parseKey } from "./key";
import { newSecret } from "./new-secret";

const ROOM = "lusab-babad-gutih-tugad";
/** It ends in letters that prose knows as marks: they are the key's. */
const KEYS = [`${"A".repeat(42)}E`, `_-${"b".repeat(38)}-_0`, newSecret()];

/** What prose, mail and programs put behind a link. */
const AROUND = [
  "",
  ".",
  ")",
  ",",
  ">",
  "]",
  "}",
  '"',
  "'",
  "»",
  "”",
  "’",
  ";",
  "!",
  "?",
  ":",
  "*",
  "**",
  "_",
  "__",
  "-",
  "~",
  "`",
  "|",
  "=",
  "/",
  "…",
  "。",
  "，",
  "）",
  ").",
  ">.",
  '").',
  "*)",
  "_.",
  " ",
  "\u00a0",
  "\t",
  "%20",
  "%20and%20then",
  "%2E",
  "%29",
  "%E2%80%8B",
  "%EF%BB%BF",
  "%C2%A0",
  "%",
  "\u200b",
  "\ufeff",
  "\u2060",
  "\u00ad",
  "\u200e",
  "&x=1",
  "&utm_source=mail",
  "?fbclid=1",
  "&gt;",
  "&#39;",
  "#",
  "#x",
];

/** What is neither a key nor one with something around it. */
const damaged = (key: string) => [
  "",
  "#",
  "top",
  "x=1",
  "key=1",
  key.slice(0, -1),
  key.slice(1),
  key.slice(0, 20),
  key.slice(0, -8),
  `${key}x`,
  `${key}0`,
  `x${key}`,
  `${key}_x`,
  `${key}-0`,
  `${key.slice(0, -1)}_`,
  `${key.slice(0, -1)}.`,
  `${key.slice(0, -1)} `,
  `${key.slice(0, 20)} ${key.slice(20)}`,
  `${key.slice(0, 20)}.${key.slice(20)}`,
  `(${key}`,
  `${key.slice(0, -1)}B`,
  `key=${key}`,
  "%",
  "%20",
  "\u200b",
  ".",
];

describe("a key in a link", () => {
  test.each(KEYS)("is found whatever stands around it: %s", (secret) => {
    for (const after of AROUND) {
      const key = { is: "key", secret };
      expect(parseKey(secret + after), after).toEqual(key);
      expect(parseAddress(`https://parlor.example/r/${ROOM}#${secret}${after}`), `opened: ${after}`).toEqual({
        room: { id: ROOM, given: ROOM },
        search: "",
        key,
      });
      expect(parseInvitation(`https://parlor.example/r/${ROOM}#${secret}${after}`), `pasted: ${after}`).toEqual({
        room: ROOM,
        key,
      });
      expect(
        parseInvitation(`Room #3, 7 pm: (https://parlor.example/r/${ROOM}#${secret}${after} bring a #hat`),
        `in a sentence: ${after}`,
      ).toEqual({ room: ROOM, key });
      expect(parseInvitation(`${ROOM}#${secret}${after}`), `without its link: ${after}`).toEqual({ room: ROOM, key });
    }
  });

  test.each(KEYS)("is put back where its # was escaped: %s", (secret) => {
    const key = { is: "key", secret };
    for (const hash of ["%23", "%2523", "#%23", "##", "#\u200b", "?transport=sse#", "?utm_source=a%23", "/#", "/%23"]) {
      expect(parseAddress(`https://parlor.example/r/${ROOM}${hash}${secret}`), hash).toMatchObject({
        room: { id: ROOM, given: ROOM },
        key,
      });
      expect(parseInvitation(`see https://parlor.example/r/${ROOM}${hash}${secret}, please`), hash).toEqual({
        room: ROOM,
        key,
      });
    }
    expect(parseInvitation(`https://parlor.example/r/${ROOM}\n#${secret}`)).toEqual({ room: ROOM, key });
    expect(parseAddress(`https://parlor.example/transports?room=${ROOM}#${secret}.`)).toEqual({
      room: null,
      search: `?room=${ROOM}`,
      key,
    });
  });

  test.each(KEYS)("that is none is a damaged link, never a link without a key: %s", (secret) => {
    for (const fragment of damaged(secret)) {
      expect(parseKey(fragment), fragment).toEqual({ is: "damaged" });
      expect(isSecret(fragment), fragment).toBe(false);
      for (const hash of ["#", "%23", "?x=1#", "?x=1%23"]) {
        expect(
          parseAddress(`https://parlor.example/r/${ROOM}${hash}${fragment}`),
          `opened: ${hash}${fragment}`,
        ).toMatchObject({ room: { id: ROOM, given: ROOM }, key: { is: "damaged" } });
        expect(
          parseInvitation(`at https://parlor.example/r/${ROOM}${hash}${fragment}`),
          `pasted: ${hash}${fragment}`,
        ).toEqual({ room: ROOM, key: { is: "damaged" } });
      }
    }
  });

  test("is not looked for where there is no #", () => {
    expect(parseKey(null)).toEqual({ is: "none" });
    expect(parseAddress(`https://parlor.example/r/${ROOM}?transport=sse`).key).toEqual({ is: "none" });
    expect(parseAddress("https://parlor.example/")).toEqual({ room: null, search: "", key: { is: "none" } });
  });
});

describe("an invitation", () => {
  const none = { is: "none" };

  test("is an id, a link, or a sentence with a link in it", () => {
    expect(parseInvitation(" general ")).toEqual({ room: "general", key: none });
    expect(parseInvitation(`https://parlor.example/r/${ROOM}`)).toEqual({ room: ROOM, key: none });
    expect(parseInvitation("Come to https://parlor.example/r/%D0%BA%D0%BE%D0%BC?x=1")).toEqual({
      room: "ком",
      key: none,
    });
    expect(parseInvitation("https://parlor.example/r/a.b_c~")).toEqual({ room: "a.b_c~", key: none });
    expect(parseInvitation("https://parlor.example/r/team.")).toEqual({ room: "team.", key: none });
  });

  test("ends where the sentence goes on", () => {
    for (const text of [
      "(https://parlor.example/r/комната-7)",
      "«https://parlor.example/r/комната-7».",
      "https://parlor.example/r/комната-7, 7 pm",
      "see https://parlor.example/r/комната-7.",
      "<https://parlor.example/r/комната-7>",
      "https://parlor.example/r/комната-7，谢谢",
    ]) {
      expect(parseInvitation(text), text).toEqual({ room: "комната-7", key: none });
    }
  });

  test("may bring an invite, whatever stands around it", () => {
    const secret = "A".repeat(43);
    const key = { is: "key", secret };
    for (const [text, invitation] of [
      [`https://parlor.example/r/${ROOM}?invite=a.b#${secret}`, { room: ROOM, key, invite: "a.b" }],
      [`come: https://parlor.example/r/${ROOM}/?transport=sse&invite=a.b`, { room: ROOM, key: none, invite: "a.b" }],
      [`https://parlor.example/r/${ROOM}?invite=`, { room: ROOM, key: none }],
    ] as const)
      expect(parseInvitation(text), text).toEqual(invitation);
  });

  test("that names no room is none", () => {
    for (const text of [
      "",
      "#",
      "https://parlor.example/",
      "https://parlor.example/r/a{b}",
      "https://parlor.example/r/a%zz",
      "see you at 7",
      `join ${ROOM}#x`,
    ])
      expect(parseInvitation(text), text).toBeNull();
  });
});
