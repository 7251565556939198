// A device that stops by itself: unplugged, taken away by the system, or broken.

import { type LocalTrack, type Room, RoomEvent, Track, TrackEvent } from "livekit-client";

/** Milliseconds that LiveKit is given to go on with another device. */
export const DEVICE_SWITCH_TIMEOUT = 2_000;

/** Reports when a device has stopped without a replacement, and when it works again. */
export function watchDevice(track: LocalTrack, tell: (works: boolean) => void): void {
  track.on(TrackEvent.Ended, () => {
    window.setTimeout(() => {
      if (track.mediaStreamTrack.readyState === "ended") tell(false);
    }, DEVICE_SWITCH_TIMEOUT);
  });
  // The device is present and delivers nothing.
  track.on(TrackEvent.UpstreamPaused, () => tell(false));
  track.on(TrackEvent.UpstreamResumed, () => tell(true));
}

/** Watches the camera and the microphone that this page publishes. */
export function watchLocalDevices(room: Room, tell: (device: "mic" | "camera", works: boolean) => void): void {
  const watched = new WeakSet<LocalTrack>();
  room.on(RoomEvent.LocalTrackPublished, ({ track, source }) => {
    const device = source === Track.Source.Microphone ? "mic" : source === Track.Source.Camera ? "camera" : null;
    if (!track || !device || watched.has(track)) return;
    watched.add(track);
    watchDevice(track, (works) => tell(device, works));
  });
}
