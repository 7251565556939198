// One stay in one room: the link brings frames, the log keeps them, the seat
// remembers where to come back to.

import { Link, type LinkState } from "../link/link";
import { openSocket } from "../link/ws";
import { emptyLog, type Event, type Log, nextTick, step } from "../log/log";
import { Tints } from "../log/tints";
import type { Inbound } from "../protocol/frames";
import { type Pass, PassRefused } from "../protocol/pass";
import { opened, unopened } from "../seal/frames";
import { Seal, type Secret } from "../seal/seal";
import { forgetSeat, loadSeat, saveSeat } from "../seat/seat";
import { Typing } from "./typing";

/** Timers may not be set further ahead than a signed 32-bit number of milliseconds. */
const FAR = 2_000_000_000;
const UNSEEN_DRAW = 200;

export class Visit {
  readonly room: string;
  readonly name: string;
  /** What locks the words and pictures of this room; null where the link had none. */
  readonly secret: Secret | null;
  /** The keys that come of it. */
  readonly seal: Promise<Seal> | null;
  /** This browser cannot lock anything: nothing is sent. */
  sealTrouble = $state(false);
  /** The log as it is drawn: it follows the real one a frame behind. */
  log: Log = $state.raw(emptyLog());
  link: LinkState = $state.raw({ is: "idle" });
  /** A welcome came at least once: there is a room to show. */
  entered = $state(false);
  storeTrouble = $state(false);
  /** The video server cannot be asked who is in the call. */
  videoTrouble = $state(false);
  /** The goodbye was said into a dead link: the seat waits out its grace. */
  unheard = $state(false);
  /** Not yet said: it outlives the view it is written in. */
  draft = $state("");
  readonly typing: Typing;
  readonly tints = new Tints();
  readonly #link: Link;
  #log: Log;
  #drawing = false;
  #ticket: string | null = null;
  #skew = 0;
  #timer = 0;
  #listening = new AbortController();
  /** Opening and locking take a moment each; these keep the order. */
  #opening: Promise<void> = Promise.resolve();
  #locking: Promise<void> = Promise.resolve();

  constructor(room: string, name: string, secret: Secret | null) {
    this.room = room;
    this.name = name;
    this.secret = secret;
    this.seal = secret === null ? null : Seal.of(secret, room);
    this.seal?.catch(() => (this.sealTrouble = true));
    const seat = loadSeat(room);
    this.#ticket = seat?.ticket ?? null;
    this.#log = emptyLog(seat);
    this.#link = new Link({
      open: openSocket,
      passage: () => ({ room, name, ticket: this.#ticket, cursor: this.#log.cursor }),
      frame: (frame) => this.#arrived(frame),
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
    const carried = this.#link.state.is === "open";
    this.#step({ type: "say", text, carried, now: this.now() });
    const line = this.#log.outgoing.at(-1);
    if (carried && line) this.#carry(line.n, text);
    this.typing.sent();
    this.#remember();
  }

  retry(key: number): void {
    const carried = this.#link.state.is === "open";
    this.#step({ type: "retry", key, carried, now: this.now() });
    const line = this.#log.outgoing.find((o) => o.key === key);
    if (carried && line) this.#carry(line.n, line.text);
    this.#remember();
  }

  discard(key: number): void {
    this.#step({ type: "discard", key });
  }

  /** What opens the video call; the ticket proves whose it is. */
  async pass(): Promise<Pass> {
    const address = `/api/rooms/${encodeURIComponent(this.room)}/livekit-token`;
    const answer = await fetch(address, { method: "POST", headers: { authorization: `Bearer ${this.#ticket ?? ""}` } });
    const body: unknown = await answer.json();
    const { token, livekitUrl, code } = body as Partial<Record<string, unknown>>;
    if (answer.ok && typeof token === "string" && typeof livekitUrl === "string") return { token, livekitUrl };
    throw new PassRefused(typeof code === "string" ? code : "unknown");
  }

  leave(): void {
    this.unheard = this.#link.state.is !== "open";
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

  /** Puts words on their way, locked if this room has a key. */
  #carry(n: number, text: string): void {
    const from = this.#log.me?.clientId;
    const { seal } = this;
    if (!seal || from === undefined) {
      this.#link.send({ type: "chat", text, n });
      return;
    }
    const lock = async () => {
      const locked = await (await seal).lock(text, from);
      // Bound to the seat it was locked for: under another one it is locked anew.
      if (this.#log.me?.clientId === from && this.#link.state.is === "open") this.#link.send({ type: "chat", text: locked, n });
    };
    this.#locking = this.#locking.then(lock).catch(() => {});
  }

  #arrived(frame: Inbound): void {
    if (!this.seal) return this.#heard(unopened(frame));
    const seal = this.seal;
    const open = async () => {
      const read = await seal.then((seal) => opened(frame, seal), () => unopened(frame));
      if (!this.#listening.signal.aborted) this.#heard(read);
    };
    this.#opening = this.#opening.then(open);
  }

  #heard(frame: Inbound): void {
    switch (frame.type) {
      case "welcome":
      case "reset": {
        this.#skew = frame.at - Date.now();
        this.#ticket = frame.ticket;
        this.#step({ type: "snapshot", snapshot: frame });
        this.log = this.#log;
        this.entered = true;
        this.storeTrouble = false;
        for (const o of this.#log.outgoing) {
          if (o.state === "pending") this.#carry(o.n, o.text);
        }
        this.#remember();
        break;
      }
      case "chat":
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
      case "call":
        this.#step(frame);
        break;
      case "left":
      case "typing":
        this.#step({ ...frame, now: this.now() });
        break;
      case "error":
        if (frame.n !== null) {
          this.#step({ type: "refused", n: frame.n, code: frame.code, retryAfter: frame.retryAfter, now: this.now() });
        }
        break;
      case "status":
        if (frame.code.startsWith("store_")) this.storeTrouble = frame.code === "store_unavailable";
        if (frame.code.startsWith("video_")) this.videoTrouble = frame.code === "video_unavailable";
        break;
      case "pong":
      case "closing":
        break;
    }
  }

  #linked(state: LinkState): void {
    this.link = state;
    if (state.is === "open") this.#step({ type: "link", up: true, now: this.now() });
    if (state.is === "waiting" && this.entered) this.#step({ type: "link", up: false, now: this.now() });
    if (state.is === "ended" && state.why === "left") {
      this.#ticket = null;
      forgetSeat(this.room);
    }
  }

  #step(event: Event): void {
    this.#log = step(this.#log, event);
    this.#draw();
    window.clearTimeout(this.#timer);
    const next = nextTick(this.#log);
    if (next === null || this.#listening.signal.aborted) return;
    const wait = Math.min(Math.max(next - this.now(), 0) + 1, FAR);
    this.#timer = window.setTimeout(() => this.#step({ type: "tick", now: this.now() }), wait);
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
    if (me && this.#ticket !== null) saveSeat(this.room, { ...me, ticket: this.#ticket, lastN, former });
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
