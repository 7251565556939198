// Suppresses noise in the microphone's sound. RNNoise in an audio worklet, in a chunk of its own.

import { RnnoiseWorkletNode } from "@sapphi-red/web-noise-suppressor";
import worklet from "@sapphi-red/web-noise-suppressor/rnnoiseWorklet.js?url";
import wasm from "@sapphi-red/web-noise-suppressor/rnnoise_simd.wasm?url";
import type { AudioProcessorOptions, Track, TrackProcessor } from "livekit-client";
import { EffectError } from "./effect-error";

/** RNNoise knows no other. */
const SAMPLE_RATE = 48_000;
/** Milliseconds that a browser is given to start sound. */
const START_TIMEOUT = 3_000;

export class NoiseProcessor implements TrackProcessor<Track.Kind.Audio, AudioProcessorOptions> {
  readonly name = "noise";
  processedTrack?: MediaStreamTrack;
  #context: AudioContext | null = null;
  #node: RnnoiseWorkletNode | null = null;
  readonly #failed: () => void;

  /** `failed` is told that another microphone is sent with its noise. */
  constructor(failed: () => void) {
    this.#failed = failed;
  }

  async init({ track }: AudioProcessorOptions): Promise<void> {
    // Of its own: LiveKit's has the rate of the speaker.
    const context = new AudioContext({ sampleRate: SAMPLE_RATE });
    this.#context = context;
    try {
      const [wasmBinary] = await Promise.all([fetchProgram(), context.audioWorklet.addModule(worklet), runs(context)]);
      const source = context.createMediaStreamSource(new MediaStream([track]));
      const node = new RnnoiseWorkletNode(context, { maxChannels: 1, wasmBinary });
      const output = context.createMediaStreamDestination();
      for (const one of [node, output]) Object.assign(one, { channelCount: 1, channelCountMode: "explicit" });
      source.connect(node).connect(output);
      // Rather noise than silence.
      node.onprocessorerror = () => source.connect(output);
      // The system may interrupt sound, as phones do for a phone call.
      context.onstatechange = () => context.state !== "closed" && void context.resume().catch(() => {});
      const processed = output.stream.getAudioTracks()[0];
      // An unplugged microphone has to be noticed behind the effect as well.
      track.addEventListener("ended", () => processed?.stop(), { once: true });
      if (processed) this.processedTrack = processed;
      this.#node = node;
    } catch (cause) {
      await this.destroy();
      throw new EffectError("noise cannot be suppressed", { cause });
    }
  }

  /** Never rejects: LiveKit would stop the new microphone. Without a processed track it sends that as it is. */
  async restart(options: AudioProcessorOptions): Promise<void> {
    try {
      await this.destroy();
      await this.init(options);
    } catch {
      this.#failed();
    }
  }

  async destroy(): Promise<void> {
    const context = this.#context;
    this.#node?.destroy();
    this.processedTrack?.stop();
    this.#node = this.#context = null;
    delete this.processedTrack;
    if (context && context.state !== "closed") await context.close();
  }
}

/** The worklet does not say when it cannot compile the program, so it is compiled here as well. */
async function fetchProgram(): Promise<ArrayBuffer> {
  const answer = await fetch(wasm);
  if (!answer.ok) throw new Error(`${wasm}: ${answer.status}`);
  const program = await answer.arrayBuffer();
  await WebAssembly.compile(program);
  return program;
}

/** A context that waits for a click would send silence. */
async function runs(context: AudioContext): Promise<void> {
  let timer = 0;
  const late = new Promise<never>((_, reject) => {
    timer = window.setTimeout(() => reject(new Error("the browser plays no sound yet")), START_TIMEOUT);
  });
  try {
    await Promise.race([context.resume(), late]);
  } finally {
    window.clearTimeout(timer);
  }
}
