// One call. What it publishes is what the user wants, also after the call has
// been lost and found again.

import {
  ConnectionState,
  DisconnectReason,
  ExternalE2EEKeyProvider,
  isE2EESupported,
  type LocalTrack,
  Room,
  RoomEvent,
  setLogLevel,
  Track,
} from "livekit-client";
import E2eeWorker from "./e2ee.worker?worker";
import type { RoomCipher } from "../e2ee/cipher";
import { type LiveKitToken, TokenRefusedError } from "../protocol/livekit-token";
import { watchDevice } from "./device-watch";
import type { LocalTracks } from "./local-tracks";
import { type Tile, tilesOf } from "./tile";
import { type Device, isOf, type CallProblem, problemOf } from "./problem";

/** By device the one that is in use; empty where there is none. */
export type ActiveDevices = Readonly<Record<MediaDeviceKind, string>>;

export type CallPhase = "joining" | "on" | "lost" | "over";

/** An address that is no LiveKit may be asked for ever. */
const CONNECT_TIMEOUT = 20_000;
const SIGNAL_TIMEOUT = 10_000;
const RETRY_DELAY_MIN = 1_000;
const RETRY_DELAY_MAX = 10_000;
const HAND = "hand";
/** Milliseconds in which a second frame that cannot be opened means another key; one alone may have been on its way. */
const DECRYPT_ERROR_WINDOW = 10_000;

// What matters is shown to people; the rest would tell a shared console who was where.
setLogLevel("silent");

const SOURCE: Readonly<Record<Device, Track.Source>> = {
  mic: Track.Source.Microphone,
  camera: Track.Source.Camera,
  screen: Track.Source.ScreenShare,
};

/** The server's words for somebody who is no member any more. */
const NOT_A_MEMBER = new Set(["not_member", "bad_ticket", "no_ticket"]);
/** LiveKit does not take this server's keys: no try is better than the last. */
const MISCONFIGURED = new Set(["video_refused"]);
const FINAL = new Set<CallProblem>(["refused", "unusable", "no_lock"]);

export class Call {
  phase: CallPhase = $state("joining");
  tiles: readonly Tile[] = $state.raw([]);
  /** Why the call did not begin or is over; or why something could not be switched on. */
  problem: CallProblem | null = $state(null);
  /** The browser wants a click before it plays sound. */
  audioBlocked = $state(false);
  mic = $state(false);
  camera = $state(false);
  sharing = $state(false);
  hand = $state(false);
  activeDevices: ActiveDevices = $state.raw({ videoinput: "", audioinput: "", audiooutput: "" });
  readonly #room: Room;
  readonly #requestToken: () => Promise<LiveKitToken>;
  readonly #audioRoot: HTMLElement;
  readonly #cipher: Promise<RoomCipher> | null;
  readonly #keys = new ExternalE2EEKeyProvider();
  #worker: Worker | null = null;
  readonly #localTracks: LocalTracks;
  readonly #hands = new Set<string>();
  /** Whose frames could not be opened, and when the last one was. */
  readonly #decryptErrorAt = new Map<string, number>();
  readonly #undecryptable = new Set<string>();
  readonly #watched = new WeakSet<object>();
  /** Our own: another call may have its voices at the same place. */
  readonly #voices = new Set<HTMLMediaElement>();
  /** What is being switched, and how it is to be in the end: whoever changes their mind meanwhile is not overheard. */
  readonly #wanted = new Map<string, boolean>();
  #members: ReadonlySet<string> = new Set();
  #joining = false;
  #joins = 0;
  #ended = false;
  #drawScheduled = false;
  #lastSpeaker: string | null = null;

  /** `sounds` is where the voices are hung up, unseen. */
  constructor(
    ask: () => Promise<LiveKitToken>,
    localTracks: LocalTracks,
    sounds: HTMLElement,
    cipher: Promise<RoomCipher> | null,
  ) {
    const { cameraId, micId } = localTracks.prefs;
    this.#cipher = cipher;
    if (cipher && isE2EESupported()) this.#worker = new E2eeWorker();
    this.#requestToken = ask;
    this.#localTracks = localTracks;
    this.#audioRoot = sounds;
    this.#room = new Room({
      adaptiveStream: true,
      dynacast: true,
      disconnectOnPageLeave: true,
      // What is open belongs to whoever sits here, not to this call.
      stopLocalTrackOnUnpublish: false,
      ...(this.#worker ? { encryption: { keyProvider: this.#keys, worker: this.#worker } } : {}),
      ...(cameraId ? { videoCaptureDefaults: { deviceId: cameraId } } : {}),
      ...(micId ? { audioCaptureDefaults: { deviceId: micId } } : {}),
    });
    this.#listen();
    void this.#begin();
  }

  /** Who speaks, or spoke last. */
  get speaker(): string | null {
    return this.#lastSpeaker;
  }

  async setMic(on: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    const open = () => me.createTracks({ audio: true });
    await this.#switchTrack("mic", on, open, (on) => me.setMicrophoneEnabled(on));
  }

  async setCamera(on: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    const open = () => me.createTracks({ video: true });
    await this.#switchTrack("camera", on, open, (on) => me.setCameraEnabled(on));
  }

  async setSharing(on: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    const open = () => me.createScreenTracks({ audio: true });
    const close = () => {
      this.#localTracks.stop("screen");
      return me.setScreenShareEnabled(false);
    };
    await this.#switchTrack("screen", on, open, close);
  }

  /** Takes another device, now and whenever one of its kind is switched on. */
  async use(kind: MediaDeviceKind, id: string): Promise<void> {
    const device = kind === "audioinput" ? "mic" : kind === "videoinput" ? "camera" : "speaker";
    try {
      await this.#room.switchActiveDevice(kind, id);
      if (device !== "speaker") {
        this.#localTracks.prefs[`${device}Id`] = id;
        // What the call does not have at the moment is not to come back with the device that it had.
        if (!this.#isPublished(device)) this.#localTracks.stop(device);
      }
      this.#clearProblem(device);
    } catch (cause) {
      this.problem = device === "speaker" ? "speaker_failed" : problemOf(cause, device);
    }
    this.#scheduleDraw();
  }

  /** Whoever is no member is neither shown nor heard, whatever LiveKit still has of them. */
  setMembers(members: ReadonlySet<string>): void {
    this.#members = members;
    this.#scheduleDraw();
  }

  setHand(up: boolean): void {
    this.hand = up;
    this.#sendHand();
    this.#scheduleDraw();
  }

  /** Within a click, so that the browser lets sound play. */
  async unblockAudio(): Promise<void> {
    await this.#room.startAudio().catch(() => {});
  }

  hangUp(): void {
    if (this.#ended) return;
    this.#end(null);
  }

  /** Ends for another call, which goes on with what is open. */
  handOver(): void {
    this.#ended = true;
    this.#localTracks.released = this.#disconnect();
  }

  /** Joins and, when the call is lost, joins again until somebody gives up. */
  async #begin(): Promise<void> {
    // The click that brought us here unlocks sound for as long as it is fresh.
    void this.unblockAudio();
    this.#joining = true;
    for (let wait = RETRY_DELAY_MIN; !this.#ended; wait = Math.min(wait * 2, RETRY_DELAY_MAX)) {
      const problem = await this.#join();
      if (this.#ended) return;
      if (problem === null) {
        this.problem = null;
        this.phase = "on";
        this.#joining = false;
        this.#joins += 1;
        await this.#publish();
        return;
      }
      if (this.phase === "joining" || FINAL.has(problem)) return this.#end(problem);
      await new Promise((then) => window.setTimeout(then, wait));
    }
  }

  async #join(): Promise<CallProblem | null> {
    let timer = 0;
    try {
      if (this.#cipher) {
        const cipher = await this.#cipher.catch(() => null);
        if (!cipher || !this.#worker) return "no_lock";
        await this.#keys.setKey(cipher.media);
        await this.#room.setE2EEEnabled(true);
      }
      const access = await this.#requestToken();
      if (this.#ended) return null;
      const late = new Promise<never>((_, reject) => {
        timer = window.setTimeout(() => reject(new Error("nobody answers there as LiveKit does")), CONNECT_TIMEOUT);
      });
      const options = { websocketTimeout: SIGNAL_TIMEOUT, maxRetries: 1 };
      await Promise.race([this.#room.connect(access.livekitUrl, access.token, options), late]);
      // It may have ended again before we could look.
      return this.#room.state === ConnectionState.Connected ? null : "unreachable";
    } catch (cause) {
      void this.#room.disconnect(false);
      if (!(cause instanceof TokenRefusedError)) return "unreachable";
      if (NOT_A_MEMBER.has(cause.code)) return "refused";
      return MISCONFIGURED.has(cause.code) ? "unusable" : "unreachable";
    } finally {
      window.clearTimeout(timer);
    }
  }

  async #publish(): Promise<void> {
    await this.#localTracks.released;
    const { prefs } = this.#localTracks;
    // Switched off it was kept for the call that is over.
    if (!prefs.mic) this.#localTracks.stop("mic");
    if (!prefs.camera) this.#localTracks.stop("camera");
    if (prefs.mic) await this.setMic(true);
    if (prefs.camera) await this.setCamera(true);
    if (await this.#localTracks.has("screen")) await this.setSharing(true);
    else this.#localTracks.stop("screen");
    if (this.#ended) return;
    if (this.hand) this.#sendHand();
    this.#scheduleDraw();
  }

  #end(problem: CallProblem | null): void {
    this.#ended = true;
    this.problem = problem;
    this.phase = "over";
    void this.#disconnect();
    this.#localTracks.close();
    this.#scheduleDraw();
  }

  /** What is open is the call's until this is done. */
  async #disconnect(): Promise<void> {
    await this.#room.disconnect(false).catch(() => {});
    this.#worker?.terminate();
  }

  async #switchTrack(
    what: Device,
    on: boolean,
    open: () => Promise<LocalTrack[]>,
    turn: (on: boolean) => Promise<unknown>,
  ): Promise<void> {
    if (this.#ended) return;
    if (what !== "screen") this.#localTracks.prefs[what] = on;
    const busy = this.#wanted.has(what);
    this.#wanted.set(what, on);
    if (busy) return;
    const joins = this.#joins;
    let denied = false;
    try {
      let is: boolean | undefined;
      while (!this.#ended && is !== this.#wanted.get(what)) {
        is = this.#wanted.get(what) === true;
        if (!is || this.#isPublished(what)) await turn(is);
        else {
          denied = true;
          const tracks = await this.#localTracks.open(what, open);
          denied = false;
          if (this.#ended) return;
          // Whoever thinks again while the browser asks is not to be filmed afterwards.
          if (!this.#wanted.get(what)) this.#localTracks.stop(what);
          // Lost meanwhile: it is published when the call is found again.
          else if (this.#joining) return;
          else for (const track of tracks) await this.#room.localParticipant.publishTrack(track);
        }
      }
      this.#clearProblem(what);
    } catch (cause) {
      // An answer of the browser's holds for the call that follows, too; what failed with a call that was lost does not.
      if (!denied && (this.#ended || this.phase !== "on" || joins !== this.#joins)) return;
      if (what !== "screen") this.#localTracks.prefs[what] = false;
      if (this.#ended) return;
      const problem = problemOf(cause, what);
      // Whoever closes the browser's choice of screens has changed their mind.
      if (problem !== "screen_denied") this.problem = problem;
      if (!this.#isPublished(what)) this.#localTracks.stop(what);
    } finally {
      on = this.#wanted.get(what) ?? on;
      this.#wanted.delete(what);
      // Lost on the way and found again: what was wanted then found this busy.
      if (!this.#ended && !denied && joins !== this.#joins) void this.#switchTrack(what, on, open, turn);
    }
    this.#scheduleDraw();
  }

  /** Whether this page has it in the call, switched on or off. */
  #isPublished(device: Device): boolean {
    return this.#room.localParticipant.getTrackPublication(SOURCE[device]) !== undefined;
  }

  /** CallProblem with this is over; with another device it is not. */
  #clearProblem(what: Device | "speaker"): void {
    if (isOf(this.problem, what)) this.problem = null;
  }

  #sendHand(to?: string): void {
    const word = new TextEncoder().encode(this.hand ? "up" : "down");
    const options = { reliable: true, topic: HAND, ...(to ? { destinationIdentities: [to] } : {}) };
    this.#room.localParticipant.publishData(word, options).catch(() => {});
  }

  #listen(): void {
    const draw = () => this.#scheduleDraw();
    const room = this.#room;
    for (const event of [
      RoomEvent.TrackMuted,
      RoomEvent.TrackUnmuted,
      RoomEvent.LocalTrackPublished,
      RoomEvent.LocalTrackUnpublished,
      RoomEvent.TrackUnpublished,
      RoomEvent.ConnectionQualityChanged,
      RoomEvent.ActiveDeviceChanged,
    ] as const) {
      room.on(event, draw);
    }
    room.on(RoomEvent.LocalTrackPublished, ({ track, source }) => {
      const device = source === Track.Source.Microphone ? "mic" : source === Track.Source.Camera ? "camera" : null;
      if (!track || !device || this.#watched.has(track)) return;
      this.#watched.add(track);
      watchDevice(track, (works) => this.#onDevice(device, works));
    });
    room.on(RoomEvent.TrackSubscribed, (track, publication, them) => {
      // Without a key it would be noise.
      if (publication.isEncrypted && !this.#cipher) publication.setSubscribed(false);
      else if (track.kind === Track.Kind.Audio) this.#playVoice(track.attach(), them.identity);
      draw();
    });
    room.on(RoomEvent.TrackUnsubscribed, (track) => {
      for (const element of track.detach()) if (this.#voices.delete(element)) element.remove();
      draw();
    });
    room.on(RoomEvent.ActiveSpeakersChanged, (speakers) => {
      const other = speakers.find((speaker) => !speaker.isLocal);
      if (other) this.#lastSpeaker = other.identity;
      draw();
    });
    room.on(RoomEvent.ParticipantConnected, (them) => {
      this.#forget(them.identity);
      if (this.hand) this.#sendHand(them.identity);
      draw();
    });
    room.on(RoomEvent.ParticipantDisconnected, (them) => {
      this.#forget(them.identity);
      draw();
    });
    room.on(RoomEvent.DataReceived, (data, them, _kind, topic) => {
      if (topic !== HAND || !them) return;
      if (new TextDecoder().decode(data) === "up") this.#hands.add(them.identity);
      else this.#hands.delete(them.identity);
      draw();
    });
    room.on(RoomEvent.EncryptionError, (_, them) => {
      if (!them) return;
      if (performance.now() - (this.#decryptErrorAt.get(them.identity) ?? -DECRYPT_ERROR_WINDOW) < DECRYPT_ERROR_WINDOW)
        this.#undecryptable.add(them.identity);
      this.#decryptErrorAt.set(them.identity, performance.now());
      draw();
    });
    room.on(RoomEvent.AudioPlaybackStatusChanged, () => (this.audioBlocked = !room.canPlaybackAudio));
    // The signal alone may be mended without a word; only when media has to be found again is it worth one.
    room.on(RoomEvent.Reconnecting, () => (this.phase = "lost"));
    room.on(RoomEvent.Reconnected, () => (this.phase = "on"));
    room.on(RoomEvent.Disconnected, (reason) => this.#disconnected(reason));
  }

  /** A device that was on has stopped by itself, or works again. */
  #onDevice(device: "mic" | "camera", works: boolean): void {
    if (this.#ended) return;
    if (works) this.#clearProblem(device);
    else if (this.#localTracks.prefs[device]) this.problem = `${device}_ended`;
    this.#scheduleDraw();
  }

  #playVoice(sound: HTMLMediaElement, identity: string): void {
    sound.dataset["identity"] = identity;
    this.#voices.add(sound);
    this.#audioRoot.append(sound);
  }

  /** They come anew, maybe with the right key. */
  #forget(identity: string): void {
    this.#hands.delete(identity);
    this.#decryptErrorAt.delete(identity);
    this.#undecryptable.delete(identity);
  }

  #disconnected(reason: DisconnectReason | undefined): void {
    this.#hands.clear();
    this.#decryptErrorAt.clear();
    this.#undecryptable.clear();
    for (const sound of this.#voices) sound.remove();
    this.#voices.clear();
    this.#scheduleDraw();
    // While it is being joined, an end is one more try that failed.
    if (this.#ended || this.#joining) return;
    if (reason === DisconnectReason.DUPLICATE_IDENTITY) return this.#end("moved");
    // A second end while the first is being mended, or our own doing.
    if (reason === DisconnectReason.CLIENT_INITIATED) return;
    this.phase = "lost";
    void this.#begin();
  }

  /** Many things happen at once when somebody comes. */
  #scheduleDraw(): void {
    if (this.#drawScheduled) return;
    this.#drawScheduled = true;
    queueMicrotask(() => {
      this.#drawScheduled = false;
      const { localParticipant: me, remoteParticipants } = this.#room;
      this.mic = me.isMicrophoneEnabled;
      this.camera = me.isCameraEnabled;
      this.sharing = me.isScreenShareEnabled;
      const used = (kind: MediaDeviceKind) => this.#room.getActiveDevice(kind) ?? "";
      this.activeDevices = {
        videoinput: used("videoinput"),
        audioinput: used("audioinput"),
        audiooutput: used("audiooutput"),
      };
      // In the order of the room: LiveKit names people to each newcomer in another one.
      const others = [...this.#members].flatMap((id) => remoteParticipants.get(id) ?? []);
      const there =
        this.phase === "over" || me.identity === "" ? [] : this.#members.has(me.identity) ? [me, ...others] : others;
      const keyed = this.#cipher !== null;
      this.tiles = there.flatMap((them) => {
        const hand = them === me ? this.hand : this.#hands.has(them.identity);
        return tilesOf(them, { hand, keyed, otherKey: this.#undecryptable.has(them.identity) });
      });
      for (const sound of this.#voices) sound.muted = !this.#members.has(sound.dataset["identity"] ?? "");
    });
  }
}
