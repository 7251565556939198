// @vitest-environment node
// Long and short polls, against a server that answers what the test says.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openLongPoll, openShortPoll } from "./http";
import { asked, begin, chat, end, ends, enter, heard, last, open, paths, quiet, types, WELCOME } from "./http.fixture";
import { SHORT_POLL_INTERVAL } from "./poll";

beforeEach(begin);
afterEach(end);

describe("a poll", () => {
  const batch = (over: object = {}) => ({ cursor: "e-3.1", messages: [chat(2), chat(3)], events: [], ...over });

  test("asks on from where the last answer stood, and again from there when there was none", async () => {
    await enter(openLongPoll);
    expect(last().path).toBe("messages?after=e-1&wait=20");
    await last().answer(200, batch({ events: [{ type: "joined" }] }));
    expect(types()).toEqual(["welcome", "pong", "joined", "chat", "chat"]);
    expect(heard.at(-1)).toMatchObject({ seq: 3, cursor: "e-3.1" });
    expect(last().path).toBe("messages?after=e-3.1&wait=20");
    await vi.advanceTimersByTimeAsync(20_000);
    await last().answer(204);
    expect(last().path).toBe("messages?after=e-3.1&wait=20");
    expect(paths()).toHaveLength(4);
  });

  test("does not storm a server that answers with nothing at once", async () => {
    await enter(openLongPoll);
    const before = asked.length;
    await last().answer(204);
    expect(asked).toHaveLength(before);
    await vi.advanceTimersByTimeAsync(250);
    expect(asked).toHaveLength(before + 1);
  });

  test("that does not wait rests between its questions", async () => {
    await enter(openShortPoll);
    expect(last().path).toBe("messages?after=e-1&wait=0");
    const before = asked.length;
    await last().answer(200, batch());
    await vi.advanceTimersByTimeAsync(SHORT_POLL_INTERVAL - 1);
    expect(asked).toHaveLength(before);
    await vi.advanceTimersByTimeAsync(1);
    expect(last().path).toBe("messages?after=e-3.1&wait=0");
  });

  test("rests no longer than its lease allows", async () => {
    open(openShortPoll);
    await quiet();
    await last().answer(200, { ...WELCOME, limits: { ...WELCOME.limits, poll: 3 } });
    await last().answer(204);
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toHaveLength(before + 1);
  });

  test.each([
    ["waits", openLongPoll],
    ["rests", openShortPoll],
  ])("that %s answers a ping at once", async (_, by) => {
    const transport = await enter(by);
    if (by === openShortPoll) await last().answer(204);
    const before = asked.length;
    transport.send({ type: "ping" });
    await quiet();
    expect(asked).toHaveLength(before + 1);
    expect(last().path).toBe("messages?after=e-1&wait=0");
    heard.length = 0;
    await last().answer(204);
    expect(types()).toEqual(["pong"]);
    expect(ends).toEqual([]);
  });

  test("whose seat was taken up anew tells who is there, with the new ticket and the time as it is now", async () => {
    await enter(openLongPoll);
    await vi.advanceTimersByTimeAsync(10_000);
    const members = [{ clientId: "me", user: "Ann", joinedAt: "2026-01-02T03:04:05Z" }];
    await last().answer(200, batch({ count: 7, crowd: true, members, ticket: "t2", lastN: 4 }));
    expect(types()).toEqual(["welcome", "pong", "reset"]);
    expect(heard.at(-1)).toMatchObject({
      resumed: true,
      reset: false,
      ticket: "t2",
      lastN: 4,
      count: 7,
      crowd: true,
      members,
      cursor: "e-3.1",
      timestamp: "2026-01-02T03:04:15.000Z",
    });
    expect(last().headers.Authorization).toBe("Bearer t2");
  });

  test("ends when its seat is taken or the server goes", async () => {
    await enter(openLongPoll);
    await last().answer(409, { code: "replaced", message: "" });
    await enter(openLongPoll);
    await last().answer(
      200,
      batch({ events: [{ type: "closing", code: "restarting", message: "", retryAfter: 700 }] }),
    );
    expect(ends).toEqual([4001, 1012]);
    expect(types().slice(-2)).toEqual(["chat", "chat"]);
    expect(types()).toContain("closing");
  });

  test.each([
    ["waits", openLongPoll],
    ["rests", openShortPoll],
  ])("that %s and is refused for the pace asks again when it may, and the link lives", async (_, by) => {
    await enter(by);
    heard.length = 0;
    const { path } = last();
    for (let i = 0; i < 3; i++) {
      const before = asked.length;
      await last().answer(429, { code: "rate_limited", message: "slow down", retryAfter: 400 });
      await vi.advanceTimersByTimeAsync(399);
      expect(asked).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(paths().slice(before)).toEqual([path]);
    }
    expect(types()).toEqual(["pong", "pong", "pong"]);
    await last().answer(200, batch());
    expect(types().slice(-2)).toEqual(["chat", "chat"]);
    expect(ends).toEqual([]);
  });

  test("that is no member any more joins again", async () => {
    await enter(openLongPoll);
    await last().answer(403, { code: "not_member", message: "" });
    expect(ends).toEqual([1006]);
  });

  test("that is cut for its length asks for less from then on, and the link lives", async () => {
    vi.resetModules();
    const { openLongPoll } = await import("./http");
    await enter(openLongPoll);
    await vi.advanceTimersByTimeAsync(15_000);
    await last().answer(504, "upstream request timeout");
    expect(last().path).toBe("messages?after=e-1&wait=10");
    await vi.advanceTimersByTimeAsync(8_000);
    last().break();
    await quiet();
    expect(last().path).toBe("messages?after=e-1&wait=5");
    await last().answer(200, batch());
    expect(last().path).toBe("messages?after=e-3.1&wait=5");
    expect([ends, types().slice(-2)]).toEqual([[], ["chat", "chat"]]);
    // What breaks although it is as short as that is broken.
    await vi.advanceTimersByTimeAsync(5_000);
    last().break();
    await quiet();
    expect(ends).toEqual([1006]);
    await enter(openLongPoll);
    expect(last().path).toBe("messages?after=e-1&wait=5");
  });

  test("that breaks at once, or while nothing gets through, is a broken link", async () => {
    await enter(openLongPoll);
    await vi.advanceTimersByTimeAsync(1_000);
    last().break();
    await quiet();
    expect(ends).toEqual([1006]);
    await enter(openLongPoll);
    await vi.advanceTimersByTimeAsync(10_000);
    last().break();
    await quiet();
    last().break();
    await quiet();
    expect(ends).toEqual([1006, 1006]);
  });

  test("that is never answered is given up", async () => {
    await enter(openShortPoll);
    await vi.advanceTimersByTimeAsync(10_000);
    await quiet();
    expect(ends).toEqual([1006]);
  });
});
