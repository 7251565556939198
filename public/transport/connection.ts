// Keeps one room connected: opens a transport, detects a dead one, reconnects with backoff or by another transport,
// and reports when it gives up.

import { CONNECTION_LOST, closeMeaning } from "../protocol/close";
import { BadFrame, type Inbound, type Outbound, parseFrame, readFrame } from "../protocol/frames";
import { backoff } from "./backoff";
import type { ConnectionOptions } from "./connection-options";
import type { ConnectionState } from "./connection-state";
import { Heartbeat } from "./heartbeat";
import { NamedTimers } from "./named-timers";
import { type Transport, TOO_MANY_TABS, type TransportSpec } from "./transport";
import { sendUnload } from "./unload";
import { UpgradeSchedule } from "./upgrade-schedule";

/** A transport without a welcome after this long is dropped; shorter than the usual grace. */
export const WELCOME_TIMEOUT = 8_000;
/** A full room empties slowly: members have to leave. */
export const FULL_ROOM_DELAY = 10_000;
/** A host that does not answer a knock has so long; then the server refuses it. */
export const KNOCK_TIMEOUT = 660_000;
/** After this long the retry delay starts over. */
export const SETTLED_AFTER = 10_000;
/** After this long a transport is proven: longer than a long poll, which a proxy may cut short. */
export const PROVEN_AFTER = 25_000;
/**
 * A better transport that took the seat and brings no welcome is dropped after this long: meanwhile no frame arrives.
 */
export const HANDOVER_TIMEOUT = 3_000;
/** A request of the dropped transport may still arrive this late, and take the seat back. */
const LATE_REQUEST_WINDOW = 5_000;

export class Connection {
  #state: ConnectionState = { is: "idle" };
  #transport: Transport | null = null;
  /** It was told to leave: a receipt may still come. */
  #leaving: Transport | null = null;
  /** The transport brought its welcome. */
  #welcomed = false;
  /** It has lasted for PROVEN_AFTER. */
  #proven = false;
  #tries = 0;
  /** The transport before the upgrade, until the better one is proven. */
  #fallback: TransportSpec | null = null;
  /** A better transport that is being tried, while the present one works. */
  #upgrade: { transport: Transport; spec: TransportSpec } | null = null;
  readonly #upgrades: UpgradeSchedule;
  #tooManyTabs = false;
  readonly #timers: NamedTimers;
  readonly #heartbeat: Heartbeat;
  /** The server's last error or closing frame. */
  #lastError: { code: string; message: string; retryAfter: number | null } | null = null;
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#timers = new NamedTimers(options.timers);
    this.#upgrades = new UpgradeSchedule(options.random);
    this.#heartbeat = new Heartbeat(this.#timers, {
      ping: () => this.send({ type: "ping" }),
      pongTimeout: () => options.selector.current.pongTimeout,
      onSilent: () => this.#onLost(),
    });
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
      this.#heartbeat.ping();
    }
  }

  /**
   * The page enters the back/forward cache: the transport is dropped without a leave. An ended connection stays ended.
   */
  suspend(): void {
    if (this.#state.is !== "ended") this.stop();
  }

  /**
   * The page may unload. Firefox drops some of a closing tab's requests of `pagehide`, but none of `beforeunload`;
   * a socket needs neither, because the browser closes it with 1001. A page on a stream or polls that goes into the
   * back/forward cache is held for the reload grace, for that is not known yet.
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
    this.#leaving = this.#transport;
    const heard = this.#transport?.leave() ?? Promise.resolve(false);
    this.#finish("left", "");
    return heard;
  }

  /** Disconnects without leaving. */
  stop(): void {
    this.#timers.clearAll();
    this.#dropTransport();
    this.#setState({ is: "idle" });
  }

  #open(): void {
    this.#timers.clearAll();
    this.#lastError = null;
    this.#transport = this.#start(this.#options.selector.current);
    this.#timers.set("welcome", WELCOME_TIMEOUT, () => this.#onLost(true));
  }

  /** The present transport, or a better one that is tried. */
  #start(spec: TransportSpec): Transport {
    const isUpgrade = () => transport === this.#upgrade?.transport;
    const transport: Transport = spec.open(this.#options.joinParams(), {
      onFrame: (data) => {
        if (transport === this.#transport) this.#onFrame(data);
        else if (isUpgrade() && isOf("welcome", data)) this.#switchTo(transport, spec, data);
        else if (transport === this.#leaving && isOf("receipt", data)) this.#onFrame(data);
      },
      onTicket: (ticket) => {
        if (transport === this.#transport || isUpgrade()) this.#options.onTicket(ticket);
      },
      onEnd: (code) => {
        if (transport === this.#transport) this.#onEnd(code);
        else if (isUpgrade()) this.#onUpgradeFailed(code !== TOO_MANY_TABS);
      },
    });
    return transport;
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
      frame = read(data);
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      // Going on would leave a hole in the log; a reconnect fills it.
      console.error(error);
      this.#onLost();
      return;
    }
    if (this.#welcomed) this.#heartbeat.heard();
    if (!frame) return;
    if (frame.type === "closing" || (frame.type === "error" && !this.#welcomed)) {
      this.#lastError = { code: frame.code, message: frame.message, retryAfter: frame.retryAfter };
    }
    this.#options.onFrame(frame);
    if (frame.type === "knocking") this.#timers.set("welcome", KNOCK_TIMEOUT, () => this.#onLost());
    // Nothing is sent before the welcome tells the seat.
    if (frame.type === "welcome") this.#welcome();
  }

  #welcome(): void {
    const { selector } = this.#options;
    this.#timers.clear("welcome");
    this.#welcomed = true;
    if (this.#fallback) this.#timers.set("late-request", LATE_REQUEST_WINDOW, () => {});
    this.#heartbeat.heard();
    this.#timers.set("settled", SETTLED_AFTER, () => (this.#tries = 0));
    this.#timers.set("proven", PROVEN_AFTER, () => this.#markProven());
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
    if (this.#fallback) this.#upgrades.restart();
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
    this.#timers.clearAll();
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
    if (this.#state.is === "open") this.#upgrades.reset();
    this.#tries += 1;
    const waiting: ConnectionState = { is: "waiting", tries: this.#tries, why };
    this.#setState(waiting);
    return waiting;
  }

  #retry(delay: number, why: string): void {
    this.#setWaiting(why);
    this.#timers.set("retry", delay, () => this.connect());
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
      return this.#timers.set("retry", 0, () => this.connect());
    }
    void isReachable().then((there) => {
      if (this.#state !== waiting) return;
      if (there && silent) selector.fallBack();
      else if (there) selector.suspect();
      this.#timers.set("retry", there && silent ? 0 : delay, () => this.connect());
    });
  }

  #scheduleUpgrade(): void {
    this.#timers.set("upgrade", this.#upgrades.delay(), () => void this.#tryUpgrade());
  }

  /** Tries the better transports, the best first. The present one stays until the better one has its welcome. */
  async #tryUpgrade(): Promise<void> {
    const { selector } = this.#options;
    const transport = this.#transport;
    this.#upgrades.startAttempt();
    for (const spec of selector.better) {
      if (!this.#upgrades.isDue(spec)) continue;
      const passes = !spec.probe || (await spec.probe(this.#options.joinParams()));
      if (transport !== this.#transport || !this.ready) return;
      if (!passes) continue;
      this.#openUpgrade(spec);
      return;
    }
    this.#scheduleUpgrade();
  }

  #openUpgrade(spec: TransportSpec): void {
    this.#upgrade = { transport: this.#start(spec), spec };
    this.#timers.set("upgrade-timeout", WELCOME_TIMEOUT, () => this.#onUpgradeFailed());
  }

  /** The better transport works: it replaces the present one. */
  #switchTo(transport: Transport, spec: TransportSpec, welcome: unknown): void {
    const { selector } = this.#options;
    const before = this.#transport;
    this.#timers.clearAll();
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
    this.#timers.clearAll();
    this.#timers.set("upgrade-timeout", HANDOVER_TIMEOUT, () => this.#onUpgradeFailed());
  }

  /** The upgrade failed. The present transport goes on; one that lost its seat is opened again. */
  #onUpgradeFailed(blamed = true): void {
    const spec = this.#upgrade?.spec;
    this.#dropUpgrade();
    if (spec && blamed) this.#upgrades.postpone(spec);
    if (this.#transport) this.#scheduleUpgrade();
    else this.#open();
  }

  #dropUpgrade(): void {
    const upgrade = this.#upgrade;
    this.#upgrade = null;
    this.#timers.clear("upgrade-timeout");
    upgrade?.transport.drop();
  }

  #finish(why: string, message: string): void {
    this.#transport = null;
    this.#welcomed = false;
    this.#proven = false;
    this.#fallback = null;
    this.#timers.clearAll();
    this.#tries = 0;
    this.#setState({ is: "ended", why, message });
  }

  #delay(): number {
    return backoff(this.#tries, this.#options.random);
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

function read(data: unknown): Inbound | null {
  return typeof data === "string" ? parseFrame(data) : readFrame(data);
}

function isOf(type: Inbound["type"], data: unknown): boolean {
  try {
    return read(data)?.type === type;
  } catch {
    return false;
  }
}
