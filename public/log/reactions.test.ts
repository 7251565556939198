import { describe, expect, test } from "vitest";
import type { React } from "../protocol/frames";
import { reduce } from "./log";
import { nextToSend, toFrame } from "./outgoing";
import { countReactions, isEmoji, ownReaction } from "./reactions";
import { rows } from "./rows";
import { emptyLog, type Entry, type Log } from "./state";

const limits = { textLength: 4000, historyLength: 200, historyAge: 1800, grace: 15, members: 500 };
const common = { from: "ben", user: "Ben", at: 1000, n: null };
const chat = (seq: number) => ({ ...common, type: "chat" as const, seq, text: `text ${seq}`, cursor: `e-${seq}` });
const react = (seq: number, target: number, text = "👍", on = true, from = "ben"): React => ({
  ...common,
  type: "react",
  seq,
  target,
  text,
  on,
  from,
  cursor: `e-${seq}`,
});

function joined(history: (ReturnType<typeof chat> | React)[], log = emptyLog(), clientId = "ann"): Log {
  const fresh = { resumed: false, reset: false, crowd: false, count: 1, members: [], limits, video: false, lastN: 0 };
  const snapshot = {
    ...fresh,
    clientId,
    user: "Ann",
    roomId: "r",
    ticket: "t",
    cursor: "e-9",
    at: 1000,
    history,
  };
  return reduce(log, { type: "snapshot", snapshot });
}

function on(log: Log, seq: number) {
  const line = entry(log, seq);
  return countReactions(line).map(({ emoji, users }) => [emoji, users.length, ownReaction(log, line, emoji).on]);
}

const entry = (log: Log, seq: number) => log.lines.find((l): l is Entry => l.kind === "entry" && l.seq === seq)!;
const own = (log: Log, emoji = "👍") => ownReaction(log, entry(log, 1), emoji);
const press = (log: Log, on: boolean) => reduce(log, { type: "send", text: "👍", react: { target: 1, on }, now: 2000 });
/** Different emoji: flags of two letters. */
const flags = (count: number) =>
  Array.from({ length: count }, (_, i) => String.fromCodePoint(0x1f1e6 + Math.floor(i / 26), 0x1f1e6 + (i % 26)));

describe("reactions", () => {
  test("are folded into their message, the last of a member and an emoji holds", () => {
    const log = joined([
      chat(1),
      react(2, 1),
      react(3, 1, "🎉"),
      react(4, 1, "👍", true, "cy"),
      react(5, 1, "🎉", false),
    ]);
    expect(on(log, 1)).toEqual([["👍", 2, false]]);
    expect(log.lines).toHaveLength(1);
    expect(log.seq).toBe(5);
    const late = reduce(log, { type: "react", react: react(6, 1, "🎉") });
    expect(on(late, 1)).toEqual([
      ["👍", 2, false],
      ["🎉", 1, false],
    ]);
    expect(late.cursor).toBe("e-6");
    expect(on(reduce(late, { type: "react", react: react(5, 1, "🎉", false) }), 1)).toHaveLength(2);
  });

  test("to what is not there, is no message or comes later change nothing", () => {
    const log = joined([chat(1), react(2, 1), react(3, 2), react(4, 9), react(5, 6), chat(6)]);
    expect([on(log, 1), on(log, 6)]).toEqual([[["👍", 1, false]], []]);
    expect(log.seq).toBe(6);
  });

  test("that are no emoji, or that this page cannot trust, are not counted; a doubt is shown as a line", () => {
    const sealed = { ...react(3, 1), encryption: "undecryptable" as const, text: "" };
    let log = joined([chat(1), react(2, 1, "<b>"), sealed]);
    expect(on(log, 1)).toEqual([]);
    log = reduce(log, { type: "react", react: { ...react(4, 1), doubt: { is: "hole", user: "Ben" } } });
    expect(on(log, 1)).toEqual([]);
    expect(log.lines.at(-1)).toMatchObject({ seq: 4, text: "👍", doubt: { is: "hole" } });
  });

  test("of one's own are numbered and sent like messages, and drawn once the server has them", () => {
    let log = reduce(joined([chat(1)]), { type: "send", text: "👍", react: { target: 1, on: true }, now: 2000 });
    const next = nextToSend(log)!;
    expect(toFrame(next, "sealed")).toEqual({ type: "react", target: 1, emoji: "sealed", on: true, n: 1 });
    expect(rows(log)).toHaveLength(1);
    log = reduce(log, { type: "sent" });
    log = reduce(log, { type: "ack", n: 1, seq: 2, at: 2000, cursor: "e-2" });
    expect([on(log, 1), log.outgoing]).toEqual([[["👍", 1, true]], []]);
    log = reduce(log, { type: "send", text: "👍", react: { target: 1, on: false }, now: 2000 });
    log = reduce(reduce(log, { type: "sent" }), { type: "react", react: { ...react(3, 1, "👍", false, "ann"), n: 2 } });
    expect([on(log, 1), log.outgoing]).toEqual([[], []]);
  });

  test("that were refused are dropped, those refused for the rate go again", () => {
    const send = { type: "send", text: "👍", react: { target: 1, on: true }, now: 2000 } as const;
    const sent = reduce(reduce(joined([chat(1)]), send), { type: "sent" });
    const refused = (code: string) => reduce(sent, { type: "rejected", n: 1, code, retryAfter: null, now: 2000 });
    expect(refused("bad_emoji").outgoing).toEqual([]);
    expect(refused("rate_limited").outgoing).toMatchObject([{ n: 1, state: "pending" }]);
  });

  test("of an earlier seat are one's own, and stay: the new seat cannot take them away", () => {
    const before = joined([chat(1), react(2, 1, "👍", true, "ann"), react(3, 1)]);
    expect(own(before)).toEqual({ on: true, kept: false });
    const log = joined([chat(1), react(2, 1, "👍", true, "ann"), react(3, 1)], before, "ann-again");
    expect(on(log, 1)).toEqual([["👍", 2, true]]);
    expect(own(log)).toEqual({ on: true, kept: true });
    // What the server does with it: another member's reaction, counted beside the first.
    const both = reduce(log, { type: "react", react: react(4, 1, "👍", true, "ann-again") });
    expect([on(both, 1), own(both)]).toEqual([[["👍", 3, true]], { on: true, kept: false }]);
    const taken = reduce(both, { type: "react", react: react(5, 1, "👍", false, "ann-again") });
    expect([on(taken, 1), own(taken)]).toEqual([[["👍", 2, true]], { on: true, kept: true }]);
    const gone = reduce(log, { type: "react", react: react(4, 1, "👍", false, "ann") });
    expect(own(gone)).toEqual({ on: false, kept: false });
  });

  test("that are not answered yet count for the next press, the last of them most", () => {
    let log = joined([chat(1), chat(2), react(3, 1)]);
    expect(own(log)).toEqual({ on: false, kept: false });
    log = press(log, true);
    expect([own(log).on, own(log, "🎉").on, ownReaction(log, entry(log, 2), "👍").on]).toEqual([true, false, false]);
    expect(on(log, 1)).toEqual([["👍", 1, true]]);
    log = press(log, false);
    expect(own(log).on).toBe(false);
    log = reduce(reduce(log, { type: "sent" }), { type: "ack", n: 1, seq: 4, at: 2000, cursor: "e-4" });
    expect(on(log, 1)).toEqual([["👍", 2, false]]);
    log = reduce(log, { type: "sent" });
    log = reduce(log, { type: "rejected", n: 2, code: "internal", retryAfter: null, now: 2000 });
    expect(on(log, 1)).toEqual([["👍", 2, true]]);
  });

  test("of 50 kinds are kept on a message, of which those taken away are none", () => {
    let seq = 1;
    const kinds = flags(120);
    const history = kinds.flatMap((flag) => [react((seq += 1), 1, flag), react((seq += 1), 1, flag, false)]);
    let log = joined([chat(1), ...history, react((seq += 1), 1, "👍", true, "cy")]);
    expect(on(log, 1)).toEqual([["👍", 1, false]]);
    expect(entry(log, 1).reactions).toHaveLength(51);
    for (const flag of kinds) log = reduce(log, { type: "react", react: react((seq += 1), 1, flag) });
    expect(on(log, 1)).toHaveLength(50);
    log = reduce(log, { type: "react", react: react((seq += 1), 1, "🎉", true, "cy") });
    expect(on(log, 1).map(([emoji]) => emoji)).not.toContain("🎉");
    log = reduce(log, { type: "react", react: react((seq += 1), 1, "👍", false, "cy") });
    log = reduce(log, { type: "react", react: react((seq += 1), 1, "🎉", true, "cy") });
    expect(on(log, 1)).toHaveLength(50);
    expect(on(log, 1)).toContainEqual(["🎉", 1, false]);
  });

  test("have one emoji", () => {
    for (const good of ["👍", "❤️", "🇳🇱", "1️⃣", "👋🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]) expect(isEmoji(good), good).toBe(true);
    for (const bad of ["", "a", "1", "👍👍", "👍 ", "🇳", "👍\u0301", "👍\u200d"]) expect(isEmoji(bad), bad).toBe(false);
  });
});
