import { expect, test } from "vitest";
import { moveTo } from "./moves";

const KEYS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "a"];
const at = (at: number, types: boolean) => KEYS.map((key) => moveTo(key, { at, last: 30, columns: 8, types }));

test("in the list every arrow leads to another emoji", () => {
  expect(at(10, false)).toEqual([2, 18, 9, 11, 0, 30, null]);
});

test("in the search field the caret keeps the keys of its line", () => {
  expect(at(10, true)).toEqual([2, 18, null, null, null, null, null]);
  expect(at(-1, true), "none is chosen yet").toEqual([null, 0, null, null, null, null, null]);
});
