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
  quality: TileQuality;
  /** Width by height of the picture as it was published, `null` while unknown. */
  aspect: number | null;
  hand: boolean;
  encryption: TileEncryption;
};

/** How the participant's connection is. What LiveKit does not know yet counts as good. */
export type TileQuality = "good" | "weak" | "lost";

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
  const shown = (source: Track.Source) => {
    const publication = participant.getTrackPublication(source);
    const video = publication && !publication.isMuted && encryption === "decrypted" ? publication.videoTrack : null;
    return { video: video ?? null, aspect: aspectOf(publication?.dimensions) };
  };
  const face: Tile = {
    key: identity,
    identity,
    mine,
    screen: false,
    ...shown(Track.Source.Camera),
    silent: !participant.isMicrophoneEnabled,
    speaking: participant.isSpeaking,
    quality: qualityOf(participant.connectionQuality),
    hand: context.hand,
    encryption,
  };
  const screen = shown(Track.Source.ScreenShare);
  return screen.video
    ? [face, { ...face, ...screen, key: `${identity} screen`, screen: true, speaking: false, hand: false }]
    : [face];
}

function qualityOf(quality: ConnectionQuality): TileQuality {
  if (quality === ConnectionQuality.Lost) return "lost";
  return quality === ConnectionQuality.Poor ? "weak" : "good";
}

function aspectOf(dimensions: Track.Dimensions | undefined): number | null {
  return dimensions && dimensions.width > 0 && dimensions.height > 0 ? dimensions.width / dimensions.height : null;
}

function encryptionOf(participant: Participant, { keyed, otherKey }: TileContext): TileEncryption {
  const shown = [...participant.trackPublications.values()];
  if (!keyed) return shown.some((publication) => publication.isEncrypted) ? "undecryptable" : "decrypted";
  if (shown.some((publication) => !publication.isEncrypted)) return "unencrypted";
  return otherKey ? "undecryptable" : "decrypted";
}
