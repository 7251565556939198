import { describe, expect, test } from "vitest";
import type { Chat, Delete, Doubt, Edit, LogEntry, React, Snapshot } from "../protocol/frames";
import { mayDelete, mayEdit } from "./amendments";
import { entryEvent, type LogEvent, reduce } from "./log";
import { lostWords, nextToSend, toFrame } from "./outgoing";
import { LIMITS, snapshot } from "./log.fixture";
import { rows } from "./rows";
import { emptyLog, type Entry, type Log } from "./state";

const common = { from: "ben", user: "Ben", n: null };
const place = (seq: number) => ({ ...common, seq, at: seq * 1000, cursor: `e-${seq}` });
const chat = (seq: number, over: Partial<Chat> = {}): Chat => ({
  ...place(seq),
  type: "chat",
  text: `text ${seq}`,
  ...over,
});
const edit = (seq: number, target: number, text = "better", over: Partial<Edit> = {}): Edit => ({
  ...place(seq),
  type: "edit",
  target,
  text,
  ...over,
});
const del = (seq: number, target: number): Delete => ({ ...place(seq), type: "delete", target });
const react = (seq: number, target: number): React => ({
  ...place(seq),
  type: "react",
  target,
  text: "👍",
  on: true,
});

const welcome = (history: LogEntry[], over: Partial<Snapshot> = {}): LogEvent =>
  snapshot({ members: [], history, at: 10_000, ...over });
const play = (log: Log, ...events: (LogEvent | LogEntry)[]) =>
  events.reduce((log, event) => reduce(log, "seq" in event && "user" in event ? entryEvent(event) : event), log);
const joined = (history: LogEntry[], ...events: (LogEvent | LogEntry)[]) =>
  play(emptyLog(), welcome(history), ...events);
const entry = (log: Log, seq: number) => log.lines.find((l): l is Entry => l.kind === "entry" && l.seq === seq);
const row = (log: Log, seq: number) =>
  rows(log).find((r) => r.kind === "message" && "seq" in r.line && r.line.seq === seq);
const ack = (n: number, seq: number): LogEvent => ({ type: "ack", n, seq, at: seq * 1000, cursor: `e-${seq}` });
const sent: LogEvent = { type: "sent" };
const mine = (seq: number, over: Partial<Chat> = {}) => chat(seq, { from: "me", user: "Ann", ...over });
const editing = (target: number, text = "better"): LogEvent => ({
  type: "send",
  text,
  amends: { type: "edit", target },
  now: 10_000,
});
const deleting = (target: number): LogEvent => ({
  type: "send",
  text: "",
  amends: { type: "delete", target },
  now: 10_000,
});
const refused = (n: number, code: string): LogEvent => ({ type: "rejected", n, code, retryAfter: null, now: 10_000 });

describe("an edit", () => {
  test("replaces the text and says when; a second time it changes nothing", () => {
    const log = joined([chat(1), chat(2)], edit(3, 1));
    expect(entry(log, 1)).toMatchObject({ text: "better", edited: 3000, at: 1000 });
    expect([log.seq, log.cursor, log.lines.length]).toEqual([3, "e-3", 2]);
    expect(play(log, edit(3, 1)).lines).toBe(log.lines);
    const again = play(log, edit(4, 1, "best"));
    expect(play(again, edit(3, 1)).lines, "an older one after a newer one").toBe(again.lines);
    expect(entry(again, 1)).toMatchObject({ text: "best", edited: 4000 });
  });

  test("of what this page lacks, of a later message or by another member changes nothing", () => {
    const log = joined([chat(1), chat(2)]);
    for (const none of [
      edit(3, 9),
      edit(3, 3),
      edit(2, 2),
      edit(3, 1, "forged", { from: "eve" }),
      del(3, 9),
      del(1, 1),
    ])
      expect(play(log, none).lines, JSON.stringify(none)).toBe(log.lines);
    expect(play(log, edit(3, 9)).cursor).toBe("e-3");
  });

  test("that cannot be read takes the place of what could; a later one that can is read again", () => {
    const log = joined([chat(1)], edit(2, 1, "", { encryption: "undecryptable" }));
    expect(entry(log, 1)).toMatchObject({ text: "", encryption: "undecryptable", edited: 2000 });
    expect(entry(play(log, edit(3, 1)), 1)).not.toHaveProperty("encryption");
    const doubt = { is: "unencrypted", user: "Ben" } as const;
    const plain = play(log, edit(3, 1, "plain", { encryption: "unencrypted", doubt }));
    expect(entry(plain, 1)).toMatchObject({ text: "plain", encryption: "unencrypted", doubt });
  });
});

describe("a doubt", () => {
  const doubt = (is: Doubt["is"]) => ({ is, user: "Ben" });
  const plain = { encryption: "unencrypted", doubt: doubt("unencrypted") } as const;

  test("that came with an edit goes with the next", () => {
    const log = joined([chat(1)], edit(2, 1, "plain", plain));
    expect(entry(log, 1)).toMatchObject(plain);
    const next = entry(play(log, edit(3, 1, "sealed")), 1);
    expect(next).toMatchObject({ text: "sealed" });
    expect([next!.doubt, next!.encryption]).toEqual([undefined, undefined]);
  });

  test("about the author or the place of a message stays, whatever its words", () => {
    const log = joined([chat(1, { doubt: doubt("fork") })], edit(2, 1, "plain", plain));
    expect(entry(log, 1)).toMatchObject({ doubt: doubt("fork"), encryption: "unencrypted" });
    expect(entry(play(log, edit(3, 1)), 1)).toMatchObject({ text: "better", doubt: doubt("fork") });
  });

  test("is told by a history that has newer words", () => {
    const log = joined([chat(1)]);
    const told = chat(1, { text: "plain", edited: 5000, ...plain });
    expect(entry(play(log, welcome([told])), 1)).toMatchObject({ text: "plain", ...plain });
    const again = play(log, welcome([told]), welcome([chat(1, { text: "sealed", edited: 6000 })]));
    expect([entry(again, 1)!.text, entry(again, 1)!.doubt]).toEqual(["sealed", undefined]);
  });
});

describe("a delete", () => {
  test("leaves a place without text, reactions and quote; a second time, and with later changes, it changes nothing", () => {
    const log = joined([chat(1), chat(2, { replyTo: 1 })], react(3, 2), edit(4, 2), del(5, 2));
    expect(entry(log, 2)).toEqual({
      kind: "entry",
      key: entry(log, 2)!.key,
      seq: 2,
      from: "ben",
      user: "Ben",
      at: 2000,
      mine: false,
      text: "",
      deleted: true,
    });
    for (const late of [del(6, 2), edit(6, 2), react(6, 2)]) expect(play(log, late).lines).toBe(log.lines);
    expect(JSON.stringify(log)).not.toContain("text 2");
  });
});

describe("unread", () => {
  const away: LogEvent = { type: "visibility", visible: false };
  const back: LogEvent = { type: "visibility", visible: true };

  test("is raised by messages and by no amendment", () => {
    const log = joined([chat(1)], away, edit(2, 1), react(3, 1), del(4, 1));
    expect([log.unread, log.firstUnread]).toEqual([0, null]);
    expect(play(log, chat(5)).unread).toBe(1);
    expect(play(log, welcome([chat(5, { deleted: true, text: "" })], { resumed: true })).unread).toBe(0);
  });

  test("begins at the first message that came while the page was hidden, until it is hidden again", () => {
    let log = joined([chat(1)], away, mine(2), chat(3), chat(4));
    expect(log.firstUnread).toBe(3);
    log = play(log, back, chat(5));
    expect([log.firstUnread, log.unread]).toEqual([3, 0]);
    expect(play(log, welcome([chat(3), chat(4), chat(5)], { reset: true })).firstUnread).toBe(3);
    const other = [1, 2, 3, 4, 5].map((seq) => chat(seq, { from: "cy" }));
    for (const anew of [[chat(1)], [], other]) expect(play(log, welcome(anew, { reset: true })).firstUnread).toBeNull();
    log = play(log, away);
    expect(log.firstUnread).toBeNull();
    log = play(log, away, chat(6), away);
    expect(log.firstUnread).toBe(6);
  });
});

describe("a history", () => {
  test("shows the final state", () => {
    const log = joined([
      chat(1, { text: "newest", edited: 3000, reactions: [{ from: "cy", text: "👍" }] }),
      chat(2, { text: "", deleted: true, replyTo: 1 }),
      chat(3, { replyTo: 1 }),
    ]);
    expect(entry(log, 1)).toMatchObject({ text: "newest", edited: 3000, reactions: [{ emoji: "👍", on: true }] });
    expect(entry(log, 2)).toMatchObject({ text: "", deleted: true });
    expect([entry(log, 2)!.replyTo, entry(log, 3)!.replyTo]).toEqual([undefined, 1]);
    // What came before the history, told again.
    const again = play(log, edit(4, 1, "newest", { at: 3000 }), del(5, 2), { ...react(6, 1), from: "cy" });
    expect(entry(again, 1)).toMatchObject({ text: "newest", edited: 3000 });
    expect(entry(again, 1)!.reactions).toHaveLength(1);
  });

  test("of a resume amends what lies before the cursor", () => {
    const log = joined([chat(1), chat(2)], welcome([edit(3, 1), del(4, 2), chat(6), react(5, 1)], { resumed: true }));
    expect(entry(log, 1)).toMatchObject({ text: "better", reactions: [{ emoji: "👍" }] });
    expect(entry(log, 2)).toMatchObject({ deleted: true });
    expect(log.seq).toBe(6);
  });

  test("tells what is new of a message that this page has from an ack already", () => {
    const said = joined([], { type: "send", text: "mine", now: 0 }, sent, { ...ack(1, 3), cursor: null } as LogEvent);
    const key = entry(said, 3)!.key;
    const told = mine(3, { text: "mine, better", edited: 5000, reactions: [{ from: "ben", text: "👍" }] });
    for (const log of [play(said, welcome([told], { resumed: true })), play(said, told), play(said, told, told)]) {
      expect(log.lines).toHaveLength(1);
      expect(entry(log, 3)).toMatchObject({ key, text: "mine, better", edited: 5000 });
      expect(entry(log, 3)!.reactions).toHaveLength(1);
    }
    expect(entry(play(said, mine(3, { text: "", deleted: true })), 3)).toMatchObject({ deleted: true, text: "" });
    expect(play(said, mine(3, { text: "mine" })).lines, "and nothing where nothing is").toBe(said.lines);
    const newer = play(said, editing(3, "newest"), sent, ack(2, 9));
    expect(entry(play(newer, told), 3), "an older answer").toMatchObject({ text: "newest", edited: 9000 });
  });

  test("told anew says that something is gone only where it is", () => {
    const before = joined([chat(1), chat(2)]);
    const gone = (history: LogEntry[]) => {
      const log = play(before, welcome(history, { reset: true }));
      return log.lines.some((l) => l.kind === "notice" && l.what === "gone");
    };
    expect(gone([chat(1, { text: "other", edited: 9 }), chat(2, { text: "", deleted: true })])).toBe(false);
    expect(gone([chat(1, { text: "other" }), chat(2)])).toBe(true);
    expect(gone([chat(1, { from: "eve", deleted: true, text: "" }), chat(2)])).toBe(true);
    expect(gone([chat(2)])).toBe(true);
  });
});

describe("a reply", () => {
  test("is sent with what it answers, and quotes it until that is gone", () => {
    let log = joined([chat(1)], { type: "send", text: "so do I", replyTo: 1, now: 10_000 });
    expect(toFrame(nextToSend(log)!, "so do I")).toEqual({ type: "chat", text: "so do I", n: 1, replyTo: 1 });
    expect(rows(log).at(-1)).toMatchObject({ quoted: { seq: 1, text: "text 1" } });
    log = play(log, sent, ack(1, 2));
    expect(row(log, 2)).toMatchObject({ quoted: { seq: 1 } });
    expect(row(play(log, edit(3, 1)), 2)).toMatchObject({ quoted: { text: "better" } });
    expect(row(play(log, del(3, 1)), 2)).toMatchObject({ quoted: null });
    const late = play(log, { type: "tick", now: 1_801_500 });
    expect([entry(late, 1), row(late, 2)]).toMatchObject([undefined, { quoted: null }]);
    expect(row(log, 1)).toMatchObject({ quoted: undefined });
  });

  test("quotes nothing that was trimmed, and none that never was", () => {
    const many = Array.from({ length: LIMITS.historyLength }, (_, at) =>
      chat(at + 1, { at: 9000, ...(at === LIMITS.historyLength - 1 ? { replyTo: 1 } : {}) }),
    );
    const log = joined(many);
    expect(row(log, LIMITS.historyLength)).toMatchObject({ quoted: { seq: 1 } });
    expect(row(play(log, chat(LIMITS.historyLength + 1)), LIMITS.historyLength)).toMatchObject({ quoted: null });
    expect(row(joined([chat(5, { replyTo: 77 })]), 5)).toMatchObject({ quoted: null });
  });

  test("refused because what it answers is gone goes again without", () => {
    const log = joined([], { type: "send", text: "hm", replyTo: 1, now: 0 }, sent, refused(1, "no_target"));
    expect(log.outgoing).toMatchObject([{ state: "failed", why: "no_target", replyTo: 1 }]);
    const again = play(log, { type: "retry", key: log.outgoing[0]!.key, now: 0 });
    expect(toFrame(nextToSend(again)!, "hm")).toEqual({ type: "chat", text: "hm", n: 2 });
    const full = joined([], { type: "send", text: "hm", replyTo: 1, now: 0 }, sent, refused(1, "store_full"));
    expect(play(full, { type: "retry", key: full.outgoing[0]!.key, now: 0 }).outgoing).toMatchObject([{ replyTo: 1 }]);
  });
});

describe("an amendment of this page", () => {
  test("waits for its ack, then shows", () => {
    let log = joined([mine(1), chat(2)], editing(1));
    expect(toFrame(nextToSend(log)!, "sealed")).toEqual({ type: "edit", target: 1, text: "sealed", n: 1 });
    expect([row(log, 1), row(log, 2)]).toMatchObject([
      { pending: true, refused: undefined, line: { text: "text 1" } },
      { pending: false },
    ]);
    expect(rows(log)).toHaveLength(2);
    log = play(log, sent, ack(1, 3));
    expect(row(log, 1)).toMatchObject({ pending: false, line: { text: "better", edited: 3000 } });
    log = play(log, deleting(1));
    expect(toFrame(nextToSend(log)!, "")).toEqual({ type: "delete", target: 1, n: 2 });
    expect(row(log, 1)).toMatchObject({ pending: true, line: { text: "better" } });
    log = play(log, sent, ack(2, 4));
    expect(row(log, 1)).toMatchObject({ pending: false, line: { text: "", deleted: true } });
    expect(log.outgoing).toEqual([]);
  });

  test("is answered by its own frame as well as by an ack", () => {
    const own = { from: "me", n: 1 };
    const log = joined([mine(1)], editing(1), sent, edit(2, 1, "better", own));
    expect([log.outgoing, entry(log, 1)]).toMatchObject([[], { text: "better" }]);
    expect(play(log, ack(1, 2)).lines).toBe(log.lines);
  });

  test("that is refused leaves the message as it was, with the reason, which can be dismissed or tried again", () => {
    const log = joined([mine(1)], editing(1), sent, refused(1, "too_late"));
    expect(row(log, 1)).toMatchObject({ pending: false, refused: { why: "too_late" }, line: { text: "text 1" } });
    const { key } = log.outgoing[0]!;
    expect(row(play(log, { type: "discard", key }), 1)).toMatchObject({ refused: undefined });
    const again = play(log, { type: "retry", key, now: 0 });
    expect(again.outgoing).toMatchObject([{ n: 2, amends: { type: "edit", target: 1 } }]);
    expect(row(again, 1)).toMatchObject({ pending: true, refused: undefined });
    const other = play(log, editing(1, "other"));
    expect([other.outgoing.length, row(other, 1)]).toMatchObject([1, { pending: true }]);
    expect(play(log, deleting(1), sent, ack(2, 3)).outgoing).toEqual([]);
  });

  test("that failed before a later one was taken is forgotten", () => {
    const log = joined([mine(1)], editing(1, "a"), editing(1, "b"), sent, refused(1, "internal"), sent, ack(2, 2));
    expect([log.outgoing, entry(log, 1)]).toMatchObject([[], { text: "b" }]);
  });

  test("of a message that is gone says nothing", () => {
    expect(joined([mine(1)], editing(1), sent, del(2, 1), refused(1, "no_target")).outgoing).toEqual([]);
    const log = joined([mine(1)], editing(1), sent, refused(1, "too_late"));
    expect(play(log, { type: "tick", now: 1_801_500 }).outgoing).toEqual([]);
  });

  test("that is dropped says which words are lost: not those that the message has, nor those of a deleted one", () => {
    const log = joined([mine(1)], editing(1), sent);
    const lost = (history: LogEntry[]) =>
      lostWords(log, play(log, welcome(history, { clientId: "me-again", reset: true })));
    expect(lost([chat(1), chat(2)]), "a room that began anew").toEqual(["better"]);
    expect(lost([mine(1)]), "still shown as refused").toEqual([]);
    expect(lost([mine(1, { text: "better", edited: 9000 })])).toEqual([]);
    expect(lost([mine(1, { text: "", deleted: true })])).toEqual([]);
    expect(lostWords(log, play(log, { type: "tick", now: 1_801_500 }, refused(1, "no_target")))).toEqual(["better"]);
  });

  test("goes again under the same seat, and not under another", () => {
    const log = joined([mine(1), mine(2), mine(3)], editing(1), deleting(2), editing(3, "text 3, better"), sent);
    const same = play(log, welcome([], { resumed: true }));
    expect(nextToSend(same)).toMatchObject({ n: 1, sent: true });
    const other = (history: LogEntry[]) => play(log, welcome(history, { clientId: "me-again", reset: true })).outgoing;
    const done = mine(3, { text: "text 3, better", edited: 9000 });
    expect(other([mine(1), mine(2, { text: "", deleted: true }), done])).toMatchObject([
      { state: "failed", why: "not_yours", amends: { target: 1 } },
    ]);
    expect(other([chat(1), chat(2)]), "a room that began anew").toEqual([]);
  });

  test("a reply that was not sent keeps what it answers only where that is what it was", () => {
    const log = joined([chat(1)], { type: "send", text: "hm", replyTo: 1, now: 0 });
    const other = (history: LogEntry[]) => play(log, welcome(history, { clientId: "me-again" })).outgoing[0]!;
    expect(other([chat(1)])).toMatchObject({ replyTo: 1, n: 1 });
    expect(other([chat(1, { at: 1 })])).not.toHaveProperty("replyTo");
  });
});

test("a message can be edited by its author for some time, and deleted always", () => {
  const log = joined([
    mine(1),
    chat(2),
    mine(3, { text: "", deleted: true }),
    mine(4, { encryption: "undecryptable" }),
  ]);
  const can = (seq: number, now: number) => [mayEdit(log, entry(log, seq)!, now), mayDelete(log, entry(log, seq)!)];
  expect(can(1, 900_999)).toEqual([true, true]);
  expect(can(1, 901_000)).toEqual([false, true]);
  expect([can(2, 0), can(3, 0), can(4, 0)]).toEqual([
    [false, false],
    [false, false],
    [false, true],
  ]);
  const again = play(log, welcome([mine(1)], { clientId: "me-again", reset: true }));
  expect(mayDelete(again, entry(again, 1)!), "under another seat").toBe(false);
  const unkept = play(emptyLog(), welcome([mine(1)], { limits: { ...LIMITS, historyLength: 0 } }));
  const line = entry(log, 1)!;
  expect([mayDelete(unkept, line), mayEdit(unkept, line, 0)], "where the server keeps none").toEqual([false, false]);
});
