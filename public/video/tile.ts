// A tile of the call: what LiveKit knows of somebody who is in it.

import { ConnectionQuality, type Participant, Track, type VideoTrack } from "livekit-client";

export type Tile = {
  key: string;
  /** The member's clientId. */
  identity: string;
  mine: boolean;
  screen: boolean;
  video: VideoTrack | null;
  silent: boolean;
  speaking: boolean;
  weak: boolean;
  hand: boolean;
  encryption: TileEncryption;
};

/** How what somebody shows goes with the key of this page: it fits; it cannot be opened; it has no lock. Only what fits is shown. */
export type TileEncryption = "decrypted" | "undecryptable" | "unencrypted";

/** What the page knows of them beside that. */
export type TileContext = {
  hand: boolean;
  /** This page has a key. */
  keyed: boolean;
  /** What they show could not be opened with it. */
  otherKey: boolean;
};

/** The face of somebody and, if they share it, their screen. */
export function tilesOf(participant: Participant, context: TileContext): Tile[] {
  const { identity, isLocal: mine } = participant;
  const encryption = mine ? "decrypted" : encryptionOf(participant, context);
  const video = (source: Track.Source) => {
    const publication = participant.getTrackPublication(source);
    return publication && !publication.isMuted && encryption === "decrypted" ? (publication.videoTrack ?? null) : null;
  };
  const face: Tile = {
    key: identity,
    identity,
    mine,
    screen: false,
    video: video(Track.Source.Camera),
    silent: !participant.isMicrophoneEnabled,
    speaking: participant.isSpeaking,
    weak:
      participant.connectionQuality === ConnectionQuality.Poor ||
      participant.connectionQuality === ConnectionQuality.Lost,
    hand: context.hand,
    encryption,
  };
  const screen = video(Track.Source.ScreenShare);
  return screen
    ? [face, { ...face, key: `${identity} screen`, screen: true, video: screen, speaking: false, hand: false }]
    : [face];
}

function encryptionOf(participant: Participant, { keyed, otherKey }: TileContext): TileEncryption {
  const shown = [...participant.trackPublications.values()];
  if (!keyed) return shown.some((publication) => publication.isEncrypted) ? "undecryptable" : "decrypted";
  if (shown.some((publication) => !publication.isEncrypted)) return "unencrypted";
  return otherKey ? "undecryptable" : "decrypted";
}
