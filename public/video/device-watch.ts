// A device that stops by itself: unplugged, taken away by the system, or broken.

import { type LocalTrack, TrackEvent } from "livekit-client";

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
