// A device that stops by itself: unplugged, taken away by the system, or broken.

import { type LocalTrack, type Room, RoomEvent, Track, TrackEvent } from "livekit-client";

export type DeviceReports = {
  /** The track ended. LiveKit may go on with another device. */
  ended(device: "mic" | "camera"): void;
  /** The device is present, and delivers nothing or delivers again. */
  delivers(device: "mic" | "camera", works: boolean): void;
};

export function watchDevice(track: LocalTrack, device: "mic" | "camera", tell: DeviceReports): void {
  track.on(TrackEvent.Ended, () => tell.ended(device));
  track.on(TrackEvent.UpstreamPaused, () => tell.delivers(device, false));
  track.on(TrackEvent.UpstreamResumed, () => tell.delivers(device, true));
}

/** Watches the camera and the microphone that this page publishes. */
export function watchLocalDevices(room: Room, tell: DeviceReports): void {
  const watched = new WeakSet<LocalTrack>();
  room.on(RoomEvent.LocalTrackPublished, ({ track, source }) => {
    const device = source === Track.Source.Microphone ? "mic" : source === Track.Source.Camera ? "camera" : null;
    if (!track || !device || watched.has(track)) return;
    watched.add(track);
    watchDevice(track, device, tell);
  });
}
