import { expect, test } from "vitest";
import { isBlank, textOf, utf8Length } from "./text";

test("what is sent has neither empty lines before it nor white space after it", () => {
  expect(textOf("\n\n  indented\n\nmore \n\t\n")).toBe("  indented\n\nmore");
  expect(textOf("\n \n")).toBe("");
  expect([...textOf(`${"x".repeat(4_000)}\n`)]).toHaveLength(4_000);
});

test("what shows nothing is blank", () => {
  const nothing = [
    "",
    " ",
    "\n\t",
    "\u200b",
    "\u2800",
    "\u3164",
    "\u00ad",
    "\u115f\u1160",
    "\uffa0",
    "\u2060",
    "\ufeff",
    "\u200d",
    "\ufe0f",
    "\u034f",
    "\u061c",
    "\u180e",
    "\u202e",
    "\u2066\u2069",
    "\ufff9",
    "\u{e0041}",
    "\u{1d159}",
    "\u0000",
    " \u200b\u2800\n\u3164\u00ad",
  ];
  for (const text of nothing) expect(isBlank(text), JSON.stringify(text)).toBe(true);
  for (const text of [
    ".",
    "x",
    "\u200bx",
    "1\ufe0f\u20e3",
    "👩‍🚀",
    "🏴\u{e0067}\u{e007f}",
    "ᄒ",
    "न",
    "\u0301",
    "\u{e000}",
    "_",
  ])
    expect(isBlank(text), JSON.stringify(text)).toBe(false);
});

test("a text is as long as its bytes", () => {
  expect(["x", "я", "€", "👍", "👩‍🚀"].map(utf8Length)).toEqual([1, 2, 3, 4, 11]);
});
