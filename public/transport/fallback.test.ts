import { beforeEach, describe, expect, test } from "vitest";
import { WELCOME } from "../protocol/welcome.fixture";
import { HANDOVER_TIMEOUT, PROVEN_AFTER, SETTLED_AFTER, WELCOME_TIMEOUT } from "./connection";
import {
  clock,
  connection,
  connectOn,
  enter,
  frames,
  given,
  last,
  settle,
  states,
  transports,
  reset,
} from "./connection.fixture";
import { TOO_MANY_TABS } from "./transport";
import { UPGRADE_AFTER } from "./upgrade-schedule";

beforeEach(reset);

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

  beforeEach(() => void connectOn("ws", "sse", "long-poll", "short-poll"));

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
    given.reachable = false;
    connection.connect();
    for (let i = 0; i < 10; i++) await ends();
    expect(new Set(opened())).toEqual(new Set(["ws"]));
    given.reachable = true;
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
    expect(given.probes).toBe(2);
    given.socketPasses = true;
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
    given.streamPasses = false;
    connectOn("ws", "sse", "long-poll");
    await fall();
    await ends();
    await ends();
    last().says(WELCOME);
    expect(connection.state).toEqual({ is: "open", transport: "long-poll" });
    const [poll, count] = [last(), transports.length];
    for (let climbs = 0; climbs < 5; climbs += 1) await pass(UPGRADE_AFTER * 2 ** climbs);
    expect([transports.length, poll.fate]).toEqual([count, "up"]);
    given.streamPasses = true;
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
    given.socketPasses = true;
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
    given.socketPasses = true;
    await pass(UPGRADE_AFTER);
    void connection.leave();
    expect([last().fate, stream.fate]).toEqual(["dropped", "left"]);
    expect(clock.pending).toBe(0);
  });

  test("is left again unseen when it brought its welcome and nothing more", async () => {
    await fall();
    const before = states.length;
    given.socketPasses = true;
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
    given.socketPasses = true;
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
    connectOn("sse");
    connection.connect();
    for (let i = 0; i < 5; i++) await ends();
    expect(new Set(opened())).toEqual(new Set(["sse"]));
  });
});
