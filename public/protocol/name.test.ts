import { expect, test } from "vitest";
import { parseName } from "./name";

test("a name has 1 to 32 characters and shows something, as the server asks", () => {
  expect(parseName("  Ann ")).toBe("Ann");
  expect(parseName("Cafe\u0301")).toBe("Café");
  for (const name of ["x".repeat(32), "♥", "नि", "1\ufe0f\u20e3", "🏴\u{e0067}\u{e007f}", "\u2800x"])
    expect(parseName(name), name).toBe(name);
  for (const name of [
    "",
    "  ",
    "x".repeat(33),
    "\u2800",
    "\u3164",
    "\u0301",
    "\u00ad",
    "\u200d",
    "a\u200bb",
    "a\u202eb",
    "a\nb",
  ])
    expect(parseName(name), JSON.stringify(name)).toBeNull();
});
