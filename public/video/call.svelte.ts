// One call. It publishes what the user wants, also after a reconnect.

import {
  ConnectionState,
  DisconnectReason,
  ExternalE2EEKeyProvider,
  isE2EESupported,
  Room,
  RoomEvent,
  setLogLevel,
  Track,
} from "livekit-client";
import E2eeWorker from "./e2ee.worker?worker";
import type { RoomCipher } from "../e2ee/cipher";
import { Effects } from "../effects/effects.svelte";
import type { LiveKitToken } from "../protocol/livekit-token";
import { loadDevices, saveDevices } from "../storage/call";
import { type ActiveDevices, activeDevicesOf, NO_DEVICES } from "./devices/active-devices";
import { connect } from "./connect";
import { DataSaver } from "./quality/data-saver.svelte";
import { DecryptErrors } from "./decrypt-errors";
import { DeviceChanges } from "./devices/device-changes.svelte";
import { watchLocalDevices } from "./devices/device-watch";
import { Line } from "./quality/line.svelte";
import { type CallState, LocalMedia } from "./devices/local-media";
import type { LocalTracks } from "./devices/local-tracks";
import { type CallProblem, concerns, type Device, joinProblemOf, withProblem } from "./devices/problem";
import { PushToTalk } from "./controls/push-to-talk.svelte";
import { RaisedHands } from "./raised-hands";
import { type Tile, tilesOf } from "./stage/tile";
import { type DeviceKind, KINDS } from "./devices/unplugged";
import { usedDevices } from "./devices/used-devices";
import { Voices } from "./voices";

export type CallPhase = "joining" | "on" | "lost" | "over";

const RETRY_DELAY_MIN = 1_000;
const RETRY_DELAY_MAX = 10_000;
/** Milliseconds without LiveKit's signal that nobody needs to hear of. */
const SIGNAL_GAP = 3_000;

// The page shows what matters; LiveKit's log would leave names in a shared console.
setLogLevel("silent");

const FINAL = new Set<CallProblem>(["refused", "unusable", "no_lock"]);

export class Call {
  phase: CallPhase = $state("joining");
  tiles: readonly Tile[] = $state.raw([]);
  /** Why the call ended, unless the user ended it. */
  problem: CallProblem | null = $state(null);
  /** Why devices could not be switched on, or stopped. */
  deviceProblems: readonly CallProblem[] = $state.raw([]);
  /** The browser needs a click before it plays sound. */
  audioBlocked = $state(false);
  mic = $state(false);
  camera = $state(false);
  sharing = $state(false);
  hand = $state(false);
  activeDevices: ActiveDevices = $state.raw(NO_DEVICES);
  /** What this page sends. */
  readonly media: LocalMedia;
  /** Devices that were lost, and that are back. */
  readonly devices: DeviceChanges;
  readonly talk: PushToTalk;
  /** This page's connection to LiveKit. */
  readonly line: Line;
  readonly saver: DataSaver;
  readonly effects = new Effects();
  readonly #room: Room;
  readonly #requestToken: () => Promise<LiveKitToken>;
  readonly #cipher: Promise<RoomCipher> | null;
  readonly #keys = new ExternalE2EEKeyProvider();
  #worker: Worker | null = null;
  readonly #localTracks: LocalTracks;
  readonly #hands: RaisedHands;
  readonly #decryptErrors: DecryptErrors;
  readonly #voices: Voices;
  #members: ReadonlySet<string> = new Set();
  #joining = false;
  #joins = 0;
  #ended = false;
  #drawScheduled = false;
  #signalTimer = 0;
  #lastSpeaker: string | null = null;

  /** `audioRoot` holds the hidden audio elements. */
  constructor(
    ask: () => Promise<LiveKitToken>,
    localTracks: LocalTracks,
    sounds: HTMLElement,
    cipher: Promise<RoomCipher> | null,
  ) {
    const { cameraId, micId, speakerId } = localTracks.prefs;
    this.#cipher = cipher;
    if (cipher && isE2EESupported()) this.#worker = new E2eeWorker();
    this.#requestToken = ask;
    this.#localTracks = localTracks;
    this.#voices = new Voices(sounds);
    this.#room = new Room({
      adaptiveStream: true,
      dynacast: true,
      disconnectOnPageLeave: true,
      // Open tracks outlive this call: the next one uses them.
      stopLocalTrackOnUnpublish: false,
      ...(this.#worker ? { encryption: { keyProvider: this.#keys, worker: this.#worker } } : {}),
      ...(cameraId ? { videoCaptureDefaults: { deviceId: cameraId } } : {}),
      ...(micId ? { audioCaptureDefaults: { deviceId: micId } } : {}),
      ...(speakerId ? { audioOutput: { deviceId: speakerId } } : {}),
    });
    const media = new LocalMedia(this.#room, localTracks, this.effects, this.#state());
    this.media = media;
    this.devices = new DeviceChanges(
      usedDevices(this.#room, localTracks, media, (problem) => this.#deviceFailed(problem)),
    );
    this.talk = new PushToTalk({
      get on() {
        return localTracks.prefs.mic;
      },
      set: (on) => void media.setMic(on),
    });
    this.line = new Line(this.#room);
    this.saver = new DataSaver(this.#room);
    this.#hands = new RaisedHands(this.#room, () => this.#scheduleDraw());
    this.#decryptErrors = new DecryptErrors(this.#room, () => this.#scheduleDraw());
    this.#listen();
    void this.#begin();
  }

  /** The participant who speaks, or spoke last. */
  get speaker(): string | null {
    return this.#lastSpeaker;
  }

  /** A participant who is no member is neither shown nor heard, even if LiveKit still has it. */
  setMembers(members: ReadonlySet<string>): void {
    this.#members = members;
    this.#scheduleDraw();
  }

  setHand(up: boolean): void {
    this.hand = up;
    this.#hands.setMine(up);
    this.#scheduleDraw();
  }

  /** The user has read it. */
  dismiss(problem: CallProblem): void {
    this.deviceProblems = this.deviceProblems.filter((other) => other !== problem);
  }

  /** Called within a click, so that the browser allows sound. */
  async unblockAudio(): Promise<void> {
    await this.#room.startAudio().catch(() => {});
  }

  hangUp(): void {
    if (this.#ended) return;
    this.#end(null);
  }

  /** The user has chosen a device. */
  async use(kind: DeviceKind, id: string): Promise<void> {
    if (!(await this.media.use(KINDS[kind], id))) return;
    this.devices.settle(kind, true);
    const { prefs } = this.#localTracks;
    saveDevices({ ...(loadDevices() ?? prefs), [`${kind}Id`]: id });
  }

  /** Ends for another call, which takes over the open tracks. */
  handOver(): void {
    this.talk.release();
    this.devices.close();
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
    try {
      if (this.#cipher) {
        const cipher = await this.#cipher.catch(() => null);
        if (!cipher || !this.#worker) return "no_lock";
        await this.#keys.setKey(cipher.media);
        await this.#room.setE2EEEnabled(true);
      }
      const access = await this.#requestToken();
      if (this.#ended) return null;
      await connect(this.#room, access);
      // The room may have disconnected again meanwhile.
      return this.#room.state === ConnectionState.Connected ? null : "unreachable";
    } catch (cause) {
      void this.#room.disconnect(false);
      return joinProblemOf(cause);
    }
  }

  async #publish(): Promise<void> {
    await this.media.publish();
    if (this.#ended) return;
    this.#hands.announce();
    this.#scheduleDraw();
  }

  #end(problem: CallProblem | null): void {
    this.talk.release();
    this.devices.close();
    this.#ended = true;
    this.problem = problem;
    this.deviceProblems = [];
    this.phase = "over";
    void this.#disconnect();
    this.#localTracks.close();
    this.#scheduleDraw();
  }

  /** The tracks belong to this call until this is done. */
  async #disconnect(): Promise<void> {
    window.clearTimeout(this.#signalTimer);
    await this.#room.disconnect(false).catch(() => {});
    this.#worker?.terminate();
  }

  #state(): CallState {
    const call = this;
    return {
      get ended() {
        return call.#ended;
      },
      get on() {
        return !call.#ended && call.phase === "on";
      },
      get joining() {
        return call.#joining;
      },
      get joins() {
        return call.#joins;
      },
      report: (device, problem) => (problem === null ? this.#deviceWorks(device) : this.#deviceFailed(problem)),
      changed: () => this.#scheduleDraw(),
    };
  }

  #deviceFailed(problem: CallProblem): void {
    if (!this.#ended) this.deviceProblems = withProblem(this.deviceProblems, problem);
  }

  #deviceWorks(device: Device | "speaker"): void {
    this.deviceProblems = this.deviceProblems.filter((problem) => !concerns(problem, device));
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
    watchLocalDevices(room, {
      ended: (device) => this.devices.ended(device),
      delivers: (device, works) => this.#onDevice(device, works),
    });
    for (const event of [RoomEvent.LocalTrackPublished, RoomEvent.ActiveDeviceChanged] as const) {
      room.on(event, () => void this.devices.note());
    }
    this.devices.watch();
    room.on(RoomEvent.TrackSubscribed, (track, publication, them) => {
      // Without a key it would be noise.
      if (publication.isEncrypted && !this.#cipher) publication.setSubscribed(false);
      else if (track.kind === Track.Kind.Audio) this.#voices.play(track.attach(), them.identity);
      draw();
    });
    room.on(RoomEvent.TrackUnsubscribed, (track) => {
      for (const element of track.detach()) this.#voices.remove(element);
      draw();
    });
    room.on(RoomEvent.ActiveSpeakersChanged, (speakers) => {
      const other = speakers.find((speaker) => !speaker.isLocal);
      if (other) this.#lastSpeaker = other.identity;
      draw();
    });
    room.on(RoomEvent.ParticipantConnected, (them) => {
      this.#decryptErrors.forget(them.identity);
      this.#hands.announce(them.identity);
      draw();
    });
    room.on(RoomEvent.ParticipantDisconnected, (them) => {
      this.#forget(them.identity);
      draw();
    });
    room.on(RoomEvent.AudioPlaybackStatusChanged, () => (this.audioBlocked = !room.canPlaybackAudio));
    // A short gap of the signal leaves the media alone; after a long one they may be frozen.
    room.on(RoomEvent.SignalReconnecting, () => {
      window.clearTimeout(this.#signalTimer);
      this.#signalTimer = window.setTimeout(() => this.phase === "on" && (this.phase = "lost"), SIGNAL_GAP);
    });
    for (const event of [RoomEvent.Reconnected, RoomEvent.SignalConnected, RoomEvent.Disconnected] as const) {
      room.on(event, () => window.clearTimeout(this.#signalTimer));
    }
    room.on(RoomEvent.Reconnecting, () => (this.phase = "lost"));
    room.on(RoomEvent.Reconnected, () => (this.phase = "on"));
    room.on(RoomEvent.Disconnected, (reason) => this.#disconnected(reason));
  }

  /** A device that is present delivers nothing, or works again. */
  #onDevice(device: "mic" | "camera", works: boolean): void {
    if (this.#ended) return;
    if (works) this.#deviceWorks(device);
    else if (this.#localTracks.prefs[device]) this.#deviceFailed(`${device}_ended`);
    this.#scheduleDraw();
  }

  #forget(identity: string): void {
    this.#hands.forget(identity);
    this.#decryptErrors.forget(identity);
  }

  #disconnected(reason: DisconnectReason | undefined): void {
    this.#hands.clear();
    this.#decryptErrors.clear();
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
      this.activeDevices = activeDevicesOf(this.#room);
      // In the room's order: LiveKit lists participants in another order to each newcomer.
      const others = [...this.#members].flatMap((id) => remoteParticipants.get(id) ?? []);
      const there =
        this.phase === "over" || me.identity === "" ? [] : this.#members.has(me.identity) ? [me, ...others] : others;
      const keyed = this.#cipher !== null;
      this.tiles = there.flatMap((them) => {
        const hand = them === me ? this.hand : this.#hands.has(them.identity);
        return tilesOf(them, { hand, keyed, otherKey: this.#decryptErrors.has(them.identity) });
      });
      this.#voices.muteAllBut(this.#members);
    });
  }
}
