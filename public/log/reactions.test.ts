import { describe, expect, test } from "vitest";
import type { Chat, React } from "../protocol/frames";
import { reduce } from "./log";
import { hasUnsent, nextToSend, toFrame } from "./outgoing";
import { countReactions, isEmoji, ownReaction, ownSealed, reactionTo } from "./reactions";
import { snapshot } from "./log.fixture";
import { rows } from "./rows";
import { emptyLog, type Entry, type Log } from "./state";

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

function joined(history: (Chat | React)[], log = emptyLog(), clientId = "ann"): Log {
  return reduce(log, snapshot({ clientId, members: [], history, at: 1000 }));
}

function on(log: Log, seq: number) {
  const line = entry(log, seq);
  return countReactions(line).map(({ emoji, users }) => [emoji, users.length, ownReaction(log, line, emoji).on]);
}

const entry = (log: Log, seq: number) => log.lines.find((l): l is Entry => l.kind === "entry" && l.seq === seq)!;
const own = (log: Log, emoji = "👍") => ownReaction(log, entry(log, 1), emoji);
const send = (on: boolean) =>
  ({ type: "send", text: "👍", amends: { type: "react", target: 1, on }, now: 2000 }) as const;
const press = (log: Log, on: boolean) => reduce(log, send(on));
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

  test("that are no emoji, or that this page cannot trust, are not counted", () => {
    const sealed = { ...react(3, 1), encryption: "undecryptable" as const, text: "" };
    const plain = { ...react(4, 1), encryption: "unencrypted" as const };
    const log = joined([chat(1), react(2, 1, "<b>"), sealed, plain]);
    expect([on(log, 1), log.lines]).toMatchObject([[], [{ seq: 1 }]]);
  });

  test("of a history come folded, in their order; what comes again changes nothing, what comes after it does", () => {
    const folded = [
      { from: "cy", text: "🎉" },
      { from: "ben", text: "👍" },
      { from: "ann", text: "👍", sealed: "s" },
      { from: "cy", text: "🎉" },
      { from: "cy", text: "<b>" },
    ];
    const log = joined([{ ...chat(1), reactions: folded }]);
    const shown = [
      ["🎉", 1, false],
      ["👍", 2, true],
    ];
    expect(on(log, 1)).toEqual(shown);
    expect(entry(log, 1).reactions!.map(({ user, sealed }) => [user, sealed])).toEqual([
      ["…", undefined],
      ["Ben", undefined],
      ["Ann", "s"],
    ]);
    const again = reduce(log, { type: "react", react: react(4, 1) });
    expect(on(again, 1)).toEqual(shown);
    expect(on(reduce(again, { type: "react", react: react(5, 1, "🎉", false, "cy") }), 1)).toEqual([["👍", 2, true]]);
    expect([ownSealed(log, 1, "👍"), ownSealed(log, 1, "🎉")]).toEqual(["s", undefined]);
  });

  test("of many members and of many kinds are counted at most as the page can draw", () => {
    const folded = flags(60).flatMap((text) => ["ben", "cy"].map((from) => ({ from, text })));
    expect(on(joined([{ ...chat(1), reactions: folded }]), 1)).toHaveLength(50);
  });

  test("of one's own are numbered and sent like messages, and drawn once the server has them", () => {
    let log = press(joined([chat(1)]), true);
    const next = nextToSend(log)!;
    expect(toFrame(next, "sealed")).toEqual({ type: "react", target: 1, emoji: "sealed", on: true, n: 1 });
    expect(rows(log)).toHaveLength(1);
    log = reduce(log, { type: "sent" });
    log = reduce(log, { type: "ack", n: 1, seq: 2, at: 2000, cursor: "e-2" });
    expect([on(log, 1), log.outgoing]).toEqual([[["👍", 1, true]], []]);
    log = press(log, false);
    log = reduce(reduce(log, { type: "sent" }), { type: "react", react: { ...react(3, 1, "👍", false, "ann"), n: 2 } });
    expect([on(log, 1), log.outgoing]).toEqual([[], []]);
  });

  test("are sent as what was sealed, the same each time under one n, and taken away by exactly that", () => {
    let log = reduce(press(joined([chat(1)]), true), { type: "sent", sealed: "sealed2.A" });
    log = reduce(log, { type: "rejected", n: 1, code: "rate_limited", retryAfter: null, now: 2000 });
    log = reduce(log, { type: "tick", now: 9000 });
    expect(log.outgoing).toMatchObject([{ n: 1, sealed: "sealed2.A" }]);
    log = reduce(reduce(log, { type: "sent" }), { type: "ack", n: 1, seq: 2, at: 2000, cursor: "e-2" });
    expect(ownSealed(log, 1, "👍")).toBe("sealed2.A");
    // Another seat cannot send what was sealed for this one.
    log = reduce(press(joined([chat(1)]), true), { type: "sent", sealed: "sealed2.A" });
    log = reduce(log, { type: "rejected", n: 1, code: "rate_limited", retryAfter: null, now: 2000 });
    const elsewhere = joined([chat(1)], log, "ann-again").outgoing;
    expect(elsewhere).toMatchObject([{ n: 1, state: "pending" }]);
    expect(elsewhere[0]).not.toHaveProperty("sealed");
    expect(joined([{ ...chat(1), from: "eve" }], log, "ann-again").outgoing, "a room that began anew").toEqual([]);
  });

  test("pressed are sent where they change something", () => {
    let log = joined([chat(1), react(2, 1)]);
    const to = (on: boolean) => ({ type: "react", target: 1, on });
    expect([reactionTo(log, 1, "👍"), reactionTo(log, 1, "👍", true)]).toEqual([to(true), to(true)]);
    expect([reactionTo(log, 1, "👍", false), reactionTo(log, 9, "👍")]).toEqual([null, null]);
    log = press(log, true);
    expect([reactionTo(log, 1, "👍"), reactionTo(log, 1, "👍", true)]).toEqual([to(false), null]);
    log = joined([chat(1), react(2, 1)], joined([chat(1)], emptyLog(), "ben"));
    expect([reactionTo(log, 1, "👍"), reactionTo(log, 1, "👍", false)], "of an earlier seat").toEqual([null, null]);
  });

  test("that were refused are told at their message, those refused for the rate go again", () => {
    const sent = reduce(press(joined([chat(1)]), true), { type: "sent" });
    const refused = (code: string) => reduce(sent, { type: "rejected", n: 1, code, retryAfter: null, now: 2000 });
    const told = (log: Log) => rows(log).map((row) => row.kind === "message" && [row.refused?.why, row.pending]);
    const full = refused("reactions_full");
    expect(told(full)).toEqual([["reactions_full", false]]);
    expect(own(full), "its button shows what is").toEqual({ on: false, kept: false });
    expect(hasUnsent(full), "nothing of it is lost with the page").toBe(false);
    expect(refused("rate_limited").outgoing).toMatchObject([{ n: 1, state: "pending" }]);
    expect(told(refused("rate_limited"))).toEqual([[undefined, false]]);
    const key = full.outgoing[0]!.key;
    expect(told(reduce(full, { type: "discard", key }))).toEqual([[undefined, false]]);
    expect(told(press(full, true)), "chosen again").toEqual([[undefined, false]]);
    expect(own(reduce(full, { type: "retry", key, now: 3000 }))).toEqual({ on: true, kept: false });
    const gone = reduce(full, { type: "delete", del: { ...react(2, 1), type: "delete" } });
    expect(told(gone), "its message is gone").toEqual([[undefined, false]]);
    expect(reduce(gone, { type: "tick", now: 3000 }).outgoing).toEqual([]);
  });

  test("that were refused leave a refused edit where it is, and the edit is what is told", () => {
    const mine = { ...chat(1), from: "ann", user: "Ann" };
    const edit = { type: "send", text: "new", amends: { type: "edit", target: 1 }, now: 2000 } as const;
    const reject = (log: Log, n: number, code: string) =>
      reduce(reduce(log, { type: "sent" }), { type: "rejected", n, code, retryAfter: null, now: 2000 });
    let log = reject(press(joined([mine]), true), 1, "reactions_full");
    log = reject(reduce(log, edit), 2, "too_late");
    expect(log.outgoing.map(({ why }) => why)).toEqual(["reactions_full", "too_late"]);
    expect(rows(log)).toMatchObject([{ refused: { why: "too_late" } }]);
    expect(hasUnsent(log)).toBe(true);
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
