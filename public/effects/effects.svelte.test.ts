import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { problemOf } from "../video/devices/problem";
import { type EffectPart, Effects, type EffectTrack } from "./effects.svelte";
import { EffectError } from "./effect-error";
import { NoiseProcessor } from "./noise";
import { loadEffects, saveEffects } from "./prefs";

vi.mock("@sapphi-red/web-noise-suppressor", () => ({ RnnoiseWorkletNode: class {} }));

/** A track that notes what is put on it. */
class Track implements EffectTrack {
  isStopped = false;
  processor: unknown;
  getProcessor = () => this.processor;
  setProcessor = vi.fn(async (processor: unknown) => void (this.processor = processor));
  stopProcessor = vi.fn(async () => void (this.processor = undefined));
}

/** Of the processors by now: they stop when the device is changed. */
let stops: (() => void)[] = [];
const part = (): EffectPart => ({
  create: (failed) => {
    stops.push(failed);
    return { name: "effect" } as unknown as ReturnType<EffectPart["create"]>;
  },
});
let parts = { blur: vi.fn(async () => part()), noise: vi.fn(async () => part()) };
let [camera, mic] = [new Track(), new Track()];

beforeEach(() => {
  parts = { blur: vi.fn(async () => part()), noise: vi.fn(async () => part()) };
  [camera, mic] = [new Track(), new Track()];
  stops = [];
});
afterEach(() => {
  localStorage.clear();
  vi.unstubAllGlobals();
});

async function published(effects: Effects) {
  await effects.beforePublish("camera", camera);
  await effects.beforePublish("mic", mic);
  await effects.afterPublish("camera", camera);
  await effects.afterPublish("mic", mic);
}

test("nothing is loaded or touched while nothing is wanted", async () => {
  await published(new Effects(parts));
  expect([parts.blur, parts.noise, camera.stopProcessor, mic.stopProcessor].map((f) => f.mock.calls.length)).toEqual([
    0, 0, 0, 0,
  ]);
});

test("a choice is kept, and put on the devices of the next call: on the camera before it is published", async () => {
  const before = new Effects(parts);
  await before.want("blur", true);
  await before.want("noise", true);
  expect(parts.blur).not.toHaveBeenCalled();

  const effects = new Effects(parts);
  await effects.beforePublish("camera", camera);
  expect(camera.processor).toBeDefined();
  await effects.beforePublish("mic", mic);
  expect(mic.processor).toBeUndefined();
  await effects.afterPublish("mic", mic);
  expect(mic.processor).toBeDefined();
  expect(effects.status).toEqual({ blur: "idle", noise: "idle" });
  await published(effects);
  expect([camera.setProcessor.mock.calls.length, mic.setProcessor.mock.calls.length]).toEqual([1, 1]);
});

test("screens are sent as they are", async () => {
  saveEffects({ blur: true, noise: true });
  const effects = new Effects(parts);
  await effects.beforePublish("screen", camera);
  await effects.afterPublish("screen", camera);
  expect(camera.processor).toBeUndefined();
});

test("the last of many choices counts", async () => {
  const effects = new Effects(parts);
  await published(effects);
  await Promise.all([true, false, true, false].map((on) => effects.want("blur", on)));
  expect([camera.processor, effects.wanted.blur, loadEffects().blur]).toEqual([undefined, false, false]);
  await Promise.all([true, false, true].map((on) => effects.want("blur", on)));
  expect([camera.processor !== undefined, effects.wanted.blur, loadEffects().blur]).toEqual([true, true, true]);
});

test("an effect that fails when it is switched on is off again, says so, and can be tried again", async () => {
  const effects = new Effects(parts);
  await published(effects);
  parts.noise.mockRejectedValueOnce(new Error("away"));
  await effects.want("noise", true);
  expect([effects.wanted.noise, effects.status.noise, loadEffects().noise]).toEqual([false, "failed", false]);
  await effects.want("noise", true);
  expect([effects.wanted.noise, effects.status.noise, mic.processor !== undefined]).toEqual([true, "idle", true]);
});

test("a camera whose background cannot be blurred is not published; a microphone with its noise is", async () => {
  saveEffects({ blur: true, noise: true });
  const effects = new Effects(parts);
  parts.blur.mockRejectedValue(new Error("away"));
  parts.noise.mockRejectedValue(new Error("away"));
  const refused = await effects.beforePublish("camera", camera).catch((cause: unknown) => cause);
  expect(refused).toBeInstanceOf(EffectError);
  expect(problemOf(refused, "camera")).toBe("camera_effect");
  expect([effects.wanted.blur, effects.status.blur]).toEqual([true, "failed"]);
  await effects.afterPublish("mic", mic);
  expect([effects.wanted.noise, effects.status.noise, loadEffects().noise]).toEqual([false, "failed", true]);
});

test("noise that cannot be suppressed in another microphone is off, says so, and can be tried again", async () => {
  saveEffects({ blur: false, noise: true });
  const effects = new Effects(parts);
  await published(effects);
  stops[0]?.();
  await vi.waitFor(() => expect(effects.status.noise).toBe("failed"));
  expect([mic.processor, effects.wanted.noise, loadEffects().noise]).toEqual([undefined, false, true]);
  await effects.want("noise", true);
  expect([mic.processor !== undefined, effects.wanted.noise, effects.status.noise]).toEqual([true, true, "idle"]);
});

test("another microphone is sent with its noise where it cannot be suppressed", async () => {
  const close = vi.fn(async () => {});
  const Context = class {
    state = "running";
    audioWorklet = { addModule: async () => {} };
    resume = async () => {};
    close = close;
  };
  vi.stubGlobal("AudioContext", Context);
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("away")));
  const failed = vi.fn();
  const processor = new NoiseProcessor(failed);
  const options = { track: {} } as Parameters<NoiseProcessor["restart"]>[0];
  await expect(processor.init(options)).rejects.toBeInstanceOf(EffectError);
  expect(failed).not.toHaveBeenCalled();
  await processor.restart(options);
  expect([failed.mock.calls.length, close.mock.calls.length, processor.processedTrack]).toEqual([1, 2, undefined]);
});

test("a device that was closed is left alone", async () => {
  const effects = new Effects(parts);
  await published(effects);
  camera.isStopped = true;
  await effects.want("blur", true);
  expect([parts.blur.mock.calls.length, effects.wanted.blur]).toEqual([0, true]);
});
