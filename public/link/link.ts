// Keeps one room followed: opens a carrier, notices when it is dead, comes
// back when that is sensible, and says plainly when it is not.

import { ending } from "../protocol/close";
import { BadFrame, type Inbound, type Outbound, parseFrame } from "../protocol/frames";
import { backoff } from "./backoff";
import type { Carrier, OpenCarrier, Passage } from "./ws";

export type LinkState =
  | { is: "idle" }
  | { is: "connecting"; tries: number }
  | { is: "open" }
  | { is: "waiting"; tries: number; why: string }
  /** Over, until somebody asks to connect again. */
  | { is: "ended"; why: string; message: string };

export type Clock = {
  set(ms: number, then: () => void): number;
  clear(id: number): void;
};

export type LinkOptions = {
  open: OpenCarrier;
  passage: () => Passage;
  frame: (frame: Inbound) => void;
  state: (state: LinkState) => void;
  clock: Clock;
  random: () => number;
};

/** A quiet line is asked after this long… */
export const PING_AFTER = 25_000;
/** …and given up when nothing at all came for this long after. */
export const PONG_WITHIN = 10_000;
/** A carrier that brings no welcome in this time is not going to. */
export const WELCOME_WITHIN = 12_000;
/** A full room empties at the pace of people, not of networks. */
export const LATER = 10_000;
/** A link that lasted this long was a good one: the next loss starts over. */
export const SETTLED_AFTER = 10_000;

export class Link {
  #state: LinkState = { is: "idle" };
  #carrier: Carrier | null = null;
  #tries = 0;
  #timers = new Map<string, number>();
  /** The last thing the server said before it hung up. */
  #lastWord: { code: string; message: string; retryAfter: number | null } | null = null;
  readonly #with: LinkOptions;

  constructor(options: LinkOptions) {
    this.#with = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  connect(): void {
    if (this.#state.is === "connecting" || this.#state.is === "open") return;
    this.#clear();
    this.#lastWord = null;
    this.#become({ is: "connecting", tries: this.#tries });
    const carrier: Carrier = this.#with.open(this.#with.passage(), {
      frame: (data) => {
        if (carrier === this.#carrier) this.#heard(data);
      },
      end: (code) => {
        if (carrier === this.#carrier) this.#ended(code);
      },
    });
    this.#carrier = carrier;
    this.#after("welcome", WELCOME_WITHIN, () => this.#lose());
  }

  /** False when there is nobody to carry it now. */
  send(frame: Outbound): boolean {
    if (this.#state.is !== "open" || !this.#carrier) return false;
    this.#carrier.send(frame);
    return true;
  }

  /** The network or the user came back: do not sit out a delay, do not trust a silence. */
  nudge(): void {
    if (this.#state.is === "waiting") {
      this.#tries = 0;
      this.connect();
    } else if (this.#state.is === "open") {
      this.#ping();
    }
  }

  /** Says goodbye; the server frees the seat and closes. */
  leave(): void {
    this.send({ type: "leave" });
    this.#carrier?.leave();
    this.#finish("left", "");
  }

  /** Stops following without giving the seat up. */
  stop(): void {
    this.#clear();
    const carrier = this.#carrier;
    this.#carrier = null;
    carrier?.drop();
    this.#become({ is: "idle" });
  }

  #heard(data: unknown): void {
    let frame: Inbound | null;
    try {
      frame = parseFrame(data);
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      // Going on would hide a hole in the log; coming back heals it.
      console.error(error);
      this.#lose();
      return;
    }
    if (this.#state.is === "open") this.#listen();
    if (!frame) return;
    if (frame.type === "welcome") {
      this.#cancel("welcome");
      this.#listen();
      this.#after("settled", SETTLED_AFTER, () => (this.#tries = 0));
      this.#become({ is: "open" });
    } else if (frame.type === "closing" || (frame.type === "error" && this.#state.is !== "open")) {
      this.#lastWord = { code: frame.code, message: frame.message, retryAfter: frame.retryAfter };
    }
    this.#with.frame(frame);
  }

  #ended(code: number): void {
    this.#carrier = null;
    this.#clear();
    const { why, come } = ending(code);
    const word = this.#lastWord;
    switch (come) {
      case "no":
      case "ask":
        this.#finish(word?.code ?? why, word?.message ?? "");
        break;
      case "now":
        // Once at once; a server that keeps saying so is met with patience.
        this.#retry(this.#tries === 0 ? 0 : this.#delay(), why);
        break;
      case "later":
        this.#retry((word?.retryAfter ?? LATER) + this.#delay(), why);
        break;
      case "backoff":
        this.#retry((word?.retryAfter ?? 0) + this.#delay(), why);
    }
  }

  #lose(): void {
    const carrier = this.#carrier;
    this.#carrier = null;
    carrier?.drop();
    this.#ended(1006);
  }

  #retry(delay: number, why: string): void {
    this.#tries += 1;
    this.#become({ is: "waiting", tries: this.#tries, why });
    this.#after("retry", delay, () => this.connect());
  }

  #finish(why: string, message: string): void {
    this.#carrier = null;
    this.#clear();
    this.#tries = 0;
    this.#become({ is: "ended", why, message });
  }

  #delay(): number {
    return backoff(this.#tries, this.#with.random);
  }

  #listen(): void {
    this.#cancel("pong");
    this.#after("ping", PING_AFTER, () => this.#ping());
  }

  #ping(): void {
    this.send({ type: "ping" });
    this.#cancel("ping");
    if (!this.#timers.has("pong")) this.#after("pong", PONG_WITHIN, () => this.#lose());
  }

  #become(state: LinkState): void {
    this.#state = state;
    this.#with.state(state);
  }

  #after(name: string, ms: number, then: () => void): void {
    this.#cancel(name);
    const id = this.#with.clock.set(ms, () => {
      this.#timers.delete(name);
      then();
    });
    this.#timers.set(name, id);
  }

  #cancel(name: string): void {
    const id = this.#timers.get(name);
    if (id !== undefined) this.#with.clock.clear(id);
    this.#timers.delete(name);
  }

  #clear(): void {
    for (const name of [...this.#timers.keys()]) this.#cancel(name);
  }
}
