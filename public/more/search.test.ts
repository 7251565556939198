import { expect, test } from "vitest";
import type { Entry } from "../log/state";
import { search } from "./search";

let seq = 0;
const line = (text: string, more: Partial<Entry> = {}): Entry => {
  seq += 1;
  return { kind: "entry", key: seq, seq, from: "ben", user: "Ben", text, at: seq, mine: false, ...more };
};
const texts = (lines: Entry[], query: string) => search({ lines }, query).map(({ line }) => line.text);
const marked = (text: string, query: string) =>
  search({ lines: [line(text)] }, query)[0]
    ?.pieces.map((p) => (p.hit ? `[${p.text}]` : p.text))
    .join("");

test("every word has to be there, in the text or the name, and the newest comes first", () => {
  const lines = [line("the red lamp"), line("a lamp"), line("red", { user: "Lamprecht" }), line("dark")];
  expect(texts(lines, "lamp")).toEqual(["red", "a lamp", "the red lamp"]);
  expect(texts(lines, "RED lamp")).toEqual(["red", "the red lamp"]);
  expect(texts(lines, "nothing")).toEqual([]);
  expect(texts(lines, "  ")).toEqual([]);
});

test("case and marks do not count", () => {
  expect(marked("Ещё ЁЖИК", "ежик")).toBe("Ещё [ЁЖИК]");
  expect(marked("a cafe\u0301 here", "CAFÉ")).toBe("a [cafe\u0301] here");
  expect(marked("İstanbul", "istanbul")).toBe("[İstanbul]");
  expect(marked("ﬁre", "fi")).toBe("[ﬁ]re");
  expect(marked("one two one", "one")).toBe("[one] two [one]");
  expect(marked("aaa", "aa")).toBe("[aa]a");
});

test("a long message shows what is around the first hit, and cuts no letter in two", () => {
  const shown = marked(`${"😀".repeat(200)} lamp ${"x".repeat(500)}`, "lamp")!;
  expect(shown).toMatch(/^…(?:😀)+ \[lamp\] x+…$/u);
  expect(shown.length).toBeLessThan(260);
  expect(encodeURIComponent(shown), "well-formed").toContain("lamp");
});

test("what cannot be read is not found", () => {
  expect(texts([line("sealed2.lamp", { encryption: "undecryptable" }), line("", { user: "lamp" })], "lamp")).toEqual(
    [],
  );
});

test("names of files are found, also where the message has no text", () => {
  const files = [{ file: "f", size: 1, contentType: "image/png", name: "Red lamp.png" }];
  const lines = [line("", { files }), line("the lamp", { files }), line("lamp")];
  expect(texts(lines, "red lamp")).toEqual(["the lamp", ""]);
  expect(search({ lines: lines.slice(0, 1) }, "LAMP")[0]?.pieces).toEqual([
    { text: "Red ", hit: false },
    { text: "lamp", hit: true },
    { text: ".png", hit: false },
  ]);
});
