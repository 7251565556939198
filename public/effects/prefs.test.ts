import { afterEach, expect, test } from "vitest";
import { forgetSessions } from "../storage/storage";
import { loadEffects, parseEffects, saveEffects } from "./prefs";

afterEach(() => localStorage.clear());

test("effects are off until they are chosen, and kept then", () => {
  expect(loadEffects()).toEqual({ blur: false, noise: false });
  for (const blur of [true, false]) {
    for (const noise of [true, false]) {
      saveEffects({ blur, noise });
      expect(loadEffects()).toEqual({ blur, noise });
    }
  }
  expect(localStorage.length).toBe(0);
});

test("what was not chosen by this page is off", () => {
  for (const text of [null, "", "true", '{"blur":true}', "blurred", "__proto__"]) {
    expect(parseEffects(text)).toEqual({ blur: false, noise: false });
  }
});

test("the next user of the tab begins without them", () => {
  saveEffects({ blur: true, noise: true });
  forgetSessions();
  expect(loadEffects()).toEqual({ blur: false, noise: false });
});
