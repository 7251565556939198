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
import LockWorker from "./lock.worker?worker";
import type { RoomCipher } from "../e2ee/cipher";
import { type LiveKitToken, TokenRefusedError } from "../protocol/livekit-token";
import { watchDevice } from "./ended";
import type { Sources } from "./sources";
import { type Tile, tilesOf } from "./tile";
import { type Device, isOf, type Trouble, troubleOf } from "./trouble";

/** By device the one that is in use; empty where there is none. */
export type Used = Readonly<Record<MediaDeviceKind, string>>;

export type Stage = "joining" | "on" | "lost" | "over";

/** An address that is no LiveKit may be asked for ever. */
const GIVE_UP = 20_000;
const SIGNAL_TIMEOUT = 10_000;
const AGAIN_FIRST = 1_000;
const AGAIN_MOST = 10_000;
const HAND = "hand";
/** Milliseconds in which a second frame that cannot be opened means another key; one alone may have been on its way. */
const DOUBT = 10_000;

// What matters is shown to people; the rest would tell a shared console who was where.
setLogLevel("silent");

const SOURCE: Readonly<Record<Device, Track.Source>> = {
  mic: Track.Source.Microphone,
  camera: Track.Source.Camera,
  screen: Track.Source.ScreenShare,
};

/** The server's words for somebody who is no member any more. */
const NO_SEAT = new Set(["not_member", "bad_ticket", "no_ticket"]);
/** LiveKit does not take this server's keys: no try is better than the last. */
const UNUSABLE = new Set(["video_refused"]);
const FINAL = new Set<Trouble>(["refused", "unusable", "no_lock"]);

export class Call {
  stage: Stage = $state("joining");
  tiles: readonly Tile[] = $state.raw([]);
  /** Why the call did not begin or is over; or why something could not be switched on. */
  trouble: Trouble | null = $state(null);
  /** The browser wants a click before it plays sound. */
  muffled = $state(false);
  mic = $state(false);
  camera = $state(false);
  sharing = $state(false);
  hand = $state(false);
  used: Used = $state.raw({ videoinput: "", audioinput: "", audiooutput: "" });
  readonly #room: Room;
  readonly #ask: () => Promise<LiveKitToken>;
  readonly #sounds: HTMLElement;
  readonly #cipher: Promise<RoomCipher> | null;
  readonly #keys = new ExternalE2EEKeyProvider();
  #worker: Worker | null = null;
  readonly #sources: Sources;
  readonly #hands = new Set<string>();
  /** Whose frames could not be opened, and when the last one was. */
  readonly #doubts = new Map<string, number>();
  readonly #strangers = new Set<string>();
  readonly #watched = new WeakSet<object>();
  /** Our own: another call may have its voices at the same place. */
  readonly #voices = new Set<HTMLMediaElement>();
  /** What is being switched, and how it is to be in the end: whoever changes their mind meanwhile is not overheard. */
  readonly #wanted = new Map<string, boolean>();
  #members: ReadonlySet<string> = new Set();
  #joining = false;
  #joins = 0;
  #over = false;
  #drawing = false;
  #spoke: string | null = null;

  /** `sounds` is where the voices are hung up, unseen. */
  constructor(
    ask: () => Promise<LiveKitToken>,
    sources: Sources,
    sounds: HTMLElement,
    cipher: Promise<RoomCipher> | null,
  ) {
    const { cameraId, micId } = sources.wish;
    this.#cipher = cipher;
    if (cipher && isE2EESupported()) this.#worker = new LockWorker();
    this.#ask = ask;
    this.#sources = sources;
    this.#sounds = sounds;
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
    return this.#spoke;
  }

  async setMic(on: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    const open = () => me.createTracks({ audio: true });
    await this.#set("mic", on, open, (on) => me.setMicrophoneEnabled(on));
  }

  async setCamera(on: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    const open = () => me.createTracks({ video: true });
    await this.#set("camera", on, open, (on) => me.setCameraEnabled(on));
  }

  async setSharing(on: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    const open = () => me.createScreenTracks({ audio: true });
    const close = () => {
      this.#sources.shut("screen");
      return me.setScreenShareEnabled(false);
    };
    await this.#set("screen", on, open, close);
  }

  /** Takes another device, now and whenever one of its kind is switched on. */
  async use(kind: MediaDeviceKind, id: string): Promise<void> {
    const device = kind === "audioinput" ? "mic" : kind === "videoinput" ? "camera" : "speaker";
    try {
      await this.#room.switchActiveDevice(kind, id);
      if (device !== "speaker") {
        this.#sources.wish[`${device}Id`] = id;
        // What the call does not have at the moment is not to come back with the device that it had.
        if (!this.#has(device)) this.#sources.shut(device);
      }
      this.#mended(device);
    } catch (cause) {
      this.trouble = device === "speaker" ? "speaker_failed" : troubleOf(cause, device);
    }
    this.#draw();
  }

  /** Whoever is no member is neither shown nor heard, whatever LiveKit still has of them. */
  attend(members: ReadonlySet<string>): void {
    this.#members = members;
    this.#draw();
  }

  setHand(up: boolean): void {
    this.hand = up;
    this.#tellHand();
    this.#draw();
  }

  /** Within a click, so that the browser lets sound play. */
  async unmuffle(): Promise<void> {
    await this.#room.startAudio().catch(() => {});
  }

  hangUp(): void {
    if (this.#over) return;
    this.#end(null);
  }

  /** Ends for another call, which goes on with what is open. */
  giveWay(): void {
    this.#over = true;
    this.#sources.released = this.#part();
  }

  /** Joins and, when the call is lost, joins again until somebody gives up. */
  async #begin(): Promise<void> {
    // The click that brought us here unlocks sound for as long as it is fresh.
    void this.unmuffle();
    this.#joining = true;
    for (let wait = AGAIN_FIRST; !this.#over; wait = Math.min(wait * 2, AGAIN_MOST)) {
      const trouble = await this.#join();
      if (this.#over) return;
      if (trouble === null) {
        this.trouble = null;
        this.stage = "on";
        this.#joining = false;
        this.#joins += 1;
        await this.#publish();
        return;
      }
      if (this.stage === "joining" || FINAL.has(trouble)) return this.#end(trouble);
      await new Promise((then) => window.setTimeout(then, wait));
    }
  }

  async #join(): Promise<Trouble | null> {
    let timer = 0;
    try {
      if (this.#cipher) {
        const cipher = await this.#cipher.catch(() => null);
        if (!cipher || !this.#worker) return "no_lock";
        await this.#keys.setKey(cipher.media);
        await this.#room.setE2EEEnabled(true);
      }
      const access = await this.#ask();
      if (this.#over) return null;
      const late = new Promise<never>((_, reject) => {
        timer = window.setTimeout(() => reject(new Error("nobody answers there as LiveKit does")), GIVE_UP);
      });
      const options = { websocketTimeout: SIGNAL_TIMEOUT, maxRetries: 1 };
      await Promise.race([this.#room.connect(access.livekitUrl, access.token, options), late]);
      // It may have ended again before we could look.
      return this.#room.state === ConnectionState.Connected ? null : "unreachable";
    } catch (cause) {
      void this.#room.disconnect(false);
      if (!(cause instanceof TokenRefusedError)) return "unreachable";
      if (NO_SEAT.has(cause.code)) return "refused";
      return UNUSABLE.has(cause.code) ? "unusable" : "unreachable";
    } finally {
      window.clearTimeout(timer);
    }
  }

  async #publish(): Promise<void> {
    await this.#sources.released;
    const { wish } = this.#sources;
    // Switched off it was kept for the call that is over.
    if (!wish.mic) this.#sources.shut("mic");
    if (!wish.camera) this.#sources.shut("camera");
    if (wish.mic) await this.setMic(true);
    if (wish.camera) await this.setCamera(true);
    if (await this.#sources.has("screen")) await this.setSharing(true);
    else this.#sources.shut("screen");
    if (this.#over) return;
    if (this.hand) this.#tellHand();
    this.#draw();
  }

  #end(trouble: Trouble | null): void {
    this.#over = true;
    this.trouble = trouble;
    this.stage = "over";
    void this.#part();
    this.#sources.close();
    this.#draw();
  }

  /** What is open is the call's until this is done. */
  async #part(): Promise<void> {
    await this.#room.disconnect(false).catch(() => {});
    this.#worker?.terminate();
  }

  async #set(
    what: Device,
    on: boolean,
    open: () => Promise<LocalTrack[]>,
    turn: (on: boolean) => Promise<unknown>,
  ): Promise<void> {
    if (this.#over) return;
    if (what !== "screen") this.#sources.wish[what] = on;
    const busy = this.#wanted.has(what);
    this.#wanted.set(what, on);
    if (busy) return;
    const joins = this.#joins;
    let denied = false;
    try {
      let is: boolean | undefined;
      while (!this.#over && is !== this.#wanted.get(what)) {
        is = this.#wanted.get(what) === true;
        if (!is || this.#has(what)) await turn(is);
        else {
          denied = true;
          const tracks = await this.#sources.open(what, open);
          denied = false;
          if (this.#over) return;
          // Whoever thinks again while the browser asks is not to be filmed afterwards.
          if (!this.#wanted.get(what)) this.#sources.shut(what);
          // Lost meanwhile: it is published when the call is found again.
          else if (this.#joining) return;
          else for (const track of tracks) await this.#room.localParticipant.publishTrack(track);
        }
      }
      this.#mended(what);
    } catch (cause) {
      // An answer of the browser's holds for the call that follows, too; what failed with a call that was lost does not.
      if (!denied && (this.#over || this.stage !== "on" || joins !== this.#joins)) return;
      if (what !== "screen") this.#sources.wish[what] = false;
      if (this.#over) return;
      const trouble = troubleOf(cause, what);
      // Whoever closes the browser's choice of screens has changed their mind.
      if (trouble !== "screen_denied") this.trouble = trouble;
      if (!this.#has(what)) this.#sources.shut(what);
    } finally {
      on = this.#wanted.get(what) ?? on;
      this.#wanted.delete(what);
      // Lost on the way and found again: what was wanted then found this busy.
      if (!this.#over && !denied && joins !== this.#joins) void this.#set(what, on, open, turn);
    }
    this.#draw();
  }

  /** Whether this page has it in the call, switched on or off. */
  #has(device: Device): boolean {
    return this.#room.localParticipant.getTrackPublication(SOURCE[device]) !== undefined;
  }

  /** Trouble with this is over; with another device it is not. */
  #mended(what: Device | "speaker"): void {
    if (isOf(this.trouble, what)) this.trouble = null;
  }

  #tellHand(to?: string): void {
    const word = new TextEncoder().encode(this.hand ? "up" : "down");
    const options = { reliable: true, topic: HAND, ...(to ? { destinationIdentities: [to] } : {}) };
    this.#room.localParticipant.publishData(word, options).catch(() => {});
  }

  #listen(): void {
    const draw = () => this.#draw();
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
      watchDevice(track, (works) => this.#lives(device, works));
    });
    room.on(RoomEvent.TrackSubscribed, (track, publication, them) => {
      // Without a key it would be noise.
      if (publication.isEncrypted && !this.#cipher) publication.setSubscribed(false);
      else if (track.kind === Track.Kind.Audio) this.#hang(track.attach(), them.identity);
      draw();
    });
    room.on(RoomEvent.TrackUnsubscribed, (track) => {
      for (const element of track.detach()) if (this.#voices.delete(element)) element.remove();
      draw();
    });
    room.on(RoomEvent.ActiveSpeakersChanged, (speakers) => {
      const other = speakers.find((speaker) => !speaker.isLocal);
      if (other) this.#spoke = other.identity;
      draw();
    });
    room.on(RoomEvent.ParticipantConnected, (them) => {
      this.#forget(them.identity);
      if (this.hand) this.#tellHand(them.identity);
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
      if (performance.now() - (this.#doubts.get(them.identity) ?? -DOUBT) < DOUBT) this.#strangers.add(them.identity);
      this.#doubts.set(them.identity, performance.now());
      draw();
    });
    room.on(RoomEvent.AudioPlaybackStatusChanged, () => (this.muffled = !room.canPlaybackAudio));
    // The signal alone may be mended without a word; only when media has to be found again is it worth one.
    room.on(RoomEvent.Reconnecting, () => (this.stage = "lost"));
    room.on(RoomEvent.Reconnected, () => (this.stage = "on"));
    room.on(RoomEvent.Disconnected, (reason) => this.#disconnected(reason));
  }

  /** A device that was on has stopped by itself, or works again. */
  #lives(device: "mic" | "camera", works: boolean): void {
    if (this.#over) return;
    if (works) this.#mended(device);
    else if (this.#sources.wish[device]) this.trouble = `${device}_ended`;
    this.#draw();
  }

  #hang(sound: HTMLMediaElement, identity: string): void {
    sound.dataset["identity"] = identity;
    this.#voices.add(sound);
    this.#sounds.append(sound);
  }

  /** They come anew, maybe with the right key. */
  #forget(identity: string): void {
    this.#hands.delete(identity);
    this.#doubts.delete(identity);
    this.#strangers.delete(identity);
  }

  #disconnected(reason: DisconnectReason | undefined): void {
    this.#hands.clear();
    this.#doubts.clear();
    this.#strangers.clear();
    for (const sound of this.#voices) sound.remove();
    this.#voices.clear();
    this.#draw();
    // While it is being joined, an end is one more try that failed.
    if (this.#over || this.#joining) return;
    if (reason === DisconnectReason.DUPLICATE_IDENTITY) return this.#end("moved");
    // A second end while the first is being mended, or our own doing.
    if (reason === DisconnectReason.CLIENT_INITIATED) return;
    this.stage = "lost";
    void this.#begin();
  }

  /** Many things happen at once when somebody comes. */
  #draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      const { localParticipant: me, remoteParticipants } = this.#room;
      this.mic = me.isMicrophoneEnabled;
      this.camera = me.isCameraEnabled;
      this.sharing = me.isScreenShareEnabled;
      const used = (kind: MediaDeviceKind) => this.#room.getActiveDevice(kind) ?? "";
      this.used = { videoinput: used("videoinput"), audioinput: used("audioinput"), audiooutput: used("audiooutput") };
      // In the order of the room: LiveKit names people to each newcomer in another one.
      const others = [...this.#members].flatMap((id) => remoteParticipants.get(id) ?? []);
      const there =
        this.stage === "over" || me.identity === "" ? [] : this.#members.has(me.identity) ? [me, ...others] : others;
      const keyed = this.#cipher !== null;
      this.tiles = there.flatMap((them) => {
        const hand = them === me ? this.hand : this.#hands.has(them.identity);
        return tilesOf(them, { hand, keyed, stranger: this.#strangers.has(them.identity) });
      });
      for (const sound of this.#voices) sound.muted = !this.#members.has(sound.dataset["identity"] ?? "");
    });
  }
}
