import { describe, expect, test } from "vitest";
import type { React } from "../protocol/frames";
import { reduce } from "./log";
import { nextToSend, toFrame } from "./outgoing";
import { countReactions, isEmoji } from "./reactions";
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

function joined(history: (ReturnType<typeof chat> | React)[]): Log {
  const fresh = { resumed: false, reset: false, crowd: false, count: 1, members: [], limits, video: false, lastN: 0 };
  const snapshot = {
    ...fresh,
    clientId: "ann",
    user: "Ann",
    roomId: "r",
    ticket: "t",
    cursor: "e-9",
    at: 1000,
    history,
  };
  return reduce(emptyLog(), { type: "snapshot", snapshot });
}

function on(log: Log, seq: number) {
  const line = log.lines.find((l): l is Entry => l.kind === "entry" && l.seq === seq)!;
  return countReactions(line, log.me?.clientId).map(({ emoji, users, mine }) => [emoji, users.length, mine]);
}

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

  test("have one emoji", () => {
    for (const good of ["👍", "❤️", "🇳🇱", "1️⃣", "👋🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]) expect(isEmoji(good), good).toBe(true);
    for (const bad of ["", "a", "1", "👍👍", "👍 ", "🇳", "👍\u0301", "👍\u200d"]) expect(isEmoji(bad), bad).toBe(false);
  });
});
