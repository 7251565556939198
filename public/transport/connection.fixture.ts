// A connection whose transports, time and luck a test decides.

import type { Inbound, Outbound } from "../protocol/frames";
import type { TransportName } from "../protocol/transport-name";
import { WELCOME } from "../protocol/welcome.fixture";
import { Connection } from "./connection";
import type { ConnectionState } from "./connection-state";
import { TransportSelector } from "./selector";
import type { JoinParams, TransportHandlers } from "./transport";

/** Time that passes only when told to. */
export class FakeClock {
  now = 0;
  #next = 1;
  #timers = new Map<number, { at: number; then: () => void }>();

  set(ms: number, then: () => void): number {
    this.#timers.set(this.#next, { at: this.now + ms, then });
    return this.#next++;
  }

  clear(id: number): void {
    this.#timers.delete(id);
  }

  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.now = due[1].at;
      due[1].then();
    }
    this.now = end;
  }

  /** Until the next timer is due. */
  get wait(): number {
    return Math.min(...[...this.#timers.values()].map((t) => t.at)) - this.now;
  }

  get pending(): number {
    return this.#timers.size;
  }
}

export class FakeTransport {
  sent: Outbound[] = [];
  fate: "up" | "dropped" | "left" = "up";
  constructor(
    readonly by: TransportName,
    readonly handlers: TransportHandlers,
  ) {}
  send(frame: Outbound) {
    this.sent.push(frame);
  }
  drop() {
    this.fate = "dropped";
  }
  async leave() {
    this.fate = "left";
    return given.leaveHeard;
  }
  says(frame: object) {
    this.handlers.onFrame(JSON.stringify(frame));
  }
}

export const PONG_WITHIN = 10_000;

const DEFAULTS = {
  chance: 0.5,
  /** What a probe of the WebSocket finds. */
  socketPasses: false,
  /** What a probe of the stream finds, where it is probed. */
  streamPasses: null as boolean | null,
  /** Whether the server is reachable. */
  reachable: true,
  probes: 0,
  /** What the server answers to a leave. */
  leaveHeard: true,
  ticket: null as string | null,
};

export const given = { ...DEFAULTS };
export let clock: FakeClock;
export let transports: FakeTransport[];
export let frames: Inbound[];
export let states: ConnectionState[];
export let connection: Connection;
export const last = () => transports.at(-1)!;

/** Before each test. */
export function reset(): void {
  Object.assign(given, DEFAULTS);
  clock = new FakeClock();
  transports = [];
  frames = [];
  states = [];
  connectOn("ws");
}

/** A connection that has these transports. */
export function connectOn(...names: TransportName[]): void {
  const specs = names.map((name) => ({
    name,
    open: (_: JoinParams, handlers: TransportHandlers) => {
      const transport = new FakeTransport(name, handlers);
      transports.push(transport);
      return transport;
    },
    ...(name === "ws" ? { probe: async () => (given.probes++, given.socketPasses) } : {}),
    ...(name === "sse" && given.streamPasses !== null ? { probe: async () => given.streamPasses! } : {}),
    pongTimeout: PONG_WITHIN,
  }));
  connection = new Connection({
    selector: new TransportSelector(specs),
    joinParams: () => ({ room: "r", name: "Ann", ticket: given.ticket, cursor: null, traffic: null }),
    onFrame: (f) => frames.push(f),
    onTicket: () => {},
    onState: (s) => states.push(s),
    isReachable: async () => given.reachable,
    timers: clock,
    random: () => given.chance,
  });
}

/** Lets settled promises run their callbacks. */
export async function settle() {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

export function enter() {
  connection.connect();
  last().says(WELCOME);
}
