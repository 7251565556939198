import { EventEmitter } from "node:events";
import { beforeEach, expect, test, vi } from "vitest";
import { type Room, RoomEvent, Track, VideoQuality } from "livekit-client";
import { DataSaver, loadSaving } from "./data-saver.svelte";

class Camera {
  trackSid = "T";
  isDesired = true;
  quality: VideoQuality | undefined;
  setSubscribed(on: boolean) {
    this.isDesired = on;
  }
  setVideoQuality(quality: VideoQuality) {
    this.quality = quality;
  }
}

/** The parts of a room that the saver uses: another's camera and an own one. */
function call() {
  const own = { active: ["q", "h", "f"], asked: [] as VideoQuality[] };
  const sender = {
    getParameters: () => ({ encodings: ["q", "h", "f"].map((rid) => ({ rid, active: own.active.includes(rid) })) }),
  };
  const setPublishingQuality = (quality: VideoQuality) => {
    own.asked.push(quality);
    own.active = ["q", "h", "f"].slice(0, quality + 1);
  };
  const videoTrack = { sender, setPublishingQuality };
  const publication = (source: Track.Source) => (source === Track.Source.Camera ? { videoTrack } : undefined);
  const remoteParticipants = new Map<string, { getTrackPublication(source: Track.Source): Camera | undefined }>();
  const room = Object.assign(new EventEmitter(), {
    remoteParticipants,
    localParticipant: { getTrackPublication: publication },
  });
  const joins = (id: string) => {
    const camera = new Camera();
    camera.trackSid = id;
    remoteParticipants.set(id, {
      getTrackPublication: (source) => (source === Track.Source.Camera ? camera : undefined),
    });
    room.emit(RoomEvent.TrackPublished);
    return camera;
  };
  return { room, saver: new DataSaver(room as unknown as Room), own, joins };
}

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers();
});

test("nothing is touched where nothing is to be saved", () => {
  const { joins, own } = call();
  const camera = joins("ben");
  expect([camera.quality, camera.isDesired, own.asked]).toEqual([undefined, true, []]);
});

test("small pictures, also of who joins later, and back to what LiveKit wants", () => {
  const { saver, joins, own } = call();
  const ben = joins("ben");
  saver.set("small");
  const cy = joins("cy");
  expect([ben.quality, cy.quality]).toEqual([VideoQuality.LOW, VideoQuality.LOW]);
  expect(own.asked).toEqual([VideoQuality.LOW]);
  // LiveKit asks for a larger one, for a member who watches.
  own.active = ["q", "h"];
  vi.advanceTimersByTime(2_000);
  expect(own.asked).toEqual([VideoQuality.LOW, VideoQuality.LOW]);
  saver.set("off");
  expect([ben.quality, cy.quality]).toEqual([VideoQuality.HIGH, VideoQuality.HIGH]);
  expect(own.asked.at(-1), "what LiveKit wanted last").toBe(VideoQuality.MEDIUM);
  own.active = ["q", "h", "f"];
  vi.advanceTimersByTime(10_000);
  expect(own.asked).toHaveLength(3);
});

test("without cameras of others; a camera that the call refused stays refused", () => {
  const { saver, joins } = call();
  const [ben, keyless] = [joins("ben"), joins("keyless")];
  keyless.setSubscribed(false);
  saver.set("sound");
  const cy = joins("cy");
  expect([ben.isDesired, cy.isDesired, keyless.isDesired]).toEqual([false, false, false]);
  saver.set("off");
  expect([ben.isDesired, cy.isDesired, keyless.isDesired]).toEqual([true, true, false]);
});

test("the choice is remembered, for the next call as well", () => {
  call().saver.set("small");
  expect(loadSaving()).toBe("small");
  expect(call().joins("ben").quality).toBe(VideoQuality.LOW);
  localStorage.setItem("parlor.saver", "much");
  expect(loadSaving()).toBe("off");
});

test("the end of the call ends the looking", () => {
  const { saver, room, own } = call();
  saver.set("small");
  room.emit(RoomEvent.Disconnected);
  own.active = ["q", "h", "f"];
  vi.advanceTimersByTime(10_000);
  expect(own.asked).toHaveLength(1);
});
