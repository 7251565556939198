import { beforeEach, describe, expect, test, vi } from "vitest";
import { WELCOME } from "../protocol/welcome.fixture";
import { backoff } from "./backoff";
import { FULL_ROOM_DELAY, SETTLED_AFTER, WELCOME_TIMEOUT } from "./connection";
import {
  clock,
  connection,
  connectOn,
  enter,
  frames,
  given,
  last,
  transports,
  PONG_WITHIN,
  reset,
} from "./connection.fixture";
import { PING_AFTER } from "./heartbeat";

beforeEach(reset);

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
    given.chance = 1;
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
  given.leaveHeard = false;
  expect(await connection.leave()).toBe(false);
  connection.connect();
  last().handlers.onEnd(1006);
  given.leaveHeard = true;
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

test("a page that may unload says so at once only where no close code does", () => {
  const asked = vi.fn((..._: Parameters<typeof fetch>) => Promise.resolve(new Response(null, { status: 204 })));
  vi.stubGlobal("fetch", asked);
  given.ticket = WELCOME.ticket;
  for (const [transport, requests] of [
    ["ws", 0],
    ["sse", 1],
    ["long-poll", 2],
  ] as const) {
    connectOn(transport);
    connection.beforeUnload();
    enter();
    connection.beforeUnload();
    expect(asked).toHaveBeenCalledTimes(requests);
  }
  vi.unstubAllGlobals();
});
