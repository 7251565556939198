import { describe, expect, test } from "vitest";
import type { Chat } from "../protocol/frames";
import { LIMITS, snapshot, T0 } from "./log.fixture";
import { type LogEvent, nextTick, reduce, TYPING_LASTS } from "./log";
import { isLastOne, memberCount } from "./members";
import { nextToSend } from "./outgoing";
import { emptyLog, type Entry, type Log } from "./state";

const chat = (seq: number, over: Partial<Chat> = {}): Chat => ({
  type: "chat",
  seq,
  from: "ben",
  user: "Ben",
  text: `text ${seq}`,
  at: T0 + seq,
  cursor: `e-${seq}`,
  n: null,
  ...over,
});

const AGE = LIMITS.historyAge * 1000;

const play = (log: Log, ...events: LogEvent[]) => events.reduce(reduce, log);
const inside = (...events: (LogEvent | LogEvent[])[]) => play(emptyLog(), snapshot(), ...events.flat());
const hear = (c: Chat): LogEvent => ({ type: "chat", chat: c });
const say = (text: string, sent = true): LogEvent[] => [
  { type: "send", text, now: T0 + 10 },
  ...(sent ? [{ type: "sent" } as const] : []),
];
const ack = (n: number, seq: number): LogEvent => ({ type: "ack", n, seq, at: T0 + 20, cursor: `e-${seq}` });
const entries = (log: Log) => log.lines.filter((l): l is Entry => l.kind === "entry");
const seqs = (log: Log) => entries(log).map((l) => l.seq);
const notices = (log: Log) => log.lines.flatMap((l) => (l.kind === "notice" ? [l.what] : []));

describe("what others say", () => {
  test("stands in the order of seq, whatever order it came in", () => {
    expect(seqs(inside(hear(chat(2)), hear(chat(1)), hear(chat(3))))).toEqual([1, 2, 3]);
  });

  test("stands once, however often it came", () => {
    expect(
      seqs(inside(hear(chat(1)), hear(chat(1)), snapshot({ resumed: true, history: [chat(1), chat(2)] }))),
    ).toEqual([1, 2]);
  });

  test("moves past a reaction, which is an entry that is not shown", () => {
    const typing: LogEvent = { type: "typing", from: "bob", user: "Bob", typing: true, now: T0 };
    const react = { ...chat(2), type: "react" as const, target: 1, on: true, from: "bob" };
    const log = inside(hear(chat(1)), [typing], [{ type: "react", react }]);
    expect([seqs(log), log.seq, log.cursor, log.typing]).toEqual([[1], 2, react.cursor, []]);
  });

  test("moves the cursor forward only", () => {
    const log = inside(hear(chat(3)), hear(chat(2)));
    expect([log.seq, log.cursor]).toEqual([3, "e-3"]);
  });

  test("moves the cursor although my own answer came before it", () => {
    const log = inside(say("mine"), { type: "ack", n: 1, seq: 3, at: T0, cursor: null }, hear(chat(1)), hear(chat(2)));
    expect(log.cursor).toBe("e-2");
    expect(seqs(log)).toEqual([1, 2, 3]);
  });

  test("is counted as unread only while the tab is hidden", () => {
    const away = inside({ type: "visibility", visible: false }, hear(chat(1)), hear(chat(2)), hear(chat(2)));
    expect(away.unread).toBe(2);
    expect(play(away, { type: "visibility", visible: true }).unread).toBe(0);
    expect(inside(hear(chat(1))).unread).toBe(0);
    expect(play(away, snapshot({ reset: true, history: [chat(1), chat(2)] })).unread).toBe(2);
  });
});

describe("what I say", () => {
  test("is there at once, and becomes the numbered line when it is acknowledged", () => {
    const pending = inside(say("hello"));
    expect(pending.outgoing).toMatchObject([{ n: 1, state: "pending", text: "hello" }]);
    const sent = play(pending, ack(1, 1));
    expect(sent.outgoing).toEqual([]);
    expect(sent.lines).toMatchObject([{ seq: 1, mine: true, text: "hello", key: pending.outgoing[0]!.key }]);
    expect(sent.cursor).toBe("e-1");
  });

  test("takes its place among what came meanwhile", () => {
    const log = inside(say("mine"), hear(chat(2)), ack(1, 1));
    expect(entries(log).map((l) => l.text)).toEqual(["mine", "text 2"]);
  });

  test("is answered by the history of a resume as well as by an ack", () => {
    const log = inside(
      say("one"),
      say("two"),
      snapshot({ resumed: true, lastN: 1, history: [chat(1, { from: "me", n: 1, text: "one" })] }),
    );
    expect(log.lines).toMatchObject([{ seq: 1, mine: true }]);
    expect(log.outgoing).toMatchObject([{ n: 2, state: "pending", text: "two" }]);
    expect(play(log, ack(1, 1)).lines).toHaveLength(1);
  });

  test("keeps its n under the same seat and goes on from lastN", () => {
    const log = inside(say("one"), snapshot({ resumed: true, lastN: 7 }), say("two"));
    expect(log.outgoing.map((o) => o.n)).toEqual([1, 8]);
  });

  test("is left to its author when the seat is lost and it is unknown whether it arrived", () => {
    const log = inside(say("arrived?"), say("never left", false), snapshot({ clientId: "me-again", reset: true }));
    expect(log.outgoing).toMatchObject([
      { text: "arrived?", state: "failed", why: "unconfirmed" },
      { text: "never left", state: "pending", n: 1, sent: false },
    ]);
  });

  test("is known to have arrived when the old seat stands in the history", () => {
    const log = inside(
      say("arrived"),
      snapshot({ clientId: "me-again", reset: true, history: [chat(1, { from: "me", n: 1, text: "arrived" })] }),
    );
    expect(log.outgoing).toEqual([]);
    expect(entries(log)).toMatchObject([{ seq: 1, mine: true }]);
    expect(log.former).toEqual(["me"]);
  });

  test("fails when refused and says from when it may be tried again", () => {
    const refused = inside(say("fast"), { type: "rejected", n: 1, code: "store_full", retryAfter: 500, now: T0 });
    expect(refused.outgoing).toMatchObject([{ state: "failed", why: "store_full", retryAt: T0 + 500 }]);
    expect(nextTick(refused)).toBe(T0 + 500);
    const ready = play(refused, { type: "tick", now: T0 + 500 });
    expect(ready.outgoing[0]!.retryAt).toBe(0);
    const again = play(ready, { type: "retry", key: ready.outgoing[0]!.key, now: T0 + 600 });
    expect(again.outgoing).toMatchObject([{ n: 2, state: "pending", why: "" }]);
  });

  test("goes out one at a time, and again by itself when that was too fast", () => {
    let log = inside(say("one"), say("two"), say("three"));
    expect(nextToSend(log)).toBeNull();
    log = play(log, ack(1, 1));
    expect(nextToSend(log)?.text).toBe("two");
    log = play(log, { type: "sent" }, { type: "rejected", n: 2, code: "rate_limited", retryAfter: 500, now: T0 });
    expect(nextToSend(log)).toBeNull();
    expect(log.outgoing.map((o) => o.state)).toEqual(["pending", "pending"]);
    expect(nextTick(log)).toBe(T0 + 500);
    log = play(log, { type: "tick", now: T0 + 500 });
    expect(nextToSend(log)).toMatchObject({ text: "two", n: 2 });
    log = play(log, { type: "sent" }, ack(2, 2), { type: "sent" }, ack(3, 3));
    expect(entries(log).map((l) => l.text)).toEqual(["one", "two", "three"]);
  });

  test("is sent again when the transport that had it is gone", () => {
    const log = inside(say("one"), say("two"), snapshot({ resumed: true }));
    expect(nextToSend(log)).toMatchObject({ text: "one", n: 1, sent: true });
  });

  test("asks with the same n when the server could not say what became of it", () => {
    const failed = inside(say("perhaps"), {
      type: "rejected",
      n: 1,
      code: "store_unavailable",
      retryAfter: null,
      now: T0,
    });
    const again = play(failed, { type: "retry", key: failed.outgoing[0]!.key, now: T0 });
    expect(again.outgoing).toMatchObject([{ n: 1, state: "pending" }]);
  });

  test("can be taken back when it failed", () => {
    const failed = inside(say("no"), { type: "rejected", n: 1, code: "too_long", retryAfter: null, now: T0 });
    expect(play(failed, { type: "discard", key: failed.outgoing[0]!.key }).outgoing).toEqual([]);
  });
});

describe("a snapshot", () => {
  test("of a resume adds what was missed", () => {
    const log = inside(hear(chat(1)), snapshot({ resumed: true, cursor: "e-3", history: [chat(2), chat(3)] }));
    expect(seqs(log)).toEqual([1, 2, 3]);
    expect(log.cursor).toBe("e-3");
    expect(notices(log)).toEqual([]);
  });

  test("of a reset forgets and says so when something is gone", () => {
    const log = inside(
      hear(chat(1)),
      hear(chat(2)),
      snapshot({ reset: true, cursor: "f-1", history: [chat(1, { text: "another life" })] }),
    );
    expect(entries(log).map((l) => l.text)).toEqual(["another life"]);
    expect(notices(log)).toEqual(["gone"]);
  });

  test("of a reset under the same seat keeps what is on its way", () => {
    const log = inside(hear(chat(1)), say("hello"), snapshot({ resumed: true, reset: true, cursor: "f-0" }));
    expect(notices(log)).toEqual(["gone"]);
    expect(log.outgoing).toMatchObject([{ n: 1, state: "pending" }]);
  });

  test("of a reset that lost nothing says nothing", () => {
    const log = inside(hear(chat(1)), snapshot({ clientId: "me-again", reset: true, history: [chat(1), chat(2)] }));
    expect(seqs(log)).toEqual([1, 2]);
    expect(notices(log)).toEqual([]);
  });
});

describe("people", () => {
  const person = (id: string, at = T0 + 5) => ({ clientId: id, user: id, joinedAt: at });
  const joined = (id: string, at = T0 + 5, count = 2): LogEvent => ({
    type: "joined",
    member: person(id, at),
    count,
    now: at,
  });
  const left = (id: string, now = T0 + 6, reason = "left", count = 1): LogEvent => ({
    type: "left",
    clientId: id,
    user: id,
    reason,
    count,
    now,
  });
  const calls = (id: string, inCall: boolean): LogEvent => ({
    type: "call",
    clientId: id,
    user: id,
    inCall,
    now: T0 + 7,
  });

  test("come and go with a line each, in the order they came", () => {
    const log = inside(joined("cat", T0 + 9), joined("ben", T0 + 5), left("cat", T0 + 11, "lost"));
    expect(log.members.map((m) => m.clientId)).toEqual(["me", "ben"]);
    expect(log.lines).toMatchObject([{ what: "joined" }, { what: "joined" }, { what: "left", reason: "lost" }]);
  });

  test("get no line for my own coming or for a going that was known", () => {
    expect(notices(inside(joined("me"), left("who")))).toEqual([]);
  });

  test("come to the call and go, and take it along when they leave", () => {
    const log = inside(joined("ben"), calls("ben", true), calls("nobody", false));
    expect(log.members.map((m) => m.inCall ?? false)).toEqual([false, true]);
    expect(notices(log)).toEqual(["joined", "call"]);
    expect(play(log, calls("ben", false)).members.some((m) => m.inCall)).toBe(false);
    const back = play(log, left("ben"), joined("ben", T0 + 7));
    expect(back.members.some((m) => m.inCall)).toBe(false);
  });

  test("too many to list are counted, but for me and those in the call", () => {
    const many = ["ben", "cat", "dan"].map((id) => person(id));
    const members = [person("me", T0), { ...many[0]!, inCall: true }, many[1]!];
    const ids = (log: Log) => log.members.map((m) => m.clientId);
    for (const crowd of [
      inside(snapshot({ crowd: true, count: 240, members })),
      inside(joined("ben"), calls("ben", true), joined("cat"), { type: "presence", count: 240, members: null }),
    ]) {
      expect([memberCount(crowd), ids(crowd)]).toEqual([240, ["me", "ben"]]);
      const told = notices(crowd);
      const on = play(
        crowd,
        calls("eve", true),
        { type: "presence", count: 239, members: null },
        left("ben", T0 + 8, "left", 238),
      );
      expect([memberCount(on), ids(on), notices(on)]).toEqual([238, ["me", "eve"], told]);
      expect(ids(play(on, calls("eve", false)))).toEqual(["me"]);
      const few = play(on, { type: "presence", count: 4, members: [person("me", T0), ...many], now: T0 + 9 });
      const since = [...told, "callEnd"];
      expect([memberCount(few), ids(few), notices(few)]).toEqual([4, ["me", "ben", "cat", "dan"], since]);
      expect(notices(play(few, joined("fay")))).toEqual([...since, "joined"]);
    }
  });

  test("type until they speak, stop, leave or fall silent", () => {
    const types = (from: string, typing = true): LogEvent => ({ type: "typing", from, user: from, typing, now: T0 });
    const log = inside(joined("ben"), types("ben"), types("me"));
    expect(log.typing.map((t) => t.from)).toEqual(["ben"]);
    expect(nextTick(log)).toBe(T0 + TYPING_LASTS);
    for (const event of [
      hear(chat(1)),
      types("ben", false),
      left("ben", T0),
      { type: "tick", now: T0 + TYPING_LASTS } as LogEvent,
    ]) {
      expect(play(log, event).typing, event.type).toEqual([]);
    }
  });
});

test("the last member is the one whose leaving ends the messages", () => {
  expect(isLastOne(inside())).toBe(false);
  expect(isLastOne(inside(hear(chat(1))))).toBe(true);
  expect(
    isLastOne(
      inside(hear(chat(1)), {
        type: "joined",
        member: { clientId: "ben", user: "Ben", joinedAt: T0 },
        count: 2,
        now: T0,
      }),
    ),
  ).toBe(false);
});

describe("nothing is kept", () => {
  test("longer than the age, whether or not anybody writes", () => {
    const log = inside(hear(chat(1)), hear(chat(2)));
    expect(nextTick(log)).toBe(T0 + 1 + AGE);
    expect(seqs(play(log, { type: "tick", now: T0 + 1 + AGE }))).toEqual([2]);
    expect(seqs(play(log, { type: "tick", now: T0 + 2 + AGE }))).toEqual([]);
  });

  test("beyond the length", () => {
    const log = inside(...Array.from({ length: 152 }, (_, i) => hear(chat(i + 1))));
    expect([seqs(log)[0], seqs(log).length]).toEqual([3, 150]);
  });

  test("beyond a length that is short", () => {
    const short = snapshot({ limits: { ...LIMITS, historyLength: 3 } });
    expect(seqs(inside(short, ...[1, 2, 3, 4, 5].map((seq) => hear(chat(seq)))))).toEqual([3, 4, 5]);
  });

  test("beyond what a page can draw, and what goes there goes many at a time", () => {
    const long = snapshot({
      limits: { ...LIMITS, historyLength: 10_000 },
      history: Array.from({ length: 1_000 }, (_, i) => chat(i + 1)),
    });
    expect(seqs(inside(long)).length).toBe(1_000);
    const cut = seqs(inside(long, hear(chat(1_001))));
    expect([cut[0], cut.at(-1), cut.length]).toEqual([52, 1_001, 950]);
  });

  test("so short that what is said now could not be read", () => {
    const none = snapshot({ limits: { ...LIMITS, historyLength: 0 } });
    expect(seqs(inside(none, hear(chat(1)), hear(chat(2))))).toEqual([1, 2]);
  });
});

test("a lost link is one line, which tells when it is back and does not age away", () => {
  const down: LogEvent = { type: "connection", up: false, now: T0 };
  const lost = inside(down, down, { type: "tick", now: T0 + 120_000 });
  expect(notices(lost)).toEqual(["lost"]);
  expect(nextTick(lost)).toBeNull();
  expect(notices(play(lost, { type: "connection", up: true, now: T0 + 130_000 }))).toEqual(["back"]);
});

test("a link that comes and goes is told in one line until a message comes", () => {
  const flap: LogEvent[] = [
    { type: "connection", up: false, now: T0 },
    { type: "connection", up: true, now: T0 },
  ];
  const log = inside(...flap, ...flap);
  expect(notices(log)).toEqual(["back"]);
  expect(notices(play(log, hear(chat(1)), ...flap))).toEqual(["back", "back"]);
});

test("a seat remembered by the tab goes on where it was", () => {
  const seat = { clientId: "me", user: "Ann", lastN: 4, former: ["older"] };
  const log = play(
    emptyLog(seat),
    snapshot({ resumed: true, lastN: 3, history: [chat(1, { from: "older" }), chat(2, { from: "me", n: 4 })] }),
    ...say("five"),
  );
  expect(entries(log).map((l) => l.mine)).toEqual([true, true]);
  expect(log.outgoing[0]!.n).toBe(5);
});
