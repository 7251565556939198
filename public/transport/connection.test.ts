import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Inbound, Outbound } from "../protocol/frames";
import type { TransportName } from "../protocol/transport-name";
import { WELCOME } from "../protocol/welcome.fixture";
import { backoff } from "./backoff";
import { TOO_MANY_TABS, type TransportHandlers, type JoinParams } from "./transport";
import { TransportSelector } from "./selector";
import {
  UPGRADE_AFTER,
  HANDOVER_TIMEOUT,
  FULL_ROOM_DELAY,
  Connection,
  type ConnectionState,
  PING_AFTER,
  PROVEN_AFTER,
  SETTLED_AFTER,
  WELCOME_TIMEOUT,
} from "./connection";

/** Time that passes only when told to. */
class FakeClock {
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

class FakeTransport {
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
    return heard;
  }
  says(frame: object) {
    this.handlers.onFrame(JSON.stringify(frame));
  }
}

const PONG_WITHIN = 10_000;

let clock: FakeClock;
let transports: FakeTransport[];
let frames: Inbound[];
let states: ConnectionState[];
let chance: number;
/** What a probe of the socket and a look at the server find. */
let passes: boolean;
/** What a probe of the stream finds, where it is probed. */
let streams: boolean | null;
let there: boolean;
let probes: number;
/** What the server answers to a goodbye. */
let heard: boolean;
let ticket: string | null;
let connection: Connection;
const last = () => transports.at(-1)!;

beforeEach(() => {
  clock = new FakeClock();
  transports = [];
  frames = [];
  states = [];
  chance = 0.5;
  passes = false;
  streams = null;
  there = true;
  probes = 0;
  heard = true;
  ticket = null;
  connection = connectionOn("ws");
});

function connectionOn(...names: TransportName[]): Connection {
  const specs = names.map((name) => ({
    name,
    open: (_: JoinParams, handlers: TransportHandlers) => {
      const transport = new FakeTransport(name, handlers);
      transports.push(transport);
      return transport;
    },
    ...(name === "ws" ? { probe: async () => (probes++, passes) } : {}),
    ...(name === "sse" && streams !== null ? { probe: async () => streams! } : {}),
    pongTimeout: PONG_WITHIN,
  }));
  return new Connection({
    selector: new TransportSelector(specs),
    joinParams: () => ({ room: "r", name: "Ann", ticket, cursor: null, traffic: null }),
    onFrame: (f) => frames.push(f),
    onTicket: () => {},
    onState: (s) => states.push(s),
    isReachable: async () => there,
    timers: clock,
    random: () => chance,
  });
}

/** Lets settled promises run their callbacks. */
async function settle() {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function enter() {
  connection.connect();
  last().says(WELCOME);
}

test("backoff doubles, is capped, and is drawn from the whole range", () => {
  expect([0, 1, 2, 3].map((n) => backoff(n, () => 1))).toEqual([500, 1000, 2000, 4000]);
  expect(backoff(40, () => 1)).toBe(15_000);
  expect(backoff(5, () => 0)).toBe(0);
});

describe("connecting", () => {
  test("is open when the welcome is there, and not before", () => {
    connection.connect();
    expect(connection.state.is).toBe("connecting");
    expect(connection.send({ type: "typing", typing: true })).toBe(false);
    last().says(WELCOME);
    expect(connection.state.is).toBe("open");
    expect(frames[0]?.type).toBe("welcome");
    expect(connection.send({ type: "typing", typing: true })).toBe(true);
    expect(last().sent).toEqual([{ type: "typing", typing: true }]);
  });

  test("twice opens one transport", () => {
    connection.connect();
    connection.connect();
    expect(transports).toHaveLength(1);
  });

  test("is given up when no welcome comes, and tried again", () => {
    connection.connect();
    clock.pass(WELCOME_TIMEOUT);
    expect(last().fate).toBe("dropped");
    expect(connection.state.is).toBe("waiting");
    clock.pass(60_000);
    expect(transports.length).toBeGreaterThan(1);
  });
});

describe("a lost link", () => {
  test("comes back with growing delays", () => {
    enter();
    const delays = [0, 1, 2, 3].map(() => {
      last().handlers.onEnd(1006);
      const from = clock.now;
      const before = transports.length;
      while (transports.length === before) clock.pass(50);
      return clock.now - from;
    });
    expect(delays).toEqual([250, 500, 1000, 2000]);
  });

  test("starts over with short delays only after a link that lasted", () => {
    enter();
    last().handlers.onEnd(1006);
    clock.pass(250);
    last().says(WELCOME);
    last().handlers.onEnd(1006);
    clock.pass(499);
    expect(transports).toHaveLength(2);
    clock.pass(1);
    last().says(WELCOME);
    clock.pass(SETTLED_AFTER);
    last().handlers.onEnd(1006);
    clock.pass(250);
    expect(transports).toHaveLength(4);
  });

  test("is tried at once when the network or the user comes back", () => {
    enter();
    chance = 1;
    for (let i = 0; i < 5; i++) {
      last().handlers.onEnd(1006);
      if (i < 4) clock.pass(15_000);
    }
    const before = transports.length;
    connection.checkNow();
    expect(transports).toHaveLength(before + 1);
  });

  test("ignores a transport that was replaced", () => {
    enter();
    const old = last();
    old.handlers.onEnd(1006);
    clock.pass(250);
    old.says({ type: "pong" });
    old.handlers.onEnd(1000);
    expect(connection.state.is).toBe("connecting");
    expect(frames).toHaveLength(1);
  });
});

describe("a silent link", () => {
  test("is asked, and lives when anything answers", () => {
    enter();
    clock.pass(PING_AFTER);
    expect(last().sent).toEqual([{ type: "ping" }]);
    last().says({ type: "pong" });
    clock.pass(PONG_WITHIN);
    expect(connection.state.is).toBe("open");
    expect(transports).toHaveLength(1);
  });

  test("is dead when nothing answers, and the seat is kept", () => {
    enter();
    clock.pass(PING_AFTER + PONG_WITHIN);
    expect(transports[0]!.fate).toBe("dropped");
    expect(connection.state.is).toBe("waiting");
  });

  test("is asked at once after waking, once", () => {
    enter();
    connection.checkNow();
    connection.checkNow();
    clock.pass(PONG_WITHIN);
    expect(connection.state.is).toBe("waiting");
  });

  test("is not asked while it speaks", () => {
    enter();
    for (let i = 0; i < 10; i++) {
      clock.pass(PING_AFTER - 1);
      last().says({ type: "pong" });
    }
    expect(last().sent).toEqual([]);
  });
});

describe("the server closes", () => {
  test("1012 is met after the delay it asked for", () => {
    enter();
    last().says({ type: "closing", code: "restarting", message: "", retryAfter: 4000 });
    last().handlers.onEnd(1012);
    expect(connection.state).toMatchObject({ is: "waiting", why: "restarting" });
    clock.pass(3999);
    expect(transports).toHaveLength(1);
    clock.pass(251);
    expect(transports).toHaveLength(2);
  });

  test("1013 is met at once, but not for ever", () => {
    enter();
    last().handlers.onEnd(1013);
    clock.pass(0);
    expect(transports).toHaveLength(2);
    last().handlers.onEnd(1013);
    clock.pass(0);
    expect(transports).toHaveLength(2);
  });

  test("4001 waits for the user", () => {
    enter();
    last().handlers.onEnd(4001);
    expect(connection.state).toMatchObject({ is: "ended", why: "replaced" });
    connection.checkNow();
    clock.pass(1e7);
    expect(transports).toHaveLength(1);
    connection.connect();
    expect(transports).toHaveLength(2);
  });

  test("4409 is tried later", () => {
    connection.connect();
    last().says({ type: "error", code: "room_full", message: "full" });
    last().handlers.onEnd(4409);
    expect(connection.state).toMatchObject({ is: "waiting", why: "room_full" });
    clock.pass(FULL_ROOM_DELAY);
    expect(transports).toHaveLength(1);
    clock.pass(250);
    expect(transports).toHaveLength(2);
  });

  test("a refusal ends it with the reason that was given", () => {
    connection.connect();
    last().says({ type: "error", code: "bad_name", message: "a name has …" });
    last().handlers.onEnd(4400);
    expect(connection.state).toEqual({ is: "ended", why: "bad_name", message: "a name has …" });
    expect(clock.pending).toBe(0);
  });

  test("an unknown 4xxx ends it, any other code is a broken link", () => {
    enter();
    last().handlers.onEnd(4321);
    expect(connection.state).toMatchObject({ is: "ended", why: "unknown" });
    connection.connect();
    last().handlers.onEnd(1005);
    expect(connection.state.is).toBe("waiting");
  });
});

test("a frame against the contract is healed by coming back", () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  enter();
  last().says({ type: "chat", seq: "one" });
  expect(told).toHaveBeenCalledOnce();
  told.mockRestore();
  expect(transports[0]!.fate).toBe("dropped");
  expect(connection.state.is).toBe("waiting");
});

test("leaving says goodbye and stays away", () => {
  enter();
  void connection.leave();
  expect(last().fate).toBe("left");
  expect(connection.state).toMatchObject({ is: "ended", why: "left" });
  last().handlers.onEnd(1000);
  clock.pass(1e7);
  expect(transports).toHaveLength(1);
});

test("a goodbye is heard when the transport says so, and never without one", async () => {
  enter();
  expect(await connection.leave()).toBe(true);
  connection.connect();
  heard = false;
  expect(await connection.leave()).toBe(false);
  connection.connect();
  last().handlers.onEnd(1006);
  heard = true;
  expect(await connection.leave()).toBe(false);
});

test("stopping keeps the seat and leaves no timer behind", () => {
  enter();
  connection.stop();
  expect(last().fate).toBe("dropped");
  expect(clock.pending).toBe(0);
});

test("a page that rests puts its transport down without a goodbye, and takes the seat up again when it wakes", () => {
  enter();
  connection.suspend();
  expect(last().fate).toBe("dropped");
  expect(clock.pending).toBe(0);
  clock.pass(1e7);
  expect(transports).toHaveLength(1);
  connection.wake();
  expect(transports).toHaveLength(2);
  last().says(WELCOME);
  expect(connection.state.is).toBe("open");
  connection.wake();
  expect(last().sent).toEqual([{ type: "ping" }]);
  void connection.leave();
  connection.suspend();
  connection.wake();
  expect(connection.state).toMatchObject({ is: "ended", why: "left" });
  expect(transports).toHaveLength(2);
});

describe("a transport that does not get through", () => {
  const opened = () => transports.map((c) => c.by);
  /** The transport ends; time passes until the next one is opened. */
  async function ends(code = 1006) {
    const before = transports.length;
    last().handlers.onEnd(code);
    await settle();
    while (transports.length === before) {
      clock.pass(clock.wait);
      await settle();
    }
  }
  /** Time passes on a transport that gives a sign of life now and then. */
  async function pass(ms: number) {
    for (let left = ms; left > 0; left -= 10_000) {
      last().says({ type: "pong" });
      clock.pass(Math.min(left, 10_000));
      await settle();
    }
  }

  beforeEach(() => (connection = connectionOn("ws", "sse", "long-poll", "short-poll")));

  test("is left after two openings for the next one, down to the last", async () => {
    connection.connect();
    for (let i = 0; i < 6; i++) await ends();
    last().says(WELCOME);
    expect(connection.state).toEqual({ is: "open", transport: "short-poll" });
    expect(opened()).toEqual(["ws", "ws", "sse", "sse", "long-poll", "long-poll", "short-poll"]);
  });

  test("is left at once when it swallows the welcome", async () => {
    connection.connect();
    for (let i = 0; i < 2; i++) {
      clock.pass(WELCOME_TIMEOUT);
      await settle();
      clock.pass(0);
    }
    expect(opened()).toEqual(["ws", "sse", "long-poll"]);
    expect(transports.map((c) => c.fate)).toEqual(["dropped", "dropped", "up"]);
  });

  test("is left when its welcomes are all that it brings", async () => {
    enter();
    await ends();
    last().says(WELCOME);
    await ends();
    expect(opened()).toEqual(["ws", "ws", "sse"]);
  });

  test("is not blamed for a server that is away", async () => {
    there = false;
    connection.connect();
    for (let i = 0; i < 10; i++) await ends();
    expect(new Set(opened())).toEqual(new Set(["ws"]));
    there = true;
    await ends();
    expect(last().by, "it gets its chance now that the server is back").toBe("ws");
    await ends();
    expect(last().by).toBe("sse");
  });

  test("is not blamed for a server that says no", async () => {
    connection.connect();
    for (let i = 0; i < 5; i++) {
      last().says({ type: "error", code: "store_unavailable", message: "" });
      await ends(4503);
    }
    expect(new Set(opened())).toEqual(new Set(["ws"]));
  });

  test("is not blamed for a link that broke after it stood", async () => {
    enter();
    for (let i = 0; i < 5; i++) {
      await pass(PROVEN_AFTER);
      await ends();
      last().says(WELCOME);
    }
    expect(new Set(opened())).toEqual(new Set(["ws"]));
  });

  async function fall() {
    connection.connect();
    for (let i = 0; i < 2; i++) await ends();
    last().says(WELCOME);
    expect(connection.state).toEqual({ is: "open", transport: "sse" });
  }

  test("is tried again, ever more rarely, and taken when it passes, without a word of a lost link", async () => {
    await fall();
    const before = states.length;
    const stream = last();
    await pass(UPGRADE_AFTER);
    await pass(UPGRADE_AFTER * 2);
    await pass(UPGRADE_AFTER * 4 - 1);
    expect(probes).toBe(2);
    passes = true;
    await pass(1);
    expect(last().by).toBe("ws");
    expect(stream.fate, "not before the better one has its welcome").toBe("up");
    connection.send({ type: "typing", typing: true });
    expect(stream.sent.at(-1)).toEqual({ type: "typing", typing: true });
    stream.says({ type: "status", code: "store_available" });
    expect(frames.at(-1)?.type).toBe("status");
    last().says(WELCOME);
    expect(stream.fate).toBe("dropped");
    connection.send({ type: "typing", typing: false });
    expect(last().sent).toEqual([{ type: "typing", typing: false }]);
    expect(states.slice(before).map((s) => s.is)).toEqual(["open"]);
    expect(connection.state).toEqual({ is: "open", transport: "ws" });
  });

  test("that takes the seat and stalls gives it back soon, and is tried ever more rarely", async () => {
    await fall();
    await ends();
    await ends();
    last().says(WELCOME);
    expect(connection.state).toEqual({ is: "open", transport: "long-poll" });
    const before = states.length;
    let waited = 0;
    const tries: number[] = [];
    for (let climbs = 0; climbs < 9; climbs += 1) {
      const count = transports.length;
      for (const from = waited; waited < from + 15 * 60_000 * 1.25 && transports.length === count; waited += 10_000)
        await pass(10_000);
      if (transports.length === count) continue;
      const [poll, stream] = [transports[count - 1]!, last()];
      expect(stream.by).toBe("sse");
      tries.push(waited);
      expect(poll.fate).toBe("up");
      poll.handlers.onEnd(4001);
      clock.pass(HANDOVER_TIMEOUT);
      expect(stream.fate).toBe("dropped");
      expect(last().by).toBe("long-poll");
      last().says(WELCOME);
    }
    const gaps = tries.slice(1).map((at, i) => at - tries[i]!);
    expect(tries.length).toBeGreaterThan(2);
    expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
    expect(gaps[0]).toBeGreaterThan(2 * UPGRADE_AFTER);
    expect(new Set(states.slice(before).map((s) => s.is))).toEqual(new Set(["open"]));
  });

  test("is not opened, and takes no seat, before it has shown that it gets through", async () => {
    streams = false;
    connection = connectionOn("ws", "sse", "long-poll");
    await fall();
    await ends();
    await ends();
    last().says(WELCOME);
    expect(connection.state).toEqual({ is: "open", transport: "long-poll" });
    const [poll, count] = [last(), transports.length];
    for (let climbs = 0; climbs < 5; climbs += 1) await pass(UPGRADE_AFTER * 2 ** climbs);
    expect([transports.length, poll.fate]).toEqual([count, "up"]);
    streams = true;
    for (let waited = 0; waited < UPGRADE_AFTER * 2 ** 6 && transports.length === count; waited += 5_000)
      await pass(5_000);
    expect([last().by, poll.fate]).toEqual(["sse", "up"]);
    // The transport that loses the seat ends before the upgrade has its welcome: the state does not change.
    poll.handlers.onEnd(4001);
    last().says(WELCOME);
    expect(connection.state).toEqual({ is: "open", transport: "sse" });
  });

  test("that never gets to the server leaves the one that works alone", async () => {
    await fall();
    const stream = last();
    passes = true;
    await pass(UPGRADE_AFTER);
    const socket = last();
    expect(socket.by).toBe("ws");
    await pass(WELCOME_TIMEOUT);
    expect([socket.fate, stream.fate]).toEqual(["dropped", "up"]);
    expect(connection.send({ type: "typing", typing: true })).toBe(true);
    expect(stream.sent.at(-1)).toEqual({ type: "typing", typing: true });
    expect(connection.state).toEqual({ is: "open", transport: "sse" });
  });

  test("is dropped when the user leaves while it is tried", async () => {
    await fall();
    const stream = last();
    passes = true;
    await pass(UPGRADE_AFTER);
    void connection.leave();
    expect([last().fate, stream.fate]).toEqual(["dropped", "left"]);
    expect(clock.pending).toBe(0);
  });

  test("is left again unseen when it brought its welcome and nothing more", async () => {
    await fall();
    const before = states.length;
    passes = true;
    await pass(UPGRADE_AFTER);
    expect(last().by).toBe("ws");
    last().says(WELCOME);
    last().handlers.onEnd(1006);
    expect(last().by).toBe("sse");
    last().says(WELCOME);
    expect(states.slice(before)).toEqual([
      { is: "open", transport: "ws" },
      { is: "open", transport: "sse" },
    ]);
  });

  test("leaves no room for a late request of the one before to end the session", async () => {
    await fall();
    passes = true;
    await pass(UPGRADE_AFTER);
    last().says(WELCOME);
    await ends(4001);
    last().says(WELCOME);
    clock.pass(SETTLED_AFTER);
    last().handlers.onEnd(4001);
    expect(connection.state).toMatchObject({ is: "ended", why: "replaced" });
  });

  test("is not tried for long where other tabs hold all the connections, and that is said", async () => {
    connection.connect();
    for (let i = 0; i < 2; i++) await ends();
    expect(last().by).toBe("sse");
    await ends(TOO_MANY_TABS);
    await ends(TOO_MANY_TABS);
    expect(last().by).toBe("short-poll");
    last().says(WELCOME);
    expect(connection.state).toEqual({ is: "open", transport: "short-poll", tooManyTabs: true });
    // It is tried again as often as any other, since nothing is wrong with it.
    for (const wait of [UPGRADE_AFTER, 2 * UPGRADE_AFTER]) {
      const poll = last();
      await pass(wait);
      expect(last().by).toBe("sse");
      last().handlers.onEnd(TOO_MANY_TABS);
      expect(poll.fate).toBe("up");
      transports.push(poll);
    }
    await pass(4 * UPGRADE_AFTER);
    last().says(WELCOME);
    expect(connection.state).toEqual({ is: "open", transport: "sse" });
  });

  test("is never left when no other is allowed", async () => {
    connection = connectionOn("sse");
    connection.connect();
    for (let i = 0; i < 5; i++) await ends();
    expect(new Set(opened())).toEqual(new Set(["sse"]));
  });
});

test("a page that may unload says so at once only where no close code does", () => {
  const asked = vi.fn((..._: Parameters<typeof fetch>) => Promise.resolve(new Response(null, { status: 204 })));
  vi.stubGlobal("fetch", asked);
  ticket = WELCOME.ticket;
  for (const [transport, requests] of [
    ["ws", 0],
    ["sse", 1],
    ["long-poll", 2],
  ] as const) {
    connection = connectionOn(transport);
    connection.beforeUnload();
    enter();
    connection.beforeUnload();
    expect(asked).toHaveBeenCalledTimes(requests);
  }
  vi.unstubAllGlobals();
});
