// When the log next changes by itself.

/** Timers may not be set further ahead than a signed 32-bit number of milliseconds. */
const TIMER_MAX = 2_000_000_000;

export class Tick {
  #timer = 0;

  /** Calls `tick` at that moment; null: never. Both times are the server's. */
  schedule(at: number | null, now: number, tick: () => void): void {
    this.stop();
    if (at !== null) this.#timer = window.setTimeout(tick, Math.min(Math.max(at - now, 0) + 1, TIMER_MAX));
  }

  stop(): void {
    window.clearTimeout(this.#timer);
  }
}
