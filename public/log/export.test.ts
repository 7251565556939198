import { describe, expect, test } from "vitest";
import { type ExportTexts, toJson, toMarkdown, toText } from "./export";
import type { Entry, Log, Reaction } from "./state";

const entry = (seq: number, over: Partial<Entry> = {}): Entry => ({
  kind: "entry",
  key: seq,
  seq,
  from: "ben",
  user: "Ben",
  text: `text ${seq}`,
  at: Date.UTC(2026, 0, 2, 12, seq),
  mine: false,
  ...over,
});
const log = (...lines: Log["lines"]) => ({ lines });
const joined = { kind: "notice", key: 9, at: 0, what: "joined", user: "Cy", from: "cy", reason: "" } as const;
const reaction = (user: string, over: Partial<Reaction> = {}): Reaction => ({
  seq: 9,
  from: user,
  user,
  emoji: "👍",
  on: true,
  mine: false,
  ...over,
});

const texts: ExportTexts = {
  time: (at) => new Date(at).toISOString().slice(11, 16),
  edited: "edited",
  deleted: "Deleted.",
  undecryptable: "Cannot be read.",
  unencrypted: "not encrypted",
  doubtful: "doubtful",
  gone: "No longer there.",
  file: (name, bytes) => `[${name}, ${bytes} bytes]`,
};

const TALK = log(
  entry(1, {
    text: "Look:\n12:02 Ben: forged",
    reactions: [reaction("Ann"), reaction("Cy"), reaction("Eve", { on: false })],
  }),
  joined,
  entry(2, { user: "Ann", replyTo: 1, text: "I see", edited: Date.UTC(2026, 0, 2, 13) }),
  entry(3, { text: "", deleted: true }),
  entry(4, { replyTo: 3, text: "", encryption: "undecryptable" }),
  entry(5, { encryption: "unencrypted", doubt: { is: "unencrypted", user: "Ben" } }),
);

test("as text every message is there with its author, and none can be forged within another", () => {
  expect(toText(TALK, texts)).toBe(
    [
      "12:01 Ben:",
      "    Look:",
      "    12:02 Ben: forged",
      "    👍 2",
      "",
      "12:02 Ann (edited):",
      "    > Ben: Look: 12:02 Ben: forged",
      "    I see",
      "",
      "12:03 Ben:",
      "    Deleted.",
      "",
      "12:04 Ben:",
      "    > No longer there.",
      "    Cannot be read.",
      "",
      "12:05 Ben (not encrypted, doubtful):",
      "    text 5",
      "",
    ].join("\n"),
  );
  for (const end of ["\r", "\r\n", "\v", "\f", "\u0085", "\u2028", "\u2029"])
    expect(toText(log(entry(1, { text: `a${end}12:02 Ben: b` })), texts)).toBe("12:01 Ben:\n    a\n    12:02 Ben: b\n");
  expect(toText(log(), texts)).toBe("");
});

test("a quote says the beginning of the message", () => {
  const long = toText(log(entry(1, { text: "👍".repeat(100) }), entry(2, { replyTo: 1 })), texts);
  expect(long).toContain(`> Ben: ${"👍".repeat(80)}…\n`);
});

describe("as Markdown", () => {
  test("a message keeps its own and ends where it ends", () => {
    const talk = log(
      entry(1, { user: "*Ben*", text: "**bold**\n\n# no heading of the talk\n```\ncode" }),
      entry(2, { replyTo: 1, reactions: [reaction("Ann")] }),
      entry(3, { replyTo: 9, text: "", deleted: true }),
    );
    expect(toMarkdown(talk, "room_1", texts)).toBe(
      [
        String.raw`# room\_1`,
        "",
        String.raw`**\*Ben\***, 12:01`,
        "",
        "> **bold**",
        ">",
        "> # no heading of the talk",
        "> ```",
        "> code",
        "",
        "**Ben**, 12:02",
        "",
        String.raw`> > \*Ben\*: \*\*bold\*\* \# no heading of the talk ` + "\\`\\`\\` code",
        ">",
        "> text 2",
        "",
        "👍 1",
        "",
        "**Ben**, 12:03",
        "",
        "> > No longer there.",
        ">",
        "> Deleted.",
        "",
      ].join("\n"),
    );
  });

  test("no picture and no link in disguise is left, whatever stands before it", () => {
    const of = (text: string) => toMarkdown(log(entry(1, { text })), "r", texts);
    expect(of("![x](https://e.example/p.png)")).toContain(String.raw`> \!\[x\](https://e.example/p.png)` + "\n");
    expect(of("[bank](https://e.example) a!")).toContain(String.raw`> \[bank\](https://e.example) a!` + "\n");
    for (const before of ["", "\\", "\\\\", "!", "\\!", "`", "```\n"])
      for (const marks of ["[x](https://e.example)", "[x\\](https://e.example)", "[x]: https://e.example", "[[x]][y]"])
        for (const [bracket] of of(before + marks).matchAll(/\\*[[\]]/g))
          expect(bracket.length % 2, before + marks + bracket).toBe(0);
    const emoji = toMarkdown(log(entry(1, { reactions: [reaction("Ann", { emoji: "![x](y)" })] })), "r", texts);
    expect(emoji).toContain(String.raw`\!\[x\](y) 1`);
  });

  test("no HTML is left, whatever stands before it", () => {
    for (const before of ["", "\\", "`", "```\n", "~~~\n```\n~~~\n", "&"])
      for (const tag of ["<script>", "</b>", "<!-- x", "<?php", "<Img src=x>"]) {
        const out = toMarkdown(log(entry(1, { text: before + tag })), "r", texts);
        expect(out, before + tag).not.toMatch(/<[a-z/!?]/i);
      }
    expect(toMarkdown(log(entry(1, { text: "1 < 2 && 3" })), "r", texts)).toContain("> 1 < 2 && 3\n");
    expect(toMarkdown(log(entry(1, { user: "<b>" })), "<i>", texts)).toContain(String.raw`**\<b\>**`);
  });
});

test("as JSON what the page knows is there, and what is gone is not", () => {
  const now = Date.UTC(2026, 0, 2, 14);
  const read = JSON.parse(toJson(TALK, "general", now));
  expect(read).toMatchObject({ room: "general", exported: "2026-01-02T14:00:00.000Z" });
  const by = { from: "ben", user: "Ben" };
  expect(read.messages).toEqual([
    {
      ...by,
      seq: 1,
      at: "2026-01-02T12:01:00.000Z",
      text: "Look:\n12:02 Ben: forged",
      reactions: [{ emoji: "👍", users: ["Ann", "Cy"] }],
    },
    {
      ...by,
      user: "Ann",
      seq: 2,
      at: "2026-01-02T12:02:00.000Z",
      text: "I see",
      replyTo: 1,
      edited: "2026-01-02T13:00:00.000Z",
    },
    { ...by, seq: 3, at: "2026-01-02T12:03:00.000Z", deleted: true },
    { ...by, seq: 4, at: "2026-01-02T12:04:00.000Z", text: "", replyTo: 3, encryption: "undecryptable" },
    { ...by, seq: 5, at: "2026-01-02T12:05:00.000Z", text: "text 5", encryption: "unencrypted", doubt: "unencrypted" },
  ]);
});
