// The camera, the microphone and the screen that this page sends: opened, published, switched.

import { LocalAudioTrack, type LocalTrack, LocalVideoTrack, type Room, Track } from "livekit-client";
import type { Effects } from "../../effects/effects.svelte";
import type { LocalTracks } from "./local-tracks";
import { type CallProblem, type Device, explain } from "./problem";

const SOURCE: Readonly<Record<Device, Track.Source>> = {
  mic: Track.Source.Microphone,
  camera: Track.Source.Camera,
  screen: Track.Source.ScreenShare,
};

/** What a switch has to know of its call, and where it reports. */
export type CallState = {
  readonly ended: boolean;
  /** The call is on: what fails now is the device's fault. */
  readonly on: boolean;
  readonly joining: boolean;
  /** How many times the call was joined. */
  readonly joins: number;
  /** A device failed, or works: `null`. */
  report(device: Device | "speaker", problem: CallProblem | null): void;
  /** Something may look different now. */
  changed(): void;
};

export class LocalMedia {
  readonly #room: Room;
  readonly #tracks: LocalTracks;
  readonly #effects: Effects;
  readonly #call: CallState;
  /** What is being switched, and the state wanted last: a change of mind during the switch counts. */
  readonly #wanted = new Map<Device, boolean>();

  constructor(room: Room, tracks: LocalTracks, effects: Effects, call: CallState) {
    this.#room = room;
    this.#tracks = tracks;
    this.#effects = effects;
    this.#call = call;
  }

  async setMic(on: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    const open = async () => (await this.#handed("mic")) ?? me.createTracks({ audio: true });
    await this.#switch("mic", on, open, (on) => me.setMicrophoneEnabled(on));
  }

  async setCamera(on: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    const open = async () => (await this.#handed("camera")) ?? me.createTracks({ video: true });
    await this.#switch("camera", on, open, (on) => me.setCameraEnabled(on));
  }

  async setSharing(on: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    const open = () => me.createScreenTracks({ audio: true });
    const close = () => {
      this.#tracks.stop("screen");
      return me.setScreenShareEnabled(false);
    };
    await this.#switch("screen", on, open, close);
  }

  /** The microphone, if it is open: muted or not, and with its noise, without which a quiet room seems dead. */
  get micTrack(): MediaStreamTrack | null {
    // LiveKit's `mediaStreamTrack` would be the one behind the effect.
    const stream = this.#room.localParticipant.getTrackPublication(SOURCE.mic)?.track?.mediaStream;
    return stream?.getAudioTracks()[0] ?? null;
  }

  /** Starts a device again that failed. */
  async retry(device: "mic" | "camera"): Promise<void> {
    const track = this.#room.localParticipant.getTrackPublication(SOURCE[device])?.track;
    if (!track || track.isMuted) return device === "mic" ? this.setMic(true) : this.setCamera(true);
    try {
      if (track instanceof LocalAudioTrack || track instanceof LocalVideoTrack) await track.restartTrack();
      this.#call.report(device, null);
    } catch (cause) {
      this.#call.report(device, await explain(cause, device));
    }
    this.#call.changed();
  }

  /** Takes another device, now and whenever one of its kind is switched on. Resolves to whether it could. */
  async use(kind: MediaDeviceKind, id: string): Promise<boolean> {
    const device = kind === "audioinput" ? "mic" : kind === "videoinput" ? "camera" : "speaker";
    try {
      await this.#room.switchActiveDevice(kind, id);
      if (device !== "speaker") {
        // A track that is not published must not reopen with the former device.
        if (!this.#isPublished(device)) this.#tracks.stop(device);
      }
      this.#tracks.prefs[`${device}Id`] = id;
      this.#call.report(device, null);
      if (device === "speaker" || !this.#tracks.prefs[device]) return true;
      // LiveKit has muted what it could not replace by itself.
      await (device === "mic" ? this.setMic(true) : this.setCamera(true));
      return this.#tracks.prefs[device];
    } catch (cause) {
      this.#call.report(device, device === "speaker" ? "speaker_failed" : await explain(cause, device));
      return false;
    } finally {
      this.#call.changed();
    }
  }

  /** Publishes what the user wants, after each join of the call. */
  async publish(): Promise<void> {
    await this.#tracks.released;
    const { prefs } = this.#tracks;
    // A device switched off stayed open only for the former call.
    if (!prefs.mic) this.#tracks.stop("mic");
    if (!prefs.camera) this.#tracks.stop("camera");
    if (prefs.mic) await this.setMic(true);
    if (prefs.camera) await this.setCamera(true);
    if (await this.#tracks.has("screen")) await this.setSharing(true);
    else this.#tracks.stop("screen");
  }

  /** The open tracks, to look at. A camera that is off is closed; a microphone stays open, muted. */
  lent(): { mic: MediaStreamTrack | null; camera: MediaStreamTrack | null } {
    const { micTrack } = this;
    const camera = this.#room.localParticipant.getTrackPublication(SOURCE.camera);
    return {
      mic: micTrack?.readyState === "live" ? micTrack : null,
      camera: camera?.isMuted === false ? (camera.track?.mediaStreamTrack ?? null) : null,
    };
  }

  async #switch(
    what: Device,
    on: boolean,
    open: () => Promise<LocalTrack[]>,
    turn: (on: boolean) => Promise<unknown>,
  ): Promise<void> {
    const call = this.#call;
    if (call.ended) return;
    if (what !== "screen") this.#tracks.prefs[what] = on;
    const busy = this.#wanted.has(what);
    this.#wanted.set(what, on);
    if (busy) return;
    const joins = call.joins;
    let denied = false;
    try {
      let is: boolean | undefined;
      while (!call.ended && is !== this.#wanted.get(what)) {
        is = this.#wanted.get(what) === true;
        if (!is || this.#isPublished(what)) await turn(is);
        else {
          denied = true;
          const tracks = await this.#tracks.open(what, open);
          for (const track of tracks) await this.#effects.beforePublish(what, track);
          denied = false;
          if (call.ended) return;
          // Switched off while the browser asked for permission: the new track is stopped.
          if (!this.#wanted.get(what)) this.#tracks.stop(what);
          // The call was lost meanwhile: the track is published after the reconnect.
          else if (call.joining) return;
          // Unplugged before it was published: another one is opened.
          else if (tracks.some((track) => track.mediaStreamTrack.readyState === "ended")) is = undefined;
          else {
            for (const track of tracks) {
              await this.#room.localParticipant.publishTrack(track);
              void this.#effects.afterPublish(what, track);
            }
          }
        }
      }
      call.report(what, null);
    } catch (cause) {
      // A refusal by the browser holds for the next call, too; a failure of a lost call does not.
      if (!denied && (!call.on || joins !== call.joins)) return;
      if (what !== "screen") this.#tracks.prefs[what] = false;
      if (call.ended) return;
      const problem = await explain(cause, what);
      if (call.ended) return;
      // A dismissed screen picker is no problem to report.
      if (problem !== "screen_denied") call.report(what, problem);
      if (!this.#isPublished(what)) this.#tracks.stop(what);
    } finally {
      on = this.#wanted.get(what) ?? on;
      this.#wanted.delete(what);
      // After a reconnect in between, the wanted state is applied again.
      if (!call.ended && !denied && joins !== call.joins) void this.#switch(what, on, open, turn);
    }
    call.changed();
  }

  /** The tracks that the page before the call has opened, unless their device is gone by now. */
  async #handed(device: "mic" | "camera"): Promise<LocalTrack[] | null> {
    const track = (await this.#tracks.takeHanded(device))?.getTracks()[0];
    if (track?.readyState !== "live") return null;
    // Not the user's own: LiveKit may stop it, and open it again.
    const local =
      device === "mic" ? new LocalAudioTrack(track, undefined, false) : new LocalVideoTrack(track, undefined, false);
    local.source = SOURCE[device];
    return [local as LocalTrack];
  }

  /** Whether this page has published it, muted or not. */
  #isPublished(device: Device): boolean {
    return this.#room.localParticipant.getTrackPublication(SOURCE[device]) !== undefined;
  }
}
