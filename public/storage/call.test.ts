import { beforeEach, expect, test } from "vitest";
import { loadCallPrefs, saveCallPrefs } from "./call";
import { saveCall } from "./storage";

const PREFS = { mic: true, camera: false, micId: "m", cameraId: "" };

beforeEach(() => sessionStorage.clear());

test("the devices of a call are kept for its room until it is left", () => {
  saveCallPrefs("a", PREFS);
  expect([loadCallPrefs("a"), loadCallPrefs("b")]).toEqual([PREFS, null]);
  saveCall("a", null);
  expect(loadCallPrefs("a")).toBeNull();
});

test("what is no choice of devices is not taken for one", () => {
  for (const kept of ["1", "{", "null", "[]", '{"mic":true}', JSON.stringify({ ...PREFS, camera: 1 })]) {
    saveCall("a", kept);
    expect(loadCallPrefs("a"), kept).toBeNull();
  }
});
