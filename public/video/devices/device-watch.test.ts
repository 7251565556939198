import { EventEmitter } from "node:events";
import { type LocalTrack, TrackEvent } from "livekit-client";
import { expect, test } from "vitest";
import { watchDevice } from "./device-watch";

test("a track that ends is told apart from a device that is there and delivers nothing", () => {
  const track = new EventEmitter();
  const told: string[] = [];
  watchDevice(track as unknown as LocalTrack, "mic", {
    ended: (device) => told.push(`${device} ended`),
    delivers: (device, works) => told.push(`${device} ${works}`),
  });
  for (const event of [TrackEvent.UpstreamPaused, TrackEvent.UpstreamResumed, TrackEvent.Ended]) track.emit(event);
  expect(told).toEqual(["mic false", "mic true", "mic ended"]);
});
