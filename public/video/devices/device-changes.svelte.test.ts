import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DeviceChanges, SWITCH_TIMEOUT } from "./device-changes.svelte";
import type { DeviceKind, Listed } from "./unplugged";

const device = (kind: MediaDeviceKind, deviceId: string, label: string): Listed => ({
  kind,
  deviceId,
  groupId: deviceId,
  label,
});
const C920 = device("videoinput", "c920", "Logitech C920 (046d:082d)");
const BUILT_IN = device("videoinput", "built-in", "FaceTime HD");
const HEADSET = device("audioinput", "headset", "Headset");
const SPEAKERS = device("audiooutput", "speakers", "Speakers");

/** A machine whose devices the test plugs in and out. */
let plugged: Listed[];
let used: Record<DeviceKind, string>;
let working: Record<DeviceKind, boolean>;
let wanted: Record<DeviceKind, boolean>;
let failed: string[];
let listeners: (() => void)[];
let changes: DeviceChanges;

const settled = () => vi.advanceTimersByTimeAsync(SWITCH_TIMEOUT + 1_000);

async function plug(...devices: Listed[]) {
  plugged = devices;
  for (const listener of listeners) listener();
  await settled();
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  listeners = [];
  vi.stubGlobal("navigator", {
    mediaDevices: {
      addEventListener: (_: string, listener: () => void) => listeners.push(listener),
      removeEventListener: () => (listeners = []),
    },
  });
  plugged = [C920, BUILT_IN, HEADSET, SPEAKERS];
  used = { camera: "c920", mic: "headset", speaker: "speakers" };
  working = { camera: true, mic: true, speaker: true };
  wanted = { camera: true, mic: true, speaker: true };
  failed = [];
  changes = new DeviceChanges({
    list: async () => plugged,
    used: (kind) => used[kind],
    works: (kind) => working[kind],
    wanted: (kind) => wanted[kind],
    use: async (kind, id) => {
      used[kind] = id;
      working[kind] = wanted[kind];
      return true;
    },
    fail: (kind, why) => failed.push(`${kind} ${why}`),
  });
  changes.watch();
  await settled();
});

afterEach(() => {
  changes.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("an unplugged camera is named and replaced, and offered when it is back", async () => {
  working.camera = false;
  await plug(BUILT_IN, HEADSET, SPEAKERS);
  expect(changes.losses).toEqual([
    { kind: "camera", name: "Logitech C920", unplugged: true, now: "FaceTime HD", on: true },
  ]);
  expect([used.camera, changes.offers]).toEqual(["built-in", []]);
  await plug(C920, BUILT_IN, HEADSET, SPEAKERS);
  expect(changes.offers).toEqual([{ kind: "camera", id: "c920", name: "Logitech C920" }]);
  expect(used.camera).toBe("built-in");
  changes.settle("camera", true);
  expect([changes.losses, changes.offers]).toEqual([[], []]);
});

test("what LiveKit switched to by itself is told, and not switched again", async () => {
  used.camera = "built-in";
  changes.ended("camera");
  await plug(BUILT_IN, HEADSET, SPEAKERS);
  expect(changes.losses.map(({ name, now }) => [name, now])).toEqual([["Logitech C920", "FaceTime HD"]]);
});

test("without another microphone, any that is plugged in later is offered", async () => {
  working.mic = false;
  await plug(C920, BUILT_IN, SPEAKERS);
  expect(changes.losses.map(({ kind, now }) => [kind, now])).toEqual([["mic", null]]);
  const other = device("audioinput", "usb", "USB microphone");
  await plug(C920, BUILT_IN, SPEAKERS, other);
  expect(changes.offers).toEqual([{ kind: "mic", id: "usb", name: "USB microphone" }]);
});

test("what is read stays hidden, and its device is still offered", async () => {
  working.camera = false;
  await plug(BUILT_IN, HEADSET, SPEAKERS);
  changes.settle("camera", false);
  await plug(BUILT_IN, HEADSET, SPEAKERS, device("videoinput", "new", "New"));
  expect([changes.losses, changes.offers]).toEqual([[], []]);
  await plug(BUILT_IN, HEADSET, SPEAKERS, C920);
  expect(changes.offers.map(({ id }) => id)).toEqual(["c920"]);
});

test("a camera that is off is replaced for the time when it is turned on", async () => {
  [wanted.camera, working.camera] = [false, false];
  await plug(BUILT_IN, HEADSET, SPEAKERS);
  expect(changes.losses[0]).toMatchObject({ now: "FaceTime HD", on: false });
});

test("a headset takes its microphone and its speaker with it", async () => {
  const ear = device("audiooutput", "ear", "Headset");
  const inner = device("audioinput", "inner", "Built-in microphone");
  used.speaker = "ear";
  await plug(C920, HEADSET, inner, ear, SPEAKERS);
  await changes.note();
  working.mic = false;
  await plug(C920, inner, SPEAKERS);
  expect(changes.losses.map(({ kind, now }) => [kind, now]).sort()).toEqual([
    ["mic", "Built-in microphone"],
    ["speaker", "Speakers"],
  ]);
});

test("a track that ended and works again on the same device is no loss", async () => {
  changes.ended("camera");
  await settled();
  expect([changes.losses, failed]).toEqual([[], []]);
});

test("a device that stops while it is plugged in is replaced, or reported", async () => {
  working.camera = false;
  changes.ended("camera");
  await settled();
  expect(changes.losses).toMatchObject([{ name: "Logitech C920", unplugged: false, now: "FaceTime HD" }]);
  expect(changes.offers).toEqual([]);
  working.mic = false;
  changes.ended("mic");
  await settled();
  expect(failed).toEqual(["mic ended"]);
});

test("a permission that is taken back is no unplugged device", async () => {
  working.camera = false;
  changes.ended("camera");
  await plug({ ...C920, deviceId: "", label: "" }, HEADSET, SPEAKERS);
  expect([changes.losses, failed]).toEqual([[], ["camera denied"]]);
});
