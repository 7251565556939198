import { ConnectionQuality, type Participant, Track } from "livekit-client";
import { expect, test } from "vitest";
import { tilesOf } from "./tile";

const CONTEXT = { hand: false, keyed: false, otherKey: false };

/** A participant with these tracks, as far as a tile asks. */
function participant(
  tracks: Partial<Record<Track.Source, { width: number; height: number }>>,
  quality = ConnectionQuality.Good,
): Participant {
  const publication = (source: Track.Source) =>
    tracks[source] && { isMuted: false, isEncrypted: false, videoTrack: { source }, dimensions: tracks[source] };
  return {
    identity: "ann",
    isLocal: false,
    isMicrophoneEnabled: true,
    isSpeaking: true,
    connectionQuality: quality,
    trackPublications: new Map(),
    getTrackPublication: publication,
  } as unknown as Participant;
}

test.each([
  [ConnectionQuality.Excellent, "good"],
  [ConnectionQuality.Good, "good"],
  [ConnectionQuality.Unknown, "good"],
  [ConnectionQuality.Poor, "weak"],
  [ConnectionQuality.Lost, "lost"],
])("a connection that LiveKit calls %s is %s", (quality, mark) => {
  expect(tilesOf(participant({}, quality), CONTEXT)[0]?.quality).toBe(mark);
});

test("a tile has the shape of its picture, the screen's of its own", () => {
  const tracks = {
    [Track.Source.Camera]: { width: 720, height: 1280 },
    [Track.Source.ScreenShare]: { width: 1920, height: 1200 },
  };
  const [face, screen] = tilesOf(participant(tracks), CONTEXT);
  expect([face?.aspect, face?.screen, face?.speaking]).toEqual([9 / 16, false, true]);
  expect([screen?.aspect, screen?.screen, screen?.speaking]).toEqual([1.6, true, false]);
});

test("without a picture, or before its size is known, the shape is unknown", () => {
  expect(tilesOf(participant({}), CONTEXT)[0]?.aspect).toBeNull();
  const unmeasured = { [Track.Source.Camera]: { width: 0, height: 0 } };
  expect(tilesOf(participant(unmeasured), CONTEXT)[0]?.aspect).toBeNull();
});
