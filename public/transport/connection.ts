// Keeps one room connected: opens a transport, detects a dead one, reconnects with backoff or by another transport,
// and reports when it gives up.

import { CONNECTION_LOST, closeMeaning } from "../protocol/close";
import { BadFrame, type Inbound, type Outbound, parseFrame, readFrame } from "../protocol/frames";
import type { TransportName } from "../protocol/transport-name";
import { backoff } from "./backoff";
import { type Transport, TOO_MANY_TABS, type JoinParams, type TransportSpec } from "./transport";
import type { TransportSelector } from "./selector";
import { sendUnload } from "./unload";

export type ConnectionState =
  | { is: "idle" }
  | { is: "connecting"; tries: number }
  /** `tooManyTabs`: other tabs hold so many connections that only short polls are left. */
  | { is: "open"; transport: TransportName; tooManyTabs?: true }
  | { is: "waiting"; tries: number; why: string }
  /** Over, until the user asks to reconnect. */
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
  /** Whether the server answers the simplest request. */
  isReachable: () => Promise<boolean>;
  timers: Timers;
  random: () => number;
};

/** After this long without a frame a ping is sent; without any answer the transport is dropped. */
export const PING_AFTER = 25_000;
/** A transport without a welcome after this long is dropped; shorter than the usual grace. */
export const WELCOME_TIMEOUT = 8_000;
/** A full room empties slowly: members have to leave. */
export const FULL_ROOM_DELAY = 10_000;
/** After this long the retry delay starts over. */
export const SETTLED_AFTER = 10_000;
/** After this long a transport is proven: longer than a long poll, which a proxy may cut short. */
export const PROVEN_AFTER = 25_000;
/** After a fallback the better transports are tried again after this delay, which doubles each time. */
export const UPGRADE_AFTER = 30_000;
const UPGRADE_DELAY_MAX = 15 * 60_000;
/**
 * A better transport that took the seat and brings no welcome is dropped after this long: meanwhile no frame arrives.
 */
export const HANDOVER_TIMEOUT = 3_000;
/** A request of the dropped transport may still arrive this late, and take the seat back. */
const LATE_REQUEST_WINDOW = 5_000;

export class Connection {
  #state: ConnectionState = { is: "idle" };
  #transport: Transport | null = null;
  /** The transport brought its welcome. */
  #welcomed = false;
  /** It has lasted for PROVEN_AFTER. */
  #proven = false;
  #tries = 0;
  #upgradeAttempts = 0;
  /** The transport before the upgrade, until the better one is proven. */
  #fallback: TransportSpec | null = null;
  /** A better transport that is being tried, while the present one works. */
  #upgrade: { transport: Transport; spec: TransportSpec } | null = null;
  /** How often an upgrade stalled, and from which attempt on it is tried again. */
  readonly #stalledUpgrades = new Map<TransportSpec, { count: number; until: number }>();
  #tooManyTabs = false;
  #timers = new Map<string, number>();
  /** The server's last error or closing frame. */
  #lastError: { code: string; message: string; retryAfter: number | null } | null = null;
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** A transport is open and has its welcome. */
  get ready(): boolean {
    return this.#welcomed && this.#transport !== null;
  }

  connect(): void {
    if (this.#state.is === "connecting" || this.#state.is === "open") return;
    this.#setState({ is: "connecting", tries: this.#tries });
    this.#open();
  }

  /** False when no transport can take it now. */
  send(frame: Outbound): boolean {
    if (!this.ready) return false;
    this.#transport?.send(frame);
    return true;
  }

  /** The network or the user came back: skip the delay, and ping to test a silence. */
  checkNow(): void {
    if (this.#state.is === "waiting") {
      this.#tries = 0;
      this.connect();
    } else if (this.#state.is === "open" && this.#welcomed) {
      this.#ping();
    }
  }

  /**
   * The page enters the back/forward cache: the transport is dropped without a leave. An ended connection stays ended.
   */
  suspend(): void {
    if (this.#state.is !== "ended") this.stop();
  }

  /**
   * The page may unload. Firefox drops about half of a closing tab's requests of `pagehide`, but none of `beforeunload`;
   * a socket needs neither, because the browser closes it with 1001.
   */
  beforeUnload(): void {
    if (this.#state.is === "open" && this.#state.transport !== "ws") this.unload();
  }

  /** The page unloads: the server holds the seat for the shorter reload grace. The browser closes the transport. */
  unload(): void {
    const { room, ticket } = this.#options.joinParams();
    if (ticket !== null && this.#state.is !== "idle" && this.#state.is !== "ended") sendUnload(room, ticket);
  }

  /** The page is shown again. */
  wake(): void {
    if (this.#state.is === "idle") this.connect();
    else this.checkNow();
  }

  /** Leaves and ends at once. Resolves to true once the server has freed the seat, to false when it will not. */
  leave(): Promise<boolean> {
    this.#dropUpgrade();
    const heard = this.#transport?.leave() ?? Promise.resolve(false);
    this.#finish("left", "");
    return heard;
  }

  /** Disconnects without leaving. */
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
    this.#setTimer("welcome", WELCOME_TIMEOUT, () => this.#onLost(true));
  }

  /** Closes the transport without leaving. */
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
      // Going on would leave a hole in the log; a reconnect fills it.
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
    // Nothing is sent before the welcome tells the seat.
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
    if (this.#upgrade && closeMeaning(code).retry === "if-asked") return this.#awaitUpgrade();
    if (code === TOO_MANY_TABS) return this.#yieldConnection();
    const lateRequest = this.#timers.has("late-request") && closeMeaning(code).retry === "if-asked";
    const { why, retry } = closeMeaning(lateRequest ? CONNECTION_LOST : code, this.#lastError?.code);
    const fallback = this.#fallback;
    const suspect = why === "lost" && !this.#proven && !lateRequest;
    this.#dropTransport();
    this.#clearTimers();
    this.#fallback = null;
    if (fallback && suspect) {
      // The upgrade does not get through: try the next one, down to the one that worked. The state stays "open".
      selector.fallBack();
      if (selector.current !== fallback) this.#fallback = fallback;
      this.#open();
      return;
    }
    const error = this.#lastError;
    switch (retry) {
      case "never":
      case "if-asked":
        this.#finish(error?.code ?? why, error?.message ?? "");
        break;
      case "now":
        // At once the first time, then with backoff.
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

  /** Leaves connections to the other tabs, and falls back. */
  #yieldConnection(): void {
    this.#dropTransport();
    this.#tooManyTabs = true;
    this.#options.selector.fallBack();
    this.#open();
  }

  #onLost(silent = false): void {
    this.#onEnd(CONNECTION_LOST, silent);
  }

  #setWaiting(why: string): ConnectionState {
    // On another network, transports that failed before may work.
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
   * Transport or server? A transport is abandoned after two early breaks with the server reachable, or when its
   * welcome never comes.
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

  /** Tries the better transports, the best first. The present one stays until the better one has its welcome. */
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
    this.#setTimer("upgrade-timeout", WELCOME_TIMEOUT, () => this.#onUpgradeFailed());
  }

  /** The better transport works: it replaces the present one. */
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

  /** The better transport has taken the seat, and has not brought its welcome yet. */
  #awaitUpgrade(): void {
    this.#transport = null;
    this.#welcomed = false;
    this.#clearTimers();
    this.#setTimer("upgrade-timeout", HANDOVER_TIMEOUT, () => this.#onUpgradeFailed());
  }

  /** The upgrade failed. The present transport goes on; one that lost its seat is opened again. */
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
