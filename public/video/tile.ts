// A tile of the call: what LiveKit knows of a participant.

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

/** Whether this page's key decrypts a participant's tracks. Only decrypted tracks are shown. */
export type TileEncryption = "decrypted" | "undecryptable" | "unencrypted";

/** What the page adds to LiveKit's data. */
export type TileContext = {
  hand: boolean;
  /** This page has a key. */
  keyed: boolean;
  /** The participant's frames failed to decrypt with it. */
  otherKey: boolean;
};

/** A participant's camera tile and, if shared, the screen's. */
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
