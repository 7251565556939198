// Finds a transport that is dead although nothing has closed it.

import type { NamedTimers } from "./named-timers";

/** After this long without a frame a ping is sent; without any answer the transport is dropped. */
export const PING_AFTER = 25_000;

export type HeartbeatOptions = {
  ping: () => void;
  /** Milliseconds for an answer. */
  pongTimeout: () => number;
  onSilent: () => void;
};

export class Heartbeat {
  readonly #timers: NamedTimers;
  readonly #options: HeartbeatOptions;

  constructor(timers: NamedTimers, options: HeartbeatOptions) {
    this.#timers = timers;
    this.#options = options;
  }

  /** The server sent a frame. */
  heard(): void {
    this.#timers.clear("pong");
    this.#timers.set("ping", PING_AFTER, () => this.ping());
  }

  ping(): void {
    this.#options.ping();
    this.#timers.clear("ping");
    if (!this.#timers.has("pong")) this.#timers.set("pong", this.#options.pongTimeout(), this.#options.onSilent);
  }
}
