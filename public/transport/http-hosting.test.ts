// @vitest-environment node
// What the host asks and what a newcomer waits for, over HTTP.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openEventStream, openLongPoll, openShortPoll } from "./http";
import { asked, begin, end, ends, enter, heard, last, open, paths, quiet, types, WELCOME } from "./http.fixture";
import type { OpenTransport } from "./transport";

beforeEach(begin);
afterEach(end);

const all: [string, OpenTransport][] = [
  ["a stream", openEventStream],
  ["a long poll", openLongPoll],
  ["a short poll", openShortPoll],
];

describe("every transport over HTTP", () => {
  test.each(all)("%s asks for what the host may do, and hears the answer", async (_, by) => {
    const transport = await enter(by);
    transport.send({ type: "kick", clientId: "ben", n: 9 });
    await quiet();
    expect(last()).toMatchObject({ path: "host", body: { type: "kick", clientId: "ben", n: 9 } });
    await last().answer(200, { type: "ack", n: 9, timestamp: WELCOME.timestamp });
    expect(heard.at(-1)).toMatchObject({ type: "ack", n: 9 });
    transport.send({ type: "lock", lock: "open", n: 8 });
    await quiet();
    await last().answer(403, { code: "not_host", message: "…" });
    expect(heard.at(-1)).toMatchObject({ type: "error", code: "not_host", n: 8 });
    expect(ends).toEqual([]);
  });

  test.each(all)("%s hears the receipt of a room that it ends", async (_, by) => {
    const transport = await enter(by);
    transport.send({ type: "burn", n: 9 });
    await quiet();
    await last().answer(200, { type: "receipt", receipt: "a.b.c" });
    expect(heard.at(-1)).toEqual({ type: "receipt", receipt: "a.b.c" });
  });

  test.each(all)("%s hears the receipt of the last that leaves", async (_, by) => {
    const transport = await enter(by);
    const left = transport.leave();
    await quiet();
    expect(last()).toMatchObject({ path: "leave", body: { receipt: true } });
    await last().answer(200, { type: "receipt", receipt: "a.b.c" });
    expect(await left).toBe(true);
    expect(heard.at(-1)).toEqual({ type: "receipt", receipt: "a.b.c" });
  });

  test.each(all)("%s knocks with the ticket it was given until it is let in", async (_, by) => {
    open(by);
    await quiet();
    await last().answer(423, { code: "knocking", message: "…", ticket: "k1", clientId: "me", retryAfter: 1_000 });
    expect(types()).toEqual(["knocking"]);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(last()).toMatchObject({ path: "join", headers: { Authorization: "Bearer k1" } });
    await last().answer(200, WELCOME);
    expect(last().headers.Authorization).toBe("Bearer t1");
  });

  test.each(all)("%s that is not let in has ended", async (_, by) => {
    open(by);
    await quiet();
    await last().answer(423, { code: "knocking", message: "…", ticket: "k1" });
    await vi.advanceTimersByTimeAsync(1_000);
    await last().answer(403, { code: "not_admitted", message: "…" });
    expect([types().at(-1), ends]).toEqual(["closing", [4403]]);
  });

  test.each(all)("%s that is dropped knocks no more", async (_, by) => {
    const transport = open(by);
    await quiet();
    await last().answer(423, { code: "knocking", message: "…", ticket: "k1" });
    transport.drop();
    await vi.advanceTimersByTimeAsync(1_000);
    await quiet();
    expect([paths(), ends]).toEqual([["join"], []]);
  });
});

test.each(all)("%s joins with the invite of the address", async (_, by) => {
  open(by, null, null, "a.b");
  await quiet();
  expect(last()).toMatchObject({ path: "join", body: { name: "Ann", invite: "a.b" } });
  await last().answer(410, { code: "invite_spent", message: "…" });
  expect([types(), ends]).toEqual([["closing"], [4410]]);
});

test("the members of a poll come with the rules as they are by then", async () => {
  await enter(openLongPoll);
  const rules = { lock: "locked", history: "all" };
  await last().answer(200, { cursor: "e-2", messages: [], events: [{ type: "rules", room: "r", rules }] });
  await last().answer(200, { cursor: "e-3", messages: [], members: [], count: 0, lastN: 0 });
  expect(heard.at(-1)).toMatchObject({ type: "reset", room: rules });
  const open = { lock: "open", history: "all" };
  await last().answer(200, { cursor: "e-4", messages: [], members: [], count: 0, lastN: 0, room: open });
  expect(heard.at(-1)).toMatchObject({ type: "reset", room: open });
});
