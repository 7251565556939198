import { beforeEach, expect, test } from "vitest";
import { CALL_KEYS } from "../video/controls/keys";
import { isListKeyOn, setListKey, shortcutGroups } from "./shortcuts";

beforeEach(() => localStorage.clear());

test("the call's shortcuts are those that the call uses, where there can be a call", () => {
  expect(shortcutGroups(false).map(({ of }) => of)).toEqual(["room"]);
  const [, call] = shortcutGroups(true);
  const [talk, ...others] = [...call!.shortcuts].reverse();
  expect(others.reverse().map(({ is, keys }) => [is, keys[0]!.at(-1)])).toEqual(Object.entries(CALL_KEYS));
  expect(talk).toEqual({ is: "talk", keys: ["Space"] });
  expect(new Set(Object.values(CALL_KEYS)).size).toBe(Object.keys(CALL_KEYS).length);
});

test("the key that opens the list can be turned off", () => {
  expect(isListKeyOn()).toBe(true);
  setListKey(false);
  expect(isListKeyOn()).toBe(false);
  setListKey(true);
  expect(localStorage.length).toBe(0);
});
