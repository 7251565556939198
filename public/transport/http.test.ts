// @vitest-environment node
// The transports over HTTP, against a server that answers what the test says.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EventStreamParser } from "./event-stream";
import { openEventStream, openLongPoll, openShortPoll, probeEventStream } from "./http";
import {
  asked,
  begin,
  chat,
  end,
  ends,
  enter,
  heard,
  last,
  open,
  paths,
  quiet,
  tickets,
  types,
  WELCOME,
} from "./http.fixture";
import { PROBE_TIMEOUT } from "./sse";
import type { OpenTransport } from "./transport";

beforeEach(begin);
afterEach(end);

describe("every transport over HTTP", () => {
  const all: [string, OpenTransport][] = [
    ["a stream", openEventStream],
    ["a long poll", openLongPoll],
    ["a short poll", openShortPoll],
  ];

  test.each(all)("%s takes its seat with what it has, and keeps the ticket out of the address", async (_, by) => {
    open(by, "t0", "e-0");
    await quiet();
    expect(last()).toMatchObject({
      path: "join",
      body: { name: "Ann", cursor: "e-0" },
      headers: { Authorization: "Bearer t0" },
    });
    await last().answer(200, WELCOME);
    expect(tickets).toEqual(["t1"]);
    expect(last().headers.Authorization).toBe("Bearer t1");
    expect(last().path).not.toContain("t1");
  });

  test.each(all)("%s sends in order, one after the other", async (_, by) => {
    const transport = await enter(by);
    const before = asked.length;
    transport.send({ type: "typing", typing: true });
    transport.send({ type: "chat", text: "one", n: 1 });
    transport.send({ type: "chat", text: "two", n: 2 });
    await quiet();
    expect(paths().slice(before)).toEqual(["typing"]);
    await last().answer(204);
    expect(last()).toMatchObject({ path: "messages", body: { type: "chat", text: "one", n: 1 } });
    await last().answer(200, { type: "ack", n: 1, seq: 2 });
    await last().answer(429, { code: "rate_limited", message: "slow down", retryAfter: 300 });
    expect(heard.slice(-2)).toEqual([
      { type: "ack", n: 1, seq: 2 },
      { type: "error", code: "rate_limited", message: "slow down", retryAfter: 300, n: 2 },
    ]);
    expect(ends).toEqual([]);
  });

  test.each(all)("%s ends when a send does not get through: the next one repeats it", async (_, by) => {
    const transport = await enter(by);
    transport.send({ type: "chat", text: "one", n: 1 });
    await quiet();
    last().break();
    await quiet();
    expect(ends).toEqual([1006]);
    expect(asked.filter((a) => !a.signal.aborted).map((a) => a.path)).not.toContain("events");
  });

  test.each(all)("%s is refused in words", async (_, by) => {
    open(by);
    await quiet();
    await last().answer(409, { code: "room_full", message: "full" });
    expect(heard).toEqual([{ type: "closing", code: "room_full", message: "full" }]);
    expect(ends).toEqual([4409]);
  });

  test.each(all)("%s takes the answer of a proxy for a broken connection", async (_, by) => {
    open(by);
    await quiet();
    await last().answer(502, "<h1>Bad gateway</h1>");
    expect(ends).toEqual([1006]);
  });

  test.each(all)("%s leaves after what was said before", async (_, by) => {
    const transport = await enter(by);
    transport.send({ type: "chat", text: "bye", n: 1 });
    let heard: boolean | null = null;
    void transport.leave().then((said) => (heard = said));
    await quiet();
    expect(last().path).toBe("messages");
    await last().answer(200, { type: "ack", n: 1, seq: 2 });
    expect(last().path).toBe("leave");
    expect(heard).toBeNull();
    await last().answer(204);
    expect(heard).toBe(true);
    expect(asked.filter((a) => !a.signal.aborted && a.path.startsWith("events"))).toEqual([]);
    expect(ends).toEqual([]);
  });

  test.each(all)("%s is not heard to leave when the goodbye does not get through", async (_, by) => {
    const heard = (await enter(by)).leave();
    await quiet();
    last().break();
    expect(await heard).toBe(false);
    const refused = (await enter(by)).leave();
    await quiet();
    await last().answer(503, { code: "store_unavailable", message: "" });
    expect(await refused).toBe(false);
  });

  test.each(all)("%s asks nothing more once it is put down", async (_, by) => {
    const transport = await enter(by);
    transport.send({ type: "chat", text: "one", n: 1 });
    transport.drop();
    await quiet();
    const count = asked.length;
    await vi.advanceTimersByTimeAsync(100_000);
    expect(asked).toHaveLength(count);
    expect(ends).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a stream", () => {
  const data = (frame: object) => `data: ${JSON.stringify(frame)}\n\n`;

  test("is not believed before it has brought its welcome", async () => {
    await enter(openEventStream);
    expect(last()).toMatchObject({ path: "events", headers: { "Last-Event-ID": "e-1" } });
    await last().stream("retry: 1000\n\n: hello\n\n");
    expect(heard).toEqual([]);
    await last().stream(data({ ...WELCOME, resumed: true }));
    expect(heard).toEqual([WELCOME, { ...WELCOME, resumed: true }]);
  });

  test("gives a sign of life with every piece, comments too", async () => {
    await enter(openEventStream);
    await last().stream(data(WELCOME));
    heard.length = 0;
    await last().stream(": beat\n\n");
    await last().stream(data(chat(2)));
    expect(types()).toEqual(["pong", "pong", "chat"]);
  });

  test("ends as the server says, or as broken", async () => {
    await enter(openEventStream);
    await last().stream(data(WELCOME) + data({ type: "closing", code: "replaced", message: "" }));
    await last().finish();
    await enter(openEventStream);
    await last().stream(data(WELCOME));
    await last().finish();
    expect(ends).toEqual([4001, 1006]);
  });
});

describe("a stream that is only tried", () => {
  const trial = () => probeEventStream({ room: "röm", name: "Ann", ticket: "t0", cursor: "e-1", traffic: null });

  test("takes no seat, passes with its first event, and is put down", async () => {
    const passes = trial();
    expect(paths()).toEqual(["events?probe=1"]);
    expect(last().headers).toEqual({ Accept: "text/event-stream" });
    await last().stream(": nothing yet\n\n");
    await last().stream('data: {"type":');
    expect(last().signal.aborted).toBe(false);
    await last().stream('"pong"}\n\n');
    expect(await passes).toBe(true);
    expect(last().signal.aborted).toBe(true);
    expect(asked).toHaveLength(1);
  });

  test("does not pass when its bytes are held back until its end, nor when it is refused or breaks", async () => {
    const held = trial();
    await vi.advanceTimersByTimeAsync(PROBE_TIMEOUT);
    expect(await held).toBe(false);
    const beaten = trial();
    await last().stream(": beat\n\n");
    await vi.advanceTimersByTimeAsync(PROBE_TIMEOUT);
    expect(await beaten).toBe(false);
    const ended = trial();
    await last().stream(": beat\n\n");
    await last().finish();
    expect(await ended).toBe(false);
    for (const status of [400, 404, 429, 503]) {
      const refused = trial();
      await last().answer(status, { code: "restarting", message: "" });
      expect(await refused).toBe(false);
    }
    const broken = trial();
    last().break();
    expect(await broken).toBe(false);
    // A server that does not know of it has let the client in as a member.
    const older = trial();
    await last().stream(`data: ${JSON.stringify(WELCOME)}\n\n`);
    expect(await older).toBe(false);
  });
});

test("events are read from pieces cut anywhere, with any line end", () => {
  const text = 'id: 7\r\ndata: {"a":\r\ndata: 1}\r\n\r\n: comment\r\ndata:x\n\nevent: y\rdata: ж\r\r';
  for (let size = 1; size < text.length; size++) {
    const reader = new EventStreamParser();
    const got: string[] = [];
    for (let at = 0; at < text.length; at += size)
      got.push(...reader.push(text.slice(at, at + size)).map((e) => e.data));
    got.push(...reader.push("\n").map((e) => e.data));
    expect(got, `in pieces of ${size}`).toEqual(['{"a":\n1}', "x", "ж"]);
  }
});
