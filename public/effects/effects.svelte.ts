// The effects on what this page sends: which are wanted, and putting them on the camera and the microphone. What they
// need is loaded when one is put on for the first time.

import type { AudioProcessorOptions, Track, TrackProcessor, VideoProcessorOptions } from "livekit-client";
import { EffectError } from "./effect-error";
import { type EffectName, loadEffects, saveEffects } from "./prefs";

type BlurProcessor = TrackProcessor<Track.Kind.Video, VideoProcessorOptions>;
type NoiseProcessor = TrackProcessor<Track.Kind.Audio, AudioProcessorOptions>;

/** As much of LiveKit's local tracks as effects need. */
export type EffectTrack = {
  readonly isStopped: boolean;
  getProcessor(): unknown;
  setProcessor(processor: BlurProcessor | NoiseProcessor): Promise<void>;
  stopProcessor(): Promise<void>;
};

/** `failed`: the effect stopped when the device was changed, and the track is sent without it. */
export type EffectPart = { create(failed: () => void): BlurProcessor | NoiseProcessor };

/** Each effect is a chunk of its own. */
const PARTS: Readonly<Record<EffectName, () => Promise<EffectPart>>> = {
  blur: async () => {
    const { BlurProcessor } = await import("./blur");
    return { create: () => new BlurProcessor() };
  },
  noise: async () => {
    const { NoiseProcessor } = await import("./noise");
    return { create: (failed) => new NoiseProcessor(failed) };
  },
};

/** The effect on a device; none is put on a screen. */
const EFFECT_OF: Readonly<Record<string, EffectName | undefined>> = { camera: "blur", mic: "noise" };

export type EffectStatus = "idle" | "starting" | "failed";

export class Effects {
  wanted = $state(loadEffects());
  status: Record<EffectName, EffectStatus> = $state({ blur: "idle", noise: "idle" });
  readonly #tracks = new Map<EffectName, EffectTrack>();
  /** One change of an effect after the other. */
  readonly #changes = new Map<EffectName, Promise<void>>();
  readonly #parts: typeof PARTS;

  constructor(parts = PARTS) {
    this.#parts = parts;
  }

  /** The user switches an effect; where it cannot be put on, it is off again. */
  async want(effect: EffectName, on: boolean): Promise<void> {
    this.#choose(effect, on);
    const track = this.#tracks.get(effect);
    if (!track || track.isStopped) {
      this.status[effect] = "idle";
      return;
    }
    await this.#change(effect, track).catch(() => this.#choose(effect, false));
  }

  /** Before a track is published. Rejects where the background would not be blurred although it should be. */
  async beforePublish(device: string, track: EffectTrack): Promise<void> {
    if (EFFECT_OF[device] !== "blur") return;
    this.#tracks.set("blur", track);
    await this.#change("blur", track);
  }

  /** LiveKit takes an audio effect only for a track of a call. */
  async afterPublish(device: string, track: EffectTrack): Promise<void> {
    if (EFFECT_OF[device] !== "noise") return;
    this.#tracks.set("noise", track);
    await this.#change("noise", track).catch(() => (this.wanted = { ...this.wanted, noise: false }));
  }

  #choose(effect: EffectName, on: boolean): void {
    this.wanted = { ...this.wanted, [effect]: on };
    saveEffects(this.wanted);
  }

  /** It stopped by itself. The track lets go of it, so that it can be put on again. */
  async #stopped(effect: EffectName, track: EffectTrack): Promise<void> {
    this.wanted = { ...this.wanted, [effect]: false };
    await this.#change(effect, track).catch(() => {});
    if (!this.wanted[effect]) this.status[effect] = "failed";
  }

  #change(effect: EffectName, track: EffectTrack): Promise<void> {
    const before = this.#changes.get(effect) ?? Promise.resolve();
    const change = before.catch(() => {}).then(() => this.#follow(effect, track));
    this.#changes.set(effect, change);
    return change;
  }

  /** Makes the track what is wanted of it by now. */
  async #follow(effect: EffectName, track: EffectTrack): Promise<void> {
    const on = this.wanted[effect];
    if (on === (track.getProcessor() !== undefined)) return;
    try {
      if (on) {
        this.status[effect] = "starting";
        const part = await this.#parts[effect]();
        await track.setProcessor(part.create(() => void this.#stopped(effect, track)));
      } else {
        await track.stopProcessor();
      }
      this.status[effect] = "idle";
    } catch (cause) {
      this.status[effect] = "failed";
      throw new EffectError(`the effect ${effect} failed`, { cause });
    }
  }
}
