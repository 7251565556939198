// Keeps one room followed: opens a carrier, notices when it is dead, comes
// back when that is sensible, by another transport when this one does not get
// through, and says plainly when it is not.

import { BROKEN, ending } from "../protocol/close";
import { BadFrame, type Inbound, type Outbound, parseFrame, readFrame } from "../protocol/frames";
import type { Transport } from "../protocol/transport";
import { backoff } from "./backoff";
import { type Carrier, CROWDED, type Passage, type Rung } from "./carrier";
import type { Ladder } from "./ladder";
import { sayUnload } from "./unload";

export type LinkState =
  | { is: "idle" }
  | { is: "connecting"; tries: number }
  /** `crowded` where other tabs hold so many connections that nothing better is left. */
  | { is: "open"; by: Transport; crowded?: true }
  | { is: "waiting"; tries: number; why: string }
  /** Over, until somebody asks to connect again. */
  | { is: "ended"; why: string; message: string };

export type Clock = {
  set(ms: number, then: () => void): number;
  clear(id: number): void;
};

export type LinkOptions = {
  ladder: Ladder;
  passage: () => Passage;
  frame: (frame: Inbound) => void;
  ticket: (ticket: string) => void;
  state: (state: LinkState) => void;
  /** Whether the server answers at all, by the plainest request there is. */
  reach: () => Promise<boolean>;
  clock: Clock;
  random: () => number;
};

/** A quiet line is asked after this long, and given up when nothing at all came while it had to answer. */
export const PING_AFTER = 25_000;
/** A carrier that brings no welcome in this time is not going to; shorter than the usual grace. */
export const WELCOME_WITHIN = 8_000;
/** A full room empties at the pace of people, not of networks. */
export const LATER = 10_000;
/** A link that lasted this long was a good one: the next loss starts over. */
export const SETTLED_AFTER = 10_000;
/** …and one that lasted this long gets through: longer than a long poll, which a proxy may cut short. */
export const PROVEN_AFTER = 25_000;
/** Whoever had to take a lesser transport tries the better ones again after this long, and then more and more rarely. */
export const CLIMB_AFTER = 30_000;
const CLIMB_CAP = 15 * 60_000;
/** A better transport that has taken the seat and brings no welcome gives it back after this long: until then nothing is heard. */
export const HANDOVER_WITHIN = 3_000;
/** So long a request of the transport just given up may still be on its way, and take the seat back from us. */
const ECHO_FOR = 5_000;

export class Link {
  #state: LinkState = { is: "idle" };
  #carrier: Carrier | null = null;
  /** The carrier brought its welcome. */
  #welcomed = false;
  /** It has lasted since. */
  #proven = false;
  #tries = 0;
  #climbs = 0;
  /** Where it stood before it tried a better transport, until that one has proved itself. */
  #foothold: Rung | null = null;
  /** A better transport that is being tried, beside the one that works. */
  #rival: { carrier: Carrier; rung: Rung } | null = null;
  /** How often a transport took the seat and stalled, and from which climb on it is tried again. */
  readonly #stalls = new Map<Rung, { count: number; until: number }>();
  #crowded = false;
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

  /** Somebody is there to carry a frame now. */
  get ready(): boolean {
    return this.#welcomed && this.#carrier !== null;
  }

  connect(): void {
    if (this.#state.is === "connecting" || this.#state.is === "open") return;
    this.#become({ is: "connecting", tries: this.#tries });
    this.#open();
  }

  /** False when there is nobody to carry it now. */
  send(frame: Outbound): boolean {
    if (!this.ready) return false;
    this.#carrier?.send(frame);
    return true;
  }

  /** The network or the user came back: do not sit out a delay, do not trust a silence. */
  nudge(): void {
    if (this.#state.is === "waiting") {
      this.#tries = 0;
      this.connect();
    } else if (this.#state.is === "open" && this.#welcomed) {
      this.#ping();
    }
  }

  /** The page goes to sleep: the carrier is put down without a goodbye. An end stays an end. */
  rest(): void {
    if (this.#state.is !== "ended") this.stop();
  }

  /** The page unloads: the server waits a shorter time for its seat. The browser puts the carrier down by itself. */
  unload(): void {
    const { room, ticket } = this.#with.passage();
    if (ticket !== null && this.#state.is !== "idle" && this.#state.is !== "ended") sayUnload(room, ticket);
  }

  /** It is there again. */
  wake(): void {
    if (this.#state.is === "idle") this.connect();
    else this.nudge();
  }

  /** Says goodbye and is over at once. True once the server has freed the seat, false when it is not going to. */
  leave(): Promise<boolean> {
    this.#dropRival();
    const heard = this.#carrier?.leave() ?? Promise.resolve(false);
    this.#finish("left", "");
    return heard;
  }

  /** Stops following without giving the seat up. */
  stop(): void {
    this.#clear();
    this.#put();
    this.#become({ is: "idle" });
  }

  #open(): void {
    this.#clear();
    this.#lastWord = null;
    const carrier: Carrier = this.#with.ladder.rung.open(this.#with.passage(), {
      frame: (data) => {
        if (carrier === this.#carrier) this.#heard(data);
      },
      ticket: (ticket) => {
        if (carrier === this.#carrier) this.#with.ticket(ticket);
      },
      end: (code) => {
        if (carrier === this.#carrier) this.#ended(code);
      },
    });
    this.#carrier = carrier;
    this.#after("welcome", WELCOME_WITHIN, () => this.#lose(true));
  }

  /** Puts the carrier down without giving the seat up. */
  #put(): void {
    this.#dropRival();
    const carrier = this.#carrier;
    this.#carrier = null;
    this.#welcomed = false;
    this.#proven = false;
    carrier?.drop();
  }

  #heard(data: unknown): void {
    let frame: Inbound | null;
    try {
      frame = typeof data === "string" ? parseFrame(data) : readFrame(data);
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      // Going on would hide a hole in the log; coming back heals it.
      console.error(error);
      this.#lose();
      return;
    }
    if (this.#welcomed) this.#listen();
    if (!frame) return;
    if (frame.type === "closing" || (frame.type === "error" && !this.#welcomed)) {
      this.#lastWord = { code: frame.code, message: frame.message, retryAfter: frame.retryAfter };
    }
    this.#with.frame(frame);
    // Nothing is sent before it is known from which seat.
    if (frame.type === "welcome") this.#welcome();
  }

  #welcome(): void {
    const { ladder } = this.#with;
    this.#cancel("welcome");
    this.#welcomed = true;
    if (this.#foothold) this.#after("echo", ECHO_FOR, () => {});
    this.#listen();
    this.#after("settled", SETTLED_AFTER, () => (this.#tries = 0));
    this.#after("proven", PROVEN_AFTER, () => this.#prove());
    if (ladder.above.length > 0) this.#planClimb();
    this.#crowded &&= ladder.rung === ladder.lowest;
    this.#become({ is: "open", by: ladder.rung.transport, ...(this.#crowded ? { crowded: true } : {}) });
  }

  #prove(): void {
    this.#proven = true;
    this.#with.ladder.holds();
    if (this.#foothold) this.#climbs = 0;
    this.#foothold = null;
  }

  #ended(code: number, silent = false): void {
    const { ladder } = this.#with;
    if (this.#rival && ending(code).come === "ask") return this.#await();
    if (code === CROWDED) return this.#makeRoom();
    const echo = this.#timers.has("echo") && ending(code).come === "ask";
    const { why, come } = ending(echo ? BROKEN : code, this.#lastWord?.code);
    const foothold = this.#foothold;
    const suspect = why === "lost" && !this.#proven && !echo;
    this.#put();
    this.#clear();
    this.#foothold = null;
    if (foothold && suspect) {
      // It does not get through after all: the next one, down to where we stood. Nobody needs to know.
      ladder.down();
      if (ladder.rung !== foothold) this.#foothold = foothold;
      this.#open();
      return;
    }
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
        if (suspect && !ladder.single) this.#doubt(this.#delay(), why, silent);
        else this.#retry((word?.retryAfter ?? 0) + this.#delay(), why);
    }
  }

  /** What holds a connection is left to the other tabs. */
  #makeRoom(): void {
    this.#put();
    this.#crowded = true;
    this.#with.ladder.down();
    this.#open();
  }

  #lose(silent = false): void {
    this.#ended(BROKEN, silent);
  }

  #wait(why: string): LinkState {
    // Where the network has changed, what did not get through before may do so now.
    if (this.#state.is === "open") {
      this.#climbs = 0;
      this.#stalls.clear();
    }
    this.#tries += 1;
    const waiting: LinkState = { is: "waiting", tries: this.#tries, why };
    this.#become(waiting);
    return waiting;
  }

  #retry(delay: number, why: string): void {
    this.#wait(why);
    this.#after("retry", delay, () => this.connect());
  }

  /**
   * Is it the transport that does not get through, or is the server away? Only
   * what breaks twice while the server can be reached, or swallows its welcome,
   * is left for the next one.
   */
  #doubt(delay: number, why: string, silent: boolean): void {
    const { ladder, reach } = this.#with;
    const waiting = this.#wait(why);
    if (ladder.suspected) {
      ladder.down();
      return this.#after("retry", 0, () => this.connect());
    }
    void reach().then((there) => {
      if (this.#state !== waiting) return;
      if (there && silent) ladder.down();
      else if (there) ladder.suspect();
      this.#after("retry", there && silent ? 0 : delay, () => this.connect());
    });
  }

  #planClimb(): void {
    const delay = Math.min(CLIMB_AFTER * 2 ** this.#climbs, CLIMB_CAP);
    this.#after("climb", delay * (0.75 + this.#with.random() / 2), () => void this.#climb());
  }

  /** Tries what would be better, the best first. The carrier that works is kept until the better one has its welcome. */
  async #climb(): Promise<void> {
    const { ladder } = this.#with;
    const carrier = this.#carrier;
    this.#climbs += 1;
    for (const rung of ladder.above) {
      if (this.#climbs < (this.#stalls.get(rung)?.until ?? 0)) continue;
      const passes = !rung.probe || (await rung.probe(this.#with.passage()));
      if (carrier !== this.#carrier || !this.ready) return;
      if (!passes) continue;
      this.#try(rung);
      return;
    }
    this.#planClimb();
  }

  #try(rung: Rung): void {
    const carrier: Carrier = rung.open(this.#with.passage(), {
      frame: (data) => {
        if (carrier === this.#carrier) this.#heard(data);
        else if (carrier === this.#rival?.carrier && isWelcome(data)) this.#adopt(carrier, rung, data);
      },
      ticket: (ticket) => {
        if (carrier === this.#carrier || carrier === this.#rival?.carrier) this.#with.ticket(ticket);
      },
      end: (code) => {
        if (carrier === this.#carrier) this.#ended(code);
        else if (carrier === this.#rival?.carrier) this.#stalled(code !== CROWDED);
      },
    });
    this.#rival = { carrier, rung };
    this.#after("rival", WELCOME_WITHIN, () => this.#stalled());
  }

  /** The better one works: it is the carrier from now on. */
  #adopt(carrier: Carrier, rung: Rung, welcome: unknown): void {
    const { ladder } = this.#with;
    const before = this.#carrier;
    this.#clear();
    this.#rival = null;
    this.#carrier = carrier;
    this.#proven = false;
    this.#foothold = ladder.rung;
    ladder.stand(rung);
    before?.drop();
    this.#heard(welcome);
  }

  /** The better one has taken the seat from the one that works, and has yet to bring its welcome. */
  #await(): void {
    this.#carrier = null;
    this.#welcomed = false;
    this.#clear();
    this.#after("rival", HANDOVER_WITHIN, () => this.#stalled());
  }

  /** The better one does not work after all. Whatever still does goes on; what it took the seat from is opened again. */
  #stalled(blamed = true): void {
    const rung = this.#rival?.rung;
    this.#dropRival();
    if (rung && blamed) {
      const count = (this.#stalls.get(rung)?.count ?? 0) + 1;
      this.#stalls.set(rung, { count, until: this.#climbs + 2 ** count });
    }
    if (this.#carrier) this.#planClimb();
    else this.#open();
  }

  #dropRival(): void {
    const rival = this.#rival;
    this.#rival = null;
    this.#cancel("rival");
    rival?.carrier.drop();
  }

  #finish(why: string, message: string): void {
    this.#carrier = null;
    this.#welcomed = false;
    this.#proven = false;
    this.#foothold = null;
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
    if (!this.#timers.has("pong")) this.#after("pong", this.#with.ladder.rung.answersWithin, () => this.#lose());
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

function isWelcome(data: unknown): boolean {
  try {
    return (typeof data === "string" ? parseFrame(data) : readFrame(data))?.type === "welcome";
  } catch {
    return false;
  }
}
