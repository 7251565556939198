// @vitest-environment node
// The transports that go by requests, against a server that answers what the test says.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WELCOME as FIRST } from "../protocol/welcome.fixture";
import type { Transport, OpenTransport } from "./transport";
import { EventStreamParser } from "./event-stream";
import { openLongPoll, openShortPoll, openEventStream, probeEventStream } from "./http";
import { SHORT_POLL_INTERVAL } from "./poll";
import { PROBE_TIMEOUT } from "./sse";

const WELCOME = { ...FIRST, ticket: "t1", cursor: "e-1", limits: { ...FIRST.limits, grace: 15, poll: 15 } };

/** One request as it came, and the means to answer it. */
class Asked {
  readonly path: string;
  readonly body: unknown;
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal;
  #answer!: (response: Response) => void;
  readonly #breaks!: (error: Error) => void;
  readonly response: Promise<Response>;
  #stream: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(url: string, init: RequestInit) {
    this.path = url.replace("/api/rooms/r%C3%B6m/", "");
    this.body = typeof init.body === "string" ? JSON.parse(init.body) : null;
    this.headers = init.headers as Record<string, string>;
    this.signal = init.signal!;
    let breaks!: (error: Error) => void;
    this.response = new Promise((answer, fail) => {
      this.#answer = answer;
      breaks = fail;
    });
    this.#breaks = breaks;
    const cut = () => this.break();
    if (this.signal.aborted) cut();
    this.signal.addEventListener("abort", cut);
  }

  async answer(status: number, body: unknown = null): Promise<void> {
    this.#answer(new Response(body === null ? null : JSON.stringify(body), { status }));
    await quiet();
  }

  async stream(text: string): Promise<void> {
    if (!this.#stream) this.#answer(new Response(new ReadableStream({ start: (c) => void (this.#stream = c) })));
    this.#stream!.enqueue(new TextEncoder().encode(text));
    await quiet();
  }

  async finish(): Promise<void> {
    this.#stream!.close();
    await quiet();
  }

  break(): void {
    this.#breaks(new TypeError("network error"));
    this.#stream?.error(new TypeError("network error"));
  }
}

let asked: Asked[];
let heard: { type: string; [key: string]: unknown }[];
let ends: number[];
let tickets: string[];
const last = () => asked.at(-1)!;
const paths = () => asked.map((a) => a.path);
const types = () => heard.map((f) => f.type);

/** Promises and streams take a few rounds until nothing moves. */
async function quiet() {
  for (let i = 0; i < 5; i++) {
    await vi.advanceTimersByTimeAsync(0);
    await new Promise<void>((then) => setImmediate(then));
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    asked.push(new Asked(url, init));
    return last().response;
  });
  asked = [];
  heard = [];
  ends = [];
  tickets = [];
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function open(by: OpenTransport, ticket: string | null = null, cursor: string | null = null): Transport {
  return by(
    { room: "röm", name: "Ann", ticket, cursor, traffic: null },
    {
      onFrame: (f) => heard.push(f as { type: string }),
      onTicket: (t) => tickets.push(t),
      onEnd: (code) => ends.push(code),
    },
  );
}

async function enter(by: OpenTransport): Promise<Transport> {
  const transport = open(by);
  await quiet();
  await last().answer(200, WELCOME);
  return transport;
}

const chat = (seq: number) => ({
  type: "chat",
  seq,
  from: "ben",
  user: "Ben",
  text: `text ${seq}`,
  timestamp: "2026-01-02T03:04:05Z",
});

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
    heard = [];
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
    heard = [];
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
    heard = [];
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
