import { beforeEach, expect, test } from "vitest";
import { loadCallPrefs, loadDevices, loadTalk, saveCallPrefs, saveDevices, saveTalk } from "./call";
import { DEVICES, forgetSessions, saveCall, saveLocal } from "./storage";

const PREFS = { mic: true, camera: false, micId: "m", cameraId: "", speakerId: "s" };

beforeEach(() => {
  sessionStorage.clear();
  localStorage.clear();
});

test("the devices of a call are kept for its room until it is left", () => {
  saveCallPrefs("a", PREFS);
  expect([loadCallPrefs("a"), loadCallPrefs("b")]).toEqual([PREFS, null]);
  saveCall("a", null);
  expect(loadCallPrefs("a")).toBeNull();
});

test("the devices chosen last are kept for every tab, apart from those of a call", () => {
  expect(loadDevices()).toBeNull();
  saveDevices(PREFS);
  saveCallPrefs("a", { ...PREFS, mic: false });
  sessionStorage.clear();
  expect([loadDevices(), loadCallPrefs("a")]).toEqual([PREFS, null]);
});

test("what is no choice of devices is not taken for one", () => {
  for (const kept of ["1", "{", "null", "[]", '{"mic":true}', JSON.stringify({ ...PREFS, camera: 1 })]) {
    saveCall("a", kept);
    saveLocal(DEVICES, kept);
    expect([loadCallPrefs("a"), loadDevices()], kept).toEqual([null, null]);
  }
});

test("push-to-talk is off unless the user turned it on", () => {
  expect(loadTalk()).toBe(false);
  saveTalk(true);
  expect(loadTalk()).toBe(true);
  saveTalk(false);
  expect(localStorage.length).toBe(0);
});

test("another user of this browser gets none of it", () => {
  saveDevices(PREFS);
  saveTalk(true);
  forgetSessions();
  expect(localStorage.length).toBe(0);
});
