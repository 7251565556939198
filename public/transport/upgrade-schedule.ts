// When the transports that are better than the present one are tried again.

import type { TransportSpec } from "./transport";

/** After a fallback the better transports are tried again after this delay, which doubles each time. */
export const UPGRADE_AFTER = 30_000;
const UPGRADE_DELAY_MAX = 15 * 60_000;

export class UpgradeSchedule {
  #attempts = 0;
  /** How often an upgrade stalled, and from which attempt on it is tried again. */
  readonly #stalled = new Map<TransportSpec, { count: number; until: number }>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Milliseconds until the next attempt. */
  delay(): number {
    const delay = Math.min(UPGRADE_AFTER * 2 ** this.#attempts, UPGRADE_DELAY_MAX);
    return delay * (0.75 + this.#random() / 2);
  }

  startAttempt(): void {
    this.#attempts += 1;
  }

  /** Whether this attempt includes the transport. */
  isDue(spec: TransportSpec): boolean {
    return this.#attempts >= (this.#stalled.get(spec)?.until ?? 0);
  }

  /** The transport stalled: each time twice as many attempts leave it out. */
  postpone(spec: TransportSpec): void {
    const count = (this.#stalled.get(spec)?.count ?? 0) + 1;
    this.#stalled.set(spec, { count, until: this.#attempts + 2 ** count });
  }

  /** An upgrade lasted: the delays start over. */
  restart(): void {
    this.#attempts = 0;
  }

  /** On another network, transports that failed before may work. */
  reset(): void {
    this.#attempts = 0;
    this.#stalled.clear();
  }
}
