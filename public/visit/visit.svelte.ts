// One stay in one room: the link brings frames, the log keeps them, the seat
// remembers where to come back to.

import type { Tally } from "../link/carrier";
import { Ladder, prepareToFall, rungs } from "../link/ladder";
import { Link, type LinkState } from "../link/link";
import { due, emptyLog, type Event, type Log, nextTick, step } from "../log/log";
import { Tints } from "../log/tints";
import type { Chat, Inbound } from "../protocol/frames";
import type { Transport } from "../protocol/transport";
import { forgetSeat, loadSeat, loadTransport, saveSeat, saveTransport } from "../seat/seat";
import { Typing } from "./typing";

/** Timers may not be set further ahead than a signed 32-bit number of milliseconds. */
const FAR = 2_000_000_000;
const UNSEEN_DRAW = 200;
const REACHED_WITHIN = 5_000;

export type VisitOptions = {
  /** This transport and no other. */
  transport?: Transport | null;
  /** Where the tab remembers the seat, if a page has more than one in the room. */
  seat?: string;
  tally?: Tally;
  /** What others say, when it arrives and before it is drawn. */
  chat?: (chat: Chat) => void;
};

export class Visit {
  readonly room: string;
  readonly name: string;
  /** The log as it is drawn: it follows the real one a frame behind. */
  log: Log = $state.raw(emptyLog());
  link: LinkState = $state.raw({ is: "idle" });
  /** A welcome came at least once: there is a room to show. */
  entered = $state(false);
  storeTrouble = $state(false);
  /** What was written came faster than the server takes it: it goes out bit by bit. */
  tooFast = $state(false);
  /** The goodbye was said into a dead link: the seat waits out its grace. */
  unheard = $state(false);
  /** Not yet said: it outlives the view it is written in. */
  draft = $state("");
  readonly typing: Typing;
  readonly tints = new Tints();
  readonly #seat: string;
  readonly #with: VisitOptions;
  readonly #link: Link;
  #log: Log;
  #drawing = false;
  #ticket: string | null = null;
  #skew = 0;
  #timer = 0;
  #listening = new AbortController();

  constructor(room: string, name: string, options: VisitOptions = {}) {
    this.room = room;
    this.name = name;
    this.#with = options;
    this.#seat = options.seat ?? room;
    const { transport: forced = null, tally = null } = options;
    const seat = loadSeat(this.#seat);
    this.#ticket = seat?.ticket ?? null;
    this.#log = emptyLog(seat);
    this.#link = new Link({
      ladder: new Ladder(rungs(forced), loadTransport()),
      passage: () => ({ room, name, ticket: this.#ticket, cursor: this.#log.cursor, tally }),
      frame: (frame) => this.#heard(frame),
      ticket: (ticket) => (this.#ticket = ticket),
      reach: isReachable,
      state: (state) => this.#linked(state),
      clock: { set: (ms, then) => window.setTimeout(then, ms), clear: (id) => window.clearTimeout(id) },
      random: Math.random,
    });
    this.typing = new Typing((typing) => this.#link.send({ type: "typing", typing }));
    this.#watchWorld();
    this.#link.connect();
  }

  /** The server's time, as far as we know it. */
  now(): number {
    return Date.now() + this.#skew;
  }

  say(text: string): void {
    this.#step({ type: "say", text, now: this.now() });
    this.typing.sent();
    this.#remember();
  }

  retry(key: number): void {
    this.#step({ type: "retry", key, now: this.now() });
    this.#remember();
  }

  discard(key: number): void {
    this.#step({ type: "discard", key });
  }

  leave(): void {
    this.unheard = !this.#link.ready;
    this.#link.leave();
  }

  /** Tries at once: out of a delay, or after an end that the user wants undone. */
  reconnect(): void {
    if (this.#link.state.is === "ended") this.#link.connect();
    else this.#link.nudge();
  }

  /** Goes away without leaving: the seat waits out its grace. */
  stop(): void {
    this.#listening.abort();
    window.clearTimeout(this.#timer);
    this.#link.stop();
  }

  #heard(frame: Inbound): void {
    switch (frame.type) {
      case "welcome":
      case "reset": {
        this.#skew = frame.at - Date.now();
        this.#ticket = frame.ticket;
        this.#step({ type: "snapshot", snapshot: frame });
        this.log = this.#log;
        if (!this.entered) prepareToFall();
        this.entered = true;
        this.storeTrouble = false;
        this.#remember();
        break;
      }
      case "chat":
        this.#with.chat?.(frame);
        this.#step({ type: "chat", chat: frame });
        break;
      case "ack":
        this.#step(frame);
        break;
      case "joined": {
        const { clientId, user, joinedAt } = frame;
        this.#step({ type: "joined", member: { clientId, user, joinedAt }, now: this.now() });
        break;
      }
      case "left":
      case "typing":
        this.#step({ ...frame, now: this.now() });
        break;
      case "error":
        if (frame.n !== null) {
          this.tooFast ||= frame.code === "rate_limited";
          this.#step({ type: "refused", n: frame.n, code: frame.code, retryAfter: frame.retryAfter, now: this.now() });
        }
        break;
      case "status":
        this.storeTrouble = frame.code === "store_unavailable";
        break;
      case "pong":
      case "closing":
        break;
    }
  }

  #linked(state: LinkState): void {
    this.link = state;
    if (state.is === "open" && !this.#with.transport) saveTransport(state.by);
    if (state.is === "open") this.#step({ type: "link", up: true, now: this.now() });
    if (state.is === "waiting" && this.entered) this.#step({ type: "link", up: false, now: this.now() });
    if (state.is === "ended" && state.why === "left") {
      this.#ticket = null;
      forgetSeat(this.#seat);
    }
  }

  #step(event: Event): void {
    this.#log = step(this.#log, event);
    this.#draw();
    this.#carry();
    window.clearTimeout(this.#timer);
    const next = nextTick(this.#log);
    if (next === null || this.#listening.signal.aborted) return;
    const wait = Math.min(Math.max(next - this.now(), 0) + 1, FAR);
    this.#timer = window.setTimeout(() => this.#step({ type: "tick", now: this.now() }), wait);
  }

  #carry(): void {
    const line = due(this.#log);
    if (line && this.#link.send({ type: "chat", text: line.text, n: line.n })) this.#log = step(this.#log, { type: "carry" });
    if (this.tooFast && !this.#log.outgoing.some((o) => o.state === "pending")) this.tooFast = false;
  }

  /** A busy room changes more often than a screen can show. */
  #draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    const draw = () => {
      this.#drawing = false;
      this.log = this.#log;
    };
    // A page out of sight gets no frames, but its title still counts.
    if (document.hidden) window.setTimeout(draw, UNSEEN_DRAW);
    else requestAnimationFrame(draw);
  }

  #remember(): void {
    const { me, lastN, former } = this.#log;
    if (me && this.#ticket !== null) saveSeat(this.#seat, { ...me, ticket: this.#ticket, lastN, former });
  }

  #watchWorld(): void {
    const { signal } = this.#listening;
    const attend = () => this.#step({ type: "attention", here: !document.hidden });
    addEventListener("online", () => this.#link.nudge(), { signal });
    addEventListener("pageshow", (event) => event.persisted && this.#link.nudge(), { signal });
    document.addEventListener(
      "visibilitychange",
      () => {
        attend();
        if (!document.hidden) this.#link.nudge();
      },
      { signal },
    );
    attend();
  }
}

/** An answer of the server itself, and not of something in between. */
async function isReachable(): Promise<boolean> {
  const late = new AbortController();
  const timer = window.setTimeout(() => late.abort(), REACHED_WITHIN);
  try {
    const response = await fetch("/healthz", { cache: "no-store", signal: late.signal });
    return response.ok && (await response.text()) === "ok\n";
  } catch {
    return false;
  } finally {
    window.clearTimeout(timer);
  }
}
