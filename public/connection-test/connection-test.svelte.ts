// One connection test: devices and network at the same time, within a minute.

import type { LiveKitToken } from "../protocol/livekit-token";
import { probe } from "./probe";
import { checkCamera, checkMic } from "./devices";
import { type CheckId, type Facts, judge, NOTHING, summaryOf } from "./verdict";

/** Tracks that the page has open, which the test looks at without opening the devices again. */
export type LentTracks = { mic: MediaStreamTrack | null; camera: MediaStreamTrack | null };

/** The longest that a test takes, in milliseconds. */
const WITHIN = 58_000;

export class ConnectionTest {
  /** Whether it is under way. */
  running = $state(false);
  #facts: Facts = $state.raw(NOTHING);
  #looksAt: ReadonlySet<CheckId> = $state.raw(new Set());
  readonly checks = $derived(judge(this.#facts, this.#looksAt, !this.running));
  readonly summary = $derived(summaryOf(this.#facts, this.checks));
  readonly #requestToken: () => Promise<LiveKitToken>;
  #stop: AbortController | null = null;

  readonly #lent: () => LentTracks;

  constructor(requestToken: () => Promise<LiveKitToken>, lent: () => LentTracks) {
    this.#requestToken = requestToken;
    this.#lent = lent;
  }

  async run(): Promise<void> {
    this.stop();
    const stop = new AbortController();
    this.#stop = stop;
    this.#facts = NOTHING;
    this.#looksAt = new Set();
    this.running = true;
    const timer = window.setTimeout(() => stop.abort(), WITHIN);
    const { signal } = stop;
    const report = {
      begins: (id: CheckId) => this.#begins(stop, id),
      found: (found: Partial<Facts>) => this.#found(stop, found),
    };
    // One after the other: the browser asks for each.
    const devices = async () => {
      const { mic, camera } = this.#lent();
      report.begins("mic");
      report.found({ mic: await checkMic(signal, mic) });
      if (signal.aborted) return;
      report.begins("camera");
      report.found({ camera: await checkCamera(signal, camera) });
    };
    const aborted = new Promise<void>((then) => signal.addEventListener("abort", () => then(), { once: true }));
    await Promise.race([Promise.allSettled([devices(), probe(this.#requestToken, report, signal)]), aborted]);
    window.clearTimeout(timer);
    this.#end(stop);
  }

  /** What is not known by now stays unknown. */
  stop(): void {
    if (this.#stop) this.#end(this.#stop);
  }

  #begins(test: AbortController, id: CheckId): void {
    if (this.#stop === test) this.#looksAt = new Set([...this.#looksAt, id]);
  }

  #found(test: AbortController, found: Partial<Facts>): void {
    if (this.#stop === test) this.#facts = { ...this.#facts, ...found };
  }

  #end(test: AbortController): void {
    if (this.#stop !== test) return;
    this.#stop = null;
    this.#looksAt = new Set();
    this.running = false;
    test.abort();
  }
}
