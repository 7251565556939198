// Saving data in a call: smaller pictures both ways, or none of the others. Remembered by the browser.

import {
  type LocalVideoTrack,
  type RemoteTrackPublication,
  type Room,
  RoomEvent,
  Track,
  VideoQuality,
} from "livekit-client";
import { loadLocal, saveLocal } from "../../storage/storage";

/** `small`: the smallest pictures. `sound`: no cameras of others, and one's own picture as small. */
export const SAVINGS = ["off", "small", "sound"] as const;
export type Saving = (typeof SAVINGS)[number];

const KEY = "parlor.saver";
/** Milliseconds. LiveKit asks for larger pictures again when a member joins. */
const LIMIT_EVERY = 2_000;

export function loadSaving(): Saving {
  const saved = loadLocal(KEY);
  return SAVINGS.find((saving) => saving === saved) ?? "off";
}

/** Shared screens stay as they are: their text must be legible. */
export class DataSaver {
  readonly #room: Room;
  #saving: Saving = $state(loadSaving());
  /** The cameras that this page has refused, by their publications. */
  readonly #refused = new Set<string>();
  /** The cameras whose size it has limited. */
  readonly #limited = new Set<string>();
  /** The size that LiveKit wants of an own track that is limited. */
  readonly #wanted = new WeakMap<LocalVideoTrack, VideoQuality>();
  #timer = 0;

  constructor(room: Room) {
    this.#room = room;
    const apply = () => this.#apply();
    for (const event of [
      RoomEvent.Connected,
      RoomEvent.Reconnected,
      RoomEvent.ParticipantConnected,
      RoomEvent.TrackPublished,
      RoomEvent.TrackSubscribed,
      RoomEvent.LocalTrackPublished,
    ] as const)
      room.on(event, apply);
    room.on(RoomEvent.Disconnected, () => this.#stop());
  }

  get saving(): Saving {
    return this.#saving;
  }

  set(saving: Saving): void {
    this.#saving = saving;
    saveLocal(KEY, saving === "off" ? null : saving);
    this.#apply();
  }

  #apply(): void {
    for (const participant of this.#room.remoteParticipants.values()) {
      const camera = participant.getTrackPublication(Track.Source.Camera);
      if (camera) this.#receive(camera);
    }
    this.#limitOwn();
    if (this.#saving === "off") return this.#stop();
    this.#timer ||= window.setInterval(() => this.#limitOwn(), LIMIT_EVERY);
  }

  #receive(camera: RemoteTrackPublication): void {
    const id = camera.trackSid;
    if (this.#saving === "sound") {
      if (!camera.isDesired) return;
      this.#refused.add(id);
      return camera.setSubscribed(false);
    }
    if (this.#refused.delete(id)) camera.setSubscribed(true);
    // What the call has refused for want of a key stays so.
    if (!camera.isDesired) return;
    if (this.#saving === "small") {
      this.#limited.add(id);
      camera.setVideoQuality(VideoQuality.LOW);
    } else if (this.#limited.delete(id)) camera.setVideoQuality(VideoQuality.HIGH);
  }

  /** LiveKit says again and again which sizes members watch; the smallest has to do. */
  #limitOwn(): void {
    const track = this.#room.localParticipant.getTrackPublication(Track.Source.Camera)?.videoTrack;
    if (!track) return;
    if (this.#saving === "off") {
      const wanted = this.#wanted.get(track);
      if (wanted === undefined) return;
      this.#wanted.delete(track);
      return track.setPublishingQuality(wanted);
    }
    const sizes = (track.sender?.getParameters().encodings ?? []).filter(({ active }) => active !== false);
    const of = (rid: string) => sizes.some((size) => size.rid === rid);
    if (!of("h") && !of("f")) return;
    this.#wanted.set(track, of("f") ? VideoQuality.HIGH : VideoQuality.MEDIUM);
    track.setPublishingQuality(VideoQuality.LOW);
  }

  #stop(): void {
    window.clearInterval(this.#timer);
    this.#timer = 0;
  }
}
