import { expect, test } from "vitest";
import { isolateName, MARKS_MAX, splitNames, displayText } from "./display-text";

const marks = (text: string) => text.match(/\p{M}/gu)?.length ?? 0;

test("a letter keeps the marks that scripts need, and not hundreds", () => {
  // Hebrew with vowels and cantillation, Arabic, Vietnamese, Thai, Tibetan, Devanagari, a keycap.
  for (const text of [
    "בְּרֵאשִׁ֖ית",
    "بِسْمِ ٱللَّٰهِ",
    "Tiếng Việt".normalize("NFD"),
    "ที่นี่",
    "རྣྲྀཾ",
    "क्ष्म्य",
    "1\ufe0f\u20e3",
    "e\u0301",
  ])
    expect(displayText(text)).toBe(text);
  for (const mark of ["\u0301", "\u0489", "\u20dd", "\u0e49", "\u{1e8d0}"]) {
    expect(marks(displayText(`x${mark.repeat(360)}y`)), mark).toBe(MARKS_MAX);
    expect(displayText(`x${mark.repeat(360)}y`)).toMatch(/^x.*y$/u);
  }
});

test("invisible characters between marks do not begin a new letter", () => {
  for (const between of ["\u200d", "\u200b", "\u2060", "\u034f", "\ufeff"])
    expect(marks(displayText(`x${`\u0301${between}`.repeat(180)}`)), JSON.stringify(between)).toBeLessThanOrEqual(
      MARKS_MAX,
    );
});

test("a sentence is taken apart into its words and the names in it", () => {
  expect(splitNames(`${isolateName("Ann")} and ${isolateName("ברוך")} are typing`)).toEqual([
    { text: "Ann", name: true },
    { text: " and ", name: false },
    { text: "ברוך", name: true },
    { text: " are typing", name: false },
  ]);
  expect(splitNames("Connection lost")).toEqual([{ text: "Connection lost", name: false }]);
  expect(splitNames("")).toEqual([]);
});
