import { beforeEach, expect, test } from "vitest";
import { NUDGE } from "../storage/storage";
import { loadNudge, parseNudge, QUIET, saveNudge } from "./nudge-prefs";

beforeEach(() => localStorage.clear());

test("all is off until it is chosen, and what was kept by mistake chooses nothing", () => {
  for (const text of [null, "", "null", "[]", "1", "{", '{"notify":1,"sound":"yes"}', '{"other":true}'])
    expect(parseNudge(text), String(text)).toEqual(QUIET);
  expect(Object.values(QUIET)).toEqual([false, false, false, false, false, false]);
});

test("what is chosen is kept, and nothing where nothing is to be told", () => {
  saveNudge({ ...QUIET, sound: true, mentionsOnly: true });
  expect(loadNudge()).toEqual({ ...QUIET, sound: true, mentionsOnly: true });
  saveNudge({ ...QUIET, ring: true });
  expect(loadNudge()).toEqual({ ...QUIET, ring: true });
  saveNudge({ ...QUIET, mentionsOnly: true });
  expect(localStorage.getItem(NUDGE)).toBeNull();
});
