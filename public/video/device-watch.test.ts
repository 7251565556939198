import { EventEmitter } from "node:events";
import { type LocalTrack, TrackEvent } from "livekit-client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DEVICE_SWITCH_TIMEOUT, watchDevice } from "./device-watch";

class FakeTrack extends EventEmitter {
  mediaStreamTrack = { readyState: "live" };
}

let track: FakeTrack;
let told: boolean[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  track = new FakeTrack();
  told = [];
  watchDevice(track as unknown as LocalTrack, (works) => told.push(works));
});

afterEach(() => vi.useRealTimers());

test("a microphone that dies is told about, unless another one takes its place", () => {
  track.mediaStreamTrack = { readyState: "ended" };
  track.emit(TrackEvent.Ended);
  track.mediaStreamTrack = { readyState: "live" };
  vi.advanceTimersByTime(DEVICE_SWITCH_TIMEOUT);
  expect(told).toEqual([]);
  track.mediaStreamTrack = { readyState: "ended" };
  track.emit(TrackEvent.Ended);
  vi.advanceTimersByTime(DEVICE_SWITCH_TIMEOUT);
  expect(told).toEqual([false]);
});

test("a microphone that is there and brings nothing is told about until it does", () => {
  track.emit(TrackEvent.UpstreamPaused);
  track.emit(TrackEvent.UpstreamResumed);
  expect(told).toEqual([false, true]);
});
