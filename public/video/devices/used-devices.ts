// The devices of one call, for the rules about lost ones.

import { type Room, Track } from "livekit-client";
import type { UsedDevices } from "./device-changes.svelte";
import type { LocalMedia } from "./local-media";
import type { LocalTracks } from "./local-tracks";
import type { CallProblem } from "./problem";
import { KINDS } from "./unplugged";

export function usedDevices(
  room: Room,
  tracks: LocalTracks,
  media: LocalMedia,
  report: (problem: CallProblem) => void,
): UsedDevices {
  const trackOf = (kind: "mic" | "camera") =>
    room.localParticipant.getTrackPublication(kind === "mic" ? Track.Source.Microphone : Track.Source.Camera)?.track;
  return {
    list: async () => (await navigator.mediaDevices?.enumerateDevices()) ?? [],
    used: (kind) => room.getActiveDevice(KINDS[kind]) ?? "",
    works(kind) {
      if (kind === "speaker") return true;
      const track = trackOf(kind);
      return track !== undefined && !track.isMuted && track.mediaStreamTrack.readyState === "live";
    },
    wanted: (kind) => kind === "speaker" || tracks.prefs[kind],
    use: (kind, id) => media.use(KINDS[kind], id),
    fail: (kind, why) => report(kind === "speaker" ? "speaker_failed" : `${kind}_${why}`),
  };
}
