import { expect, test } from "vitest";
import { fileName, FORMATS } from "./save";

test("a file is called after the time, not after the room", () => {
  expect(fileName("md", new Date(2026, 0, 5, 9, 7))).toBe("parlor-2026-01-05-0907.md");
  expect(FORMATS).toEqual(["txt", "md", "json"]);
});
