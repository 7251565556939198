import { expect, test } from "vitest";
import { find, isHidden, isListed, type Listed, ofKind, replacement } from "./unplugged";

const mic = (deviceId: string, groupId: string, label: string): Listed => ({
  deviceId,
  groupId,
  kind: "audioinput",
  label,
});
const HEADSET = mic("h", "1", "Headset");
const BUILT_IN = mic("b", "2", "Built-in");
const CHOSEN = mic("default", "1", "Default - Headset");
const CAMERA: Listed = { deviceId: "c", groupId: "3", kind: "videoinput", label: "Logitech C920" };

test("the system's choice stands for the device of the same group", () => {
  const list = [CHOSEN, HEADSET, BUILT_IN, CAMERA];
  expect(find(list, "mic", "default")).toBe(HEADSET);
  expect(find(list, "mic", "b")).toBe(BUILT_IN);
  expect(find(list, "mic", "c")).toBeUndefined();
  expect(find([CHOSEN, BUILT_IN], "mic", "default")).toBe(CHOSEN);
});

test("what takes the place of a lost device is another one, the system's choice first", () => {
  expect(replacement([mic("default", "2", "Default - Built-in"), BUILT_IN], "mic", HEADSET)?.deviceId).toBe("default");
  expect(replacement([BUILT_IN, CAMERA], "mic", HEADSET)).toBe(BUILT_IN);
  // Broken, but still plugged in: neither it nor the choice that stands for it.
  expect(replacement([CHOSEN, HEADSET, BUILT_IN], "mic", HEADSET)).toBe(BUILT_IN);
  expect(replacement([CHOSEN, HEADSET], "mic", HEADSET)).toBeUndefined();
  expect(replacement([BUILT_IN], "camera", CAMERA)).toBeUndefined();
});

test("devices whose ids are hidden are none that can be chosen", () => {
  const hidden = { ...CAMERA, deviceId: "", label: "" };
  expect([isHidden([hidden], "camera"), isHidden([hidden], "mic"), isHidden([CAMERA], "camera")]).toEqual([
    true,
    false,
    false,
  ]);
  expect(ofKind([hidden, CAMERA], "camera")).toEqual([CAMERA]);
  expect(isListed([hidden], CAMERA)).toBe(false);
});
