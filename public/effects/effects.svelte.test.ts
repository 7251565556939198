import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { problemOf } from "../video/devices/problem";
import { type EffectPart, Effects, type EffectTrack } from "./effects.svelte";
import { EffectError } from "./effect-error";
import { loadEffects, saveEffects } from "./prefs";

/** A track that notes what is put on it. */
class Track implements EffectTrack {
  isStopped = false;
  processor: unknown;
  getProcessor = () => this.processor;
  setProcessor = vi.fn(async (processor: unknown) => void (this.processor = processor));
  stopProcessor = vi.fn(async () => void (this.processor = undefined));
}

const part = (): EffectPart => ({ create: () => ({ name: "effect" }) as unknown as ReturnType<EffectPart["create"]> });
let parts = { blur: vi.fn(async () => part()), noise: vi.fn(async () => part()) };
let [camera, mic] = [new Track(), new Track()];

beforeEach(() => {
  parts = { blur: vi.fn(async () => part()), noise: vi.fn(async () => part()) };
  [camera, mic] = [new Track(), new Track()];
});
afterEach(() => localStorage.clear());

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

test("a device that was closed is left alone", async () => {
  const effects = new Effects(parts);
  await published(effects);
  camera.isStopped = true;
  await effects.want("blur", true);
  expect([parts.blur.mock.calls.length, effects.wanted.blur]).toEqual([0, true]);
});
