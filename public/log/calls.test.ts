import { describe, expect, test } from "vitest";
import type { Member } from "../protocol/frames";
import { CALL_GAP, newestCall } from "./calls";
import { LIMITS, snapshot, T0 } from "./log.fixture";
import { type LogEvent, nextTick, reduce } from "./log";
import { emptyLog, type Log, type Notice } from "./state";

const MINUTE = 60_000;
const member = (clientId: string, inCall = false): Member => ({
  clientId,
  user: clientId.toUpperCase(),
  joinedAt: T0,
  ...(inCall ? { inCall } : {}),
});
const here = (...ids: Member[]) => snapshot({ members: [member("me"), ...ids], video: true });
const call = (clientId: string, inCall: boolean, after = 0): LogEvent => ({
  type: "call",
  clientId,
  user: clientId.toUpperCase(),
  inCall,
  now: T0 + after,
});
const left = (clientId: string, after = 0, reason = "left"): LogEvent => ({
  type: "left",
  clientId,
  user: clientId.toUpperCase(),
  reason,
  count: 2,
  now: T0 + after,
});
const play = (...events: LogEvent[]) => events.reduce(reduce, emptyLog());
const on = (log: Log, ...events: LogEvent[]) => events.reduce(reduce, log);
const calls = ({ lines }: Log) =>
  lines.flatMap((l) =>
    l.kind === "notice" && l.what.startsWith("call") ? [[l.what, l.from, l.over ?? l.lasted ?? null]] : [],
  );

describe("a call", () => {
  test("is one line when it begins, however many join and leave it", () => {
    const log = play(here(member("ann"), member("ben")), call("ann", true), call("ben", true), call("ann", false));
    expect(calls(log)).toEqual([["call", "ann", null]]);
    expect(newestCall(log)).toMatchObject({ user: "ANN", at: T0 });
  });

  test("has a line of its end, and how long it was, when nobody is in it any more", () => {
    const log = play(here(member("ann")), call("ann", true), call("ann", false, 5 * MINUTE));
    expect(calls(log)).toEqual([
      ["call", "ann", true],
      ["callEnd", "ann", 5 * MINUTE],
    ]);
  });

  test("is over when the last one in it leaves the room, or is removed from it", () => {
    for (const reason of ["left", "lost", "kicked"]) {
      const log = play(here(member("ann")), call("ann", true), left("ann", MINUTE, reason));
      expect(calls(log), reason).toEqual([
        ["call", "ann", true],
        ["callEnd", "ann", MINUTE],
      ]);
    }
    const others = play(here(member("ann"), member("ben")), call("ann", true), call("ben", true), left("ann"));
    expect(calls(others)).toEqual([["call", "ann", null]]);
  });

  test("is this page's own like another's", () => {
    expect(calls(play(here(), call("me", true)))).toEqual([["call", "me", null]]);
  });

  test("that is on at the welcome is no news, and its end has no length", () => {
    const log = play(here(member("ann", true)), call("ben", true));
    expect(calls(log)).toEqual([]);
    expect(calls(on(log, call("ben", false), call("ann", false)))).toEqual([["callEnd", "ann", null]]);
  });

  test("that ended while the connection was away ends its line; one that began then has none", () => {
    const before = play(here(member("ann")), call("ann", true));
    const back = (inCall: boolean) =>
      snapshot({ members: [member("me"), member("ann", inCall)], resumed: true, at: T0 + MINUTE });
    expect(calls(on(before, back(false)))).toEqual([
      ["call", "ann", true],
      ["callEnd", "", MINUTE],
    ]);
    expect(calls(on(before, back(true)))).toEqual([["call", "ann", null]]);
    expect(calls(on(play(here(member("ann"))), back(true)))).toEqual([]);
  });

  test("leaves no line in another life of the room", () => {
    const before = play(here(member("ann")), call("ann", true));
    expect(calls(on(before, snapshot({ reset: true, members: [member("me")] })))).toEqual([]);
  });

  test("goes on when its last participant returns at once, as after a reload", () => {
    const over = play(here(member("ann"), member("ben")), call("ann", true), call("ann", false, MINUTE));
    const again = on(over, call("ann", true, MINUTE + CALL_GAP - 1));
    expect(calls(again)).toEqual([["call", "ann", null]]);
    expect(calls(on(again, call("ann", false, 3 * MINUTE))).at(-1)).toEqual(["callEnd", "ann", 3 * MINUTE]);
    for (const event of [call("ann", true, MINUTE + CALL_GAP), call("ben", true, MINUTE + 1)])
      expect(calls(on(over, event)).map(([what]) => what)).toEqual(["call", "callEnd", "call"]);
  });

  test("is told in a crowd too, by members who are not listed", () => {
    const crowd = snapshot({ members: [member("me")], crowd: true, count: 200, video: true });
    const log = play(crowd, call("far", true), { type: "presence", count: 201, members: null, now: T0 });
    expect(calls(log)).toEqual([["call", "far", null]]);
    expect(calls(on(log, left("far", MINUTE))).at(-1)).toEqual(["callEnd", "far", MINUTE]);
  });

  test("keeps its line while it is on, and loses both with their age", () => {
    const age = LIMITS.historyAge * 1000;
    const tick = (after: number): LogEvent => ({ type: "tick", now: T0 + after });
    const running = play(here(member("ann")), call("ann", true));
    expect(nextTick(running)).toBeNull();
    expect(calls(on(running, tick(2 * age)))).toEqual([["call", "ann", null]]);
    const over = on(running, tick(2 * age), call("ann", false, 2 * age), tick(2 * age));
    expect(calls(over)).toEqual([["callEnd", "ann", 2 * age]]);
    expect(calls(on(over, tick(3 * age)))).toEqual([]);
    expect(over.lines.every((l): l is Notice => l.kind === "notice")).toBe(true);
  });
});
