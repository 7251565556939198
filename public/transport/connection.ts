// Keeps one room followed: opens a transport, notices when it is dead, comes
// back when that is sensible, by another transport when this one does not get
// through, and says plainly when it is not.

import { BROKEN, closeMeaning } from "../protocol/close";
import { BadFrame, type Inbound, type Outbound, parseFrame, readFrame } from "../protocol/frames";
import type { TransportName } from "../protocol/transport-name";
import { backoff } from "./backoff";
import { type Transport, TOO_MANY_TABS, type JoinParams, type TransportSpec } from "./transport";
import type { TransportSelector } from "./selector";
import { sendUnload } from "./unload";

export type ConnectionState =
  | { is: "idle" }
  | { is: "connecting"; tries: number }
  /** `tooManyTabs` where other tabs hold so many connections that nothing better is left. */
  | { is: "open"; transport: TransportName; tooManyTabs?: true }
  | { is: "waiting"; tries: number; why: string }
  /** Over, until somebody asks to connect again. */
  | { is: "ended"; why: string; message: string };

export type Timers = {
  set(ms: number, then: () => void): number;
  clear(id: number): void;
};

export type ConnectionOptions = {
  selector: TransportSelector;
  joinParams: () => JoinParams;
  onFrame: (frame: Inbound) => void;
  onTicket: (ticket: string) => void;
  onState: (state: ConnectionState) => void;
  /** Whether the server answers at all, by the plainest request there is. */
  isReachable: () => Promise<boolean>;
  timers: Timers;
  random: () => number;
};

/** A quiet line is asked after this long, and given up when nothing at all came while it had to answer. */
export const PING_AFTER = 25_000;
/** A transport that brings no welcome in this time is not going to; shorter than the usual grace. */
export const WELCOME_WITHIN = 8_000;
/** A full room empties at the pace of people, not of networks. */
export const FULL_ROOM_DELAY = 10_000;
/** A connection that lasted this long was a good one: the next loss starts over. */
export const SETTLED_AFTER = 10_000;
/** …and one that lasted this long gets through: longer than a long poll, which a proxy may cut short. */
export const PROVEN_AFTER = 25_000;
/** Whoever had to take a lesser transport tries the better ones again after this long, and then more and more rarely. */
export const UPGRADE_AFTER = 30_000;
const UPGRADE_DELAY_MAX = 15 * 60_000;
/** A better transport that has taken the seat and brings no welcome gives it back after this long: until then nothing is heard. */
export const HANDOVER_WITHIN = 3_000;
/** So long a request of the transport just given up may still be on its way, and take the seat back from us. */
const LATE_REQUEST_WINDOW = 5_000;

export class Connection {
  #state: ConnectionState = { is: "idle" };
  #transport: Transport | null = null;
  /** The transport brought its welcome. */
  #welcomed = false;
  /** It has lasted since. */
  #proven = false;
  #tries = 0;
  #upgradeAttempts = 0;
  /** Where it stood before it tried a better transport, until that one has proved itself. */
  #fallback: TransportSpec | null = null;
  /** A better transport that is being tried, beside the one that works. */
  #upgrade: { transport: Transport; spec: TransportSpec } | null = null;
  /** How often a transport took the seat and stalled, and from which climb on it is tried again. */
  readonly #stalledUpgrades = new Map<TransportSpec, { count: number; until: number }>();
  #tooManyTabs = false;
  #timers = new Map<string, number>();
  /** The last thing the server said before it hung up. */
  #lastError: { code: string; message: string; retryAfter: number | null } | null = null;
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Somebody is there to carry a frame now. */
  get ready(): boolean {
    return this.#welcomed && this.#transport !== null;
  }

  connect(): void {
    if (this.#state.is === "connecting" || this.#state.is === "open") return;
    this.#setState({ is: "connecting", tries: this.#tries });
    this.#open();
  }

  /** False when there is nobody to carry it now. */
  send(frame: Outbound): boolean {
    if (!this.ready) return false;
    this.#transport?.send(frame);
    return true;
  }

  /** The network or the user came back: do not sit out a delay, do not trust a silence. */
  checkNow(): void {
    if (this.#state.is === "waiting") {
      this.#tries = 0;
      this.connect();
    } else if (this.#state.is === "open" && this.#welcomed) {
      this.#ping();
    }
  }

  /** The page goes to sleep: the transport is put down without a goodbye. An end stays an end. */
  suspend(): void {
    if (this.#state.is !== "ended") this.stop();
  }

  /** The page unloads: the server waits a shorter time for its seat. The browser puts the transport down by itself. */
  unload(): void {
    const { room, ticket } = this.#options.joinParams();
    if (ticket !== null && this.#state.is !== "idle" && this.#state.is !== "ended") sendUnload(room, ticket);
  }

  /** It is there again. */
  wake(): void {
    if (this.#state.is === "idle") this.connect();
    else this.checkNow();
  }

  /** Says goodbye and is over at once. True once the server has freed the seat, false when it is not going to. */
  leave(): Promise<boolean> {
    this.#dropUpgrade();
    const heard = this.#transport?.leave() ?? Promise.resolve(false);
    this.#finish("left", "");
    return heard;
  }

  /** Stops following without giving the seat up. */
  stop(): void {
    this.#clearTimers();
    this.#dropTransport();
    this.#setState({ is: "idle" });
  }

  #open(): void {
    this.#clearTimers();
    this.#lastError = null;
    const transport: Transport = this.#options.selector.current.open(this.#options.joinParams(), {
      onFrame: (data) => {
        if (transport === this.#transport) this.#onFrame(data);
      },
      onTicket: (ticket) => {
        if (transport === this.#transport) this.#options.onTicket(ticket);
      },
      onEnd: (code) => {
        if (transport === this.#transport) this.#onEnd(code);
      },
    });
    this.#transport = transport;
    this.#setTimer("welcome", WELCOME_WITHIN, () => this.#onLost(true));
  }

  /** Puts the transport down without giving the seat up. */
  #dropTransport(): void {
    this.#dropUpgrade();
    const transport = this.#transport;
    this.#transport = null;
    this.#welcomed = false;
    this.#proven = false;
    transport?.drop();
  }

  #onFrame(data: unknown): void {
    let frame: Inbound | null;
    try {
      frame = typeof data === "string" ? parseFrame(data) : readFrame(data);
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      // Going on would hide a hole in the log; coming back heals it.
      console.error(error);
      this.#onLost();
      return;
    }
    if (this.#welcomed) this.#armPing();
    if (!frame) return;
    if (frame.type === "closing" || (frame.type === "error" && !this.#welcomed)) {
      this.#lastError = { code: frame.code, message: frame.message, retryAfter: frame.retryAfter };
    }
    this.#options.onFrame(frame);
    // Nothing is sent before it is known from which seat.
    if (frame.type === "welcome") this.#welcome();
  }

  #welcome(): void {
    const { selector } = this.#options;
    this.#clearTimer("welcome");
    this.#welcomed = true;
    if (this.#fallback) this.#setTimer("late-request", LATE_REQUEST_WINDOW, () => {});
    this.#armPing();
    this.#setTimer("settled", SETTLED_AFTER, () => (this.#tries = 0));
    this.#setTimer("proven", PROVEN_AFTER, () => this.#markProven());
    if (selector.better.length > 0) this.#scheduleUpgrade();
    this.#tooManyTabs &&= selector.current === selector.last;
    this.#setState({
      is: "open",
      transport: selector.current.name,
      ...(this.#tooManyTabs ? { tooManyTabs: true } : {}),
    });
  }

  #markProven(): void {
    this.#proven = true;
    this.#options.selector.confirm();
    if (this.#fallback) this.#upgradeAttempts = 0;
    this.#fallback = null;
  }

  #onEnd(code: number, silent = false): void {
    const { selector } = this.#options;
    if (this.#upgrade && closeMeaning(code).retry === "ask") return this.#awaitUpgrade();
    if (code === TOO_MANY_TABS) return this.#yieldConnection();
    const lateRequest = this.#timers.has("late-request") && closeMeaning(code).retry === "ask";
    const { why, retry } = closeMeaning(lateRequest ? BROKEN : code, this.#lastError?.code);
    const fallback = this.#fallback;
    const suspect = why === "lost" && !this.#proven && !lateRequest;
    this.#dropTransport();
    this.#clearTimers();
    this.#fallback = null;
    if (fallback && suspect) {
      // It does not get through after all: the next one, down to where we stood. Nobody needs to know.
      selector.fallBack();
      if (selector.current !== fallback) this.#fallback = fallback;
      this.#open();
      return;
    }
    const error = this.#lastError;
    switch (retry) {
      case "no":
      case "ask":
        this.#finish(error?.code ?? why, error?.message ?? "");
        break;
      case "now":
        // Once at once; a server that keeps saying so is met with patience.
        this.#retry(this.#tries === 0 ? 0 : this.#delay(), why);
        break;
      case "later":
        this.#retry((error?.retryAfter ?? FULL_ROOM_DELAY) + this.#delay(), why);
        break;
      case "backoff":
        if (suspect && !selector.isOnly) this.#suspectTransport(this.#delay(), why, silent);
        else this.#retry((error?.retryAfter ?? 0) + this.#delay(), why);
    }
  }

  /** What holds a connection is left to the other tabs. */
  #yieldConnection(): void {
    this.#dropTransport();
    this.#tooManyTabs = true;
    this.#options.selector.fallBack();
    this.#open();
  }

  #onLost(silent = false): void {
    this.#onEnd(BROKEN, silent);
  }

  #setWaiting(why: string): ConnectionState {
    // Where the network has changed, what did not get through before may do so now.
    if (this.#state.is === "open") {
      this.#upgradeAttempts = 0;
      this.#stalledUpgrades.clear();
    }
    this.#tries += 1;
    const waiting: ConnectionState = { is: "waiting", tries: this.#tries, why };
    this.#setState(waiting);
    return waiting;
  }

  #retry(delay: number, why: string): void {
    this.#setWaiting(why);
    this.#setTimer("retry", delay, () => this.connect());
  }

  /**
   * Is it the transport that does not get through, or is the server away? Only
   * what breaks twice while the server can be reached, or swallows its welcome,
   * is left for the next one.
   */
  #suspectTransport(delay: number, why: string, silent: boolean): void {
    const { selector, isReachable } = this.#options;
    const waiting = this.#setWaiting(why);
    if (selector.suspected) {
      selector.fallBack();
      return this.#setTimer("retry", 0, () => this.connect());
    }
    void isReachable().then((there) => {
      if (this.#state !== waiting) return;
      if (there && silent) selector.fallBack();
      else if (there) selector.suspect();
      this.#setTimer("retry", there && silent ? 0 : delay, () => this.connect());
    });
  }

  #scheduleUpgrade(): void {
    const delay = Math.min(UPGRADE_AFTER * 2 ** this.#upgradeAttempts, UPGRADE_DELAY_MAX);
    this.#setTimer("upgrade", delay * (0.75 + this.#options.random() / 2), () => void this.#tryUpgrade());
  }

  /** Tries what would be better, the best first. The transport that works is kept until the better one has its welcome. */
  async #tryUpgrade(): Promise<void> {
    const { selector } = this.#options;
    const transport = this.#transport;
    this.#upgradeAttempts += 1;
    for (const spec of selector.better) {
      if (this.#upgradeAttempts < (this.#stalledUpgrades.get(spec)?.until ?? 0)) continue;
      const passes = !spec.probe || (await spec.probe(this.#options.joinParams()));
      if (transport !== this.#transport || !this.ready) return;
      if (!passes) continue;
      this.#openUpgrade(spec);
      return;
    }
    this.#scheduleUpgrade();
  }

  #openUpgrade(spec: TransportSpec): void {
    const transport: Transport = spec.open(this.#options.joinParams(), {
      onFrame: (data) => {
        if (transport === this.#transport) this.#onFrame(data);
        else if (transport === this.#upgrade?.transport && isWelcome(data)) this.#switchTo(transport, spec, data);
      },
      onTicket: (ticket) => {
        if (transport === this.#transport || transport === this.#upgrade?.transport) this.#options.onTicket(ticket);
      },
      onEnd: (code) => {
        if (transport === this.#transport) this.#onEnd(code);
        else if (transport === this.#upgrade?.transport) this.#onUpgradeFailed(code !== TOO_MANY_TABS);
      },
    });
    this.#upgrade = { transport, spec };
    this.#setTimer("upgrade-timeout", WELCOME_WITHIN, () => this.#onUpgradeFailed());
  }

  /** The better one works: it is the transport from now on. */
  #switchTo(transport: Transport, spec: TransportSpec, welcome: unknown): void {
    const { selector } = this.#options;
    const before = this.#transport;
    this.#clearTimers();
    this.#upgrade = null;
    this.#transport = transport;
    this.#proven = false;
    this.#fallback = selector.current;
    selector.select(spec);
    before?.drop();
    this.#onFrame(welcome);
  }

  /** The better one has taken the seat from the one that works, and has yet to bring its welcome. */
  #awaitUpgrade(): void {
    this.#transport = null;
    this.#welcomed = false;
    this.#clearTimers();
    this.#setTimer("upgrade-timeout", HANDOVER_WITHIN, () => this.#onUpgradeFailed());
  }

  /** The better one does not work after all. Whatever still does goes on; what it took the seat from is opened again. */
  #onUpgradeFailed(blamed = true): void {
    const spec = this.#upgrade?.spec;
    this.#dropUpgrade();
    if (spec && blamed) {
      const count = (this.#stalledUpgrades.get(spec)?.count ?? 0) + 1;
      this.#stalledUpgrades.set(spec, { count, until: this.#upgradeAttempts + 2 ** count });
    }
    if (this.#transport) this.#scheduleUpgrade();
    else this.#open();
  }

  #dropUpgrade(): void {
    const upgrade = this.#upgrade;
    this.#upgrade = null;
    this.#clearTimer("upgrade-timeout");
    upgrade?.transport.drop();
  }

  #finish(why: string, message: string): void {
    this.#transport = null;
    this.#welcomed = false;
    this.#proven = false;
    this.#fallback = null;
    this.#clearTimers();
    this.#tries = 0;
    this.#setState({ is: "ended", why, message });
  }

  #delay(): number {
    return backoff(this.#tries, this.#options.random);
  }

  #armPing(): void {
    this.#clearTimer("pong");
    this.#setTimer("ping", PING_AFTER, () => this.#ping());
  }

  #ping(): void {
    this.send({ type: "ping" });
    this.#clearTimer("ping");
    if (!this.#timers.has("pong"))
      this.#setTimer("pong", this.#options.selector.current.pongTimeout, () => this.#onLost());
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#options.onState(state);
  }

  #setTimer(name: string, ms: number, then: () => void): void {
    this.#clearTimer(name);
    const id = this.#options.timers.set(ms, () => {
      this.#timers.delete(name);
      then();
    });
    this.#timers.set(name, id);
  }

  #clearTimer(name: string): void {
    const id = this.#timers.get(name);
    if (id !== undefined) this.#options.timers.clear(id);
    this.#timers.delete(name);
  }

  #clearTimers(): void {
    for (const name of [...this.#timers.keys()]) this.#clearTimer(name);
  }
}

function isWelcome(data: unknown): boolean {
  try {
    return (typeof data === "string" ? parseFrame(data) : readFrame(data))?.type === "welcome";
  } catch {
    return false;
  }
}
