import { expect, test } from "vitest";
import { suggest } from "./completion";
import { EMOJI_NAMES } from "./emoji-names";
import { isEmoji } from "../log/reactions";

const NAMES = ["Ann", "Ben", "Ben Hur", "Guest 7", "Анна"];
const texts = (before: string) => suggest(before, NAMES)?.items.map(({ text }) => text) ?? [];

test("a mention offers the members whose name begins so, or a word of it", () => {
  expect(texts("@")).toEqual(["@Ann ", "@Ben ", "@Ben Hur ", "@Guest 7 ", "@Анна "]);
  expect(texts("hi @be")).toEqual(["@Ben ", "@Ben Hur "]);
  expect(texts("@ben h")).toEqual(["@Ben Hur "]);
  expect(texts("@HUR")).toEqual(["@Ben Hur "]);
  expect(texts("(@анн")).toEqual(["@Анна "]);
  expect(suggest("hi @be", NAMES)?.from).toBe(3);
  expect(texts("@ben"), "another one begins so").toEqual(["@Ben ", "@Ben Hur "]);
  for (const nothing of [
    "@ann",
    "@Анна",
    "@guest 7",
    "ann@be",
    "@zed",
    "@ben said",
    "@ben ",
    "@@be",
    "x",
    "",
    "@ann\n",
  ])
    expect(texts(nothing), nothing).toEqual([]);
});

test("an emoji is found by the beginning of its name in both languages, the exact one first", () => {
  expect(texts(":smile")[0]).toBe("😄");
  expect(texts("so :hea")[0]).toBe("😍");
  expect(texts(":сердце")[0]).toBe("❤️");
  expect(texts(":HEART")[0]).toBe("❤️");
  expect(suggest("so :hea", [])?.from).toBe(3);
  for (const nothing of [":s", "10:30", "https:", "a:smile", ": smile", ":)", ":qqq"])
    expect(texts(nothing), nothing).toEqual([]);
});

test("a whole name between colons is the emoji at once", () => {
  expect(suggest("yes :tada:", NAMES)).toEqual({ from: 4, items: [], exact: "🎉" });
  expect(suggest(":nothing:", NAMES)).toBeNull();
});

test("the table has single emoji, and no name twice", () => {
  const names = EMOJI_NAMES.flatMap(({ names }) => names);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  for (const { emoji, names } of EMOJI_NAMES) {
    expect(isEmoji(emoji), emoji).toBe(true);
    for (const name of names) expect(name).toMatch(/^[\p{L}\p{N}_+-]{1,24}$/u);
  }
});

test("a slash at the very beginning offers the commands, and behind some the members", () => {
  expect(texts("/")).toContain("/me ");
  expect(texts("/k")).toEqual(["/kick ", "/knock "]);
  expect(texts("/UN")).toEqual(["/unmute ", "/unlock "]);
  expect(suggest("/k", NAMES)?.from).toBe(0);
  expect(texts("/kick b")).toEqual(["Ben", "Ben Hur"]);
  expect(texts("/mute ")).toEqual(NAMES);
  expect(suggest("/host ben", NAMES)).toMatchObject({ from: 6, items: [{ text: "Ben Hur" }] });
  for (const nothing of ["/kick", "/help", " /k", "a/k", "//k", "/zed", "/me b", "/kick zed", "/k\n"])
    expect(texts(nothing), nothing).toEqual([]);
});
