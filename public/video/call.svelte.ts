// One call. It publishes what the user wants, also after a reconnect.

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
import { type Device, concerns, type CallProblem, problemOf } from "./problem";

/** The device in use of each kind; empty where there is none. */
export type ActiveDevices = Readonly<Record<MediaDeviceKind, string>>;

export type CallPhase = "joining" | "on" | "lost" | "over";

/** An address without LiveKit may never answer. */
const CONNECT_TIMEOUT = 20_000;
const SIGNAL_TIMEOUT = 10_000;
const RETRY_DELAY_MIN = 1_000;
const RETRY_DELAY_MAX = 10_000;
const HAND = "hand";
/**
 * Within this time a second frame that fails to decrypt means another key; a single one may date from before a change.
 */
const DECRYPT_ERROR_WINDOW = 10_000;

// The page shows what matters; LiveKit's log would leave names in a shared console.
setLogLevel("silent");

const SOURCE: Readonly<Record<Device, Track.Source>> = {
  mic: Track.Source.Microphone,
  camera: Track.Source.Camera,
  screen: Track.Source.ScreenShare,
};

/** Error codes for a visitor who is no member any more. */
const NOT_A_MEMBER = new Set(["not_member", "bad_ticket", "no_ticket"]);
/** LiveKit does not accept this server's keys: retrying is useless. */
const MISCONFIGURED = new Set(["video_refused"]);
const FINAL = new Set<CallProblem>(["refused", "unusable", "no_lock"]);

export class Call {
  phase: CallPhase = $state("joining");
  tiles: readonly Tile[] = $state.raw([]);
  /** Why the call failed or ended, or why a device could not be switched on. */
  problem: CallProblem | null = $state(null);
  /** The browser needs a click before it plays sound. */
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
  /** When each participant's frames last failed to decrypt. */
  readonly #decryptErrorAt = new Map<string, number>();
  readonly #undecryptable = new Set<string>();
  readonly #watched = new WeakSet<object>();
  /** This call's own: another call may have its audio elements in the same place. */
  readonly #voices = new Set<HTMLMediaElement>();
  /** What is being switched, and the state wanted last: a change of mind during the switch counts. */
  readonly #wanted = new Map<string, boolean>();
  #members: ReadonlySet<string> = new Set();
  #joining = false;
  #joins = 0;
  #ended = false;
  #drawScheduled = false;
  #lastSpeaker: string | null = null;

  /** `audioRoot` holds the hidden audio elements. */
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
      // Open tracks outlive this call: the next one uses them.
      stopLocalTrackOnUnpublish: false,
      ...(this.#worker ? { encryption: { keyProvider: this.#keys, worker: this.#worker } } : {}),
      ...(cameraId ? { videoCaptureDefaults: { deviceId: cameraId } } : {}),
      ...(micId ? { audioCaptureDefaults: { deviceId: micId } } : {}),
    });
    this.#listen();
    void this.#begin();
  }

  /** The participant who speaks, or spoke last. */
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
        // A track that is not published must not reopen with the former device.
        if (!this.#isPublished(device)) this.#localTracks.stop(device);
      }
      this.#clearProblem(device);
    } catch (cause) {
      this.problem = device === "speaker" ? "speaker_failed" : problemOf(cause, device);
    }
    this.#scheduleDraw();
  }

  /** A participant who is no member is neither shown nor heard, even if LiveKit still has it. */
  setMembers(members: ReadonlySet<string>): void {
    this.#members = members;
    this.#scheduleDraw();
  }

  setHand(up: boolean): void {
    this.hand = up;
    this.#sendHand();
    this.#scheduleDraw();
  }

  /** Called within a click, so that the browser allows sound. */
  async unblockAudio(): Promise<void> {
    await this.#room.startAudio().catch(() => {});
  }

  hangUp(): void {
    if (this.#ended) return;
    this.#end(null);
  }

  /** Ends for another call, which takes over the open tracks. */
  handOver(): void {
    this.#ended = true;
    this.#localTracks.released = this.#disconnect();
  }

  /** Joins and, when the call is lost, joins again until the user hangs up. */
  async #begin(): Promise<void> {
    // The click that started the call unlocks sound only for a short time.
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
        timer = window.setTimeout(() => reject(new Error("no LiveKit answers there")), CONNECT_TIMEOUT);
      });
      const options = { websocketTimeout: SIGNAL_TIMEOUT, maxRetries: 1 };
      await Promise.race([this.#room.connect(access.livekitUrl, access.token, options), late]);
      // The room may have disconnected again meanwhile.
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
    // A device switched off stayed open only for the former call.
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

  /** The tracks belong to this call until this is done. */
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
          // Switched off while the browser asked for permission: the new track is stopped.
          if (!this.#wanted.get(what)) this.#localTracks.stop(what);
          // The call was lost meanwhile: the track is published after the reconnect.
          else if (this.#joining) return;
          else for (const track of tracks) await this.#room.localParticipant.publishTrack(track);
        }
      }
      this.#clearProblem(what);
    } catch (cause) {
      // A refusal by the browser holds for the next call, too; a failure of a lost call does not.
      if (!denied && (this.#ended || this.phase !== "on" || joins !== this.#joins)) return;
      if (what !== "screen") this.#localTracks.prefs[what] = false;
      if (this.#ended) return;
      const problem = problemOf(cause, what);
      // A dismissed screen picker is no problem to report.
      if (problem !== "screen_denied") this.problem = problem;
      if (!this.#isPublished(what)) this.#localTracks.stop(what);
    } finally {
      on = this.#wanted.get(what) ?? on;
      this.#wanted.delete(what);
      // After a reconnect in between, the wanted state is applied again.
      if (!this.#ended && !denied && joins !== this.#joins) void this.#switchTrack(what, on, open, turn);
    }
    this.#scheduleDraw();
  }

  /** Whether this page has published it, muted or not. */
  #isPublished(device: Device): boolean {
    return this.#room.localParticipant.getTrackPublication(SOURCE[device]) !== undefined;
  }

  /** Clears the problem of this device only. */
  #clearProblem(what: Device | "speaker"): void {
    if (concerns(this.problem, what)) this.problem = null;
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
    // LiveKit reconnects its signal silently; only when media reconnects does the user need to know.
    room.on(RoomEvent.Reconnecting, () => (this.phase = "lost"));
    room.on(RoomEvent.Reconnected, () => (this.phase = "on"));
    room.on(RoomEvent.Disconnected, (reason) => this.#disconnected(reason));
  }

  /** A device stopped by itself, or works again. */
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

  /** A returning participant may have the right key. */
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
    // While joining, a disconnect is one more failed attempt.
    if (this.#ended || this.#joining) return;
    if (reason === DisconnectReason.DUPLICATE_IDENTITY) return this.#end("moved");
    // A second disconnect while the first is handled, or one that this page caused.
    if (reason === DisconnectReason.CLIENT_INITIATED) return;
    this.phase = "lost";
    void this.#begin();
  }

  /** One participant joining raises many events: they share one update. */
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
      // In the room's order: LiveKit lists participants in another order to each newcomer.
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
