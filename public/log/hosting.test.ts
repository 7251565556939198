import { expect, test } from "vitest";
import type { Member, Rules } from "../protocol/frames";
import { mayDelete, mayEdit } from "./amendments";
import { messageAge } from "./lines";
import { type LogEvent, nextTick, reduce } from "./log";
import { LIMITS, snapshot, T0 } from "./log.fixture";
import { emptyLog, type Entry, isHost, type Log, type Notice } from "./state";

const OPEN: Rules = { lock: "open", history: "all" };
const me: Member = { clientId: "me", user: "Ann", joinedAt: T0, host: true };
const ben: Member = { clientId: "ben", user: "Ben", joinedAt: T0 + 1 };
const inside = (...events: LogEvent[]) =>
  [snapshot({ rules: OPEN, members: [me, ben], count: 2 }), ...events].reduce(reduce, emptyLog());
const host = (clientId: string, user: string): LogEvent => ({ type: "host", clientId, user, now: T0 + 5 });
const rules = (rules: Rules, ...muted: string[]): LogEvent => ({ type: "rules", rules, muted, now: T0 + 6 });
const notices = (log: Log) => log.lines.filter((l): l is Notice => l.kind === "notice");
const hosts = (log: Log) => log.members.filter((m) => m.host).map((m) => m.clientId);

test("a room from an older server has no rules, no host and no knocks", () => {
  const log = [snapshot()].reduce(reduce, emptyLog());
  expect([log.rules, log.knocks, isHost(log), hosts(log)]).toEqual([null, [], false, []]);
});

test("one member is the host, and another becomes it with a notice", () => {
  const log = inside();
  expect([hosts(log), isHost(log), notices(log)]).toEqual([["me"], true, []]);
  const next = reduce(log, host("ben", "Ben"));
  expect([hosts(next), isHost(next)]).toEqual([["ben"], false]);
  expect(notices(next)).toMatchObject([{ what: "host", user: "Ben", from: "ben", at: T0 + 5 }]);
});

test("a new host that joins, and one in a list of members, are hosts too", () => {
  const cat: Member = { clientId: "cat", user: "Cat", joinedAt: T0 + 2, muted: true };
  const log = inside({ type: "joined", member: cat, count: 3, now: T0 + 2 });
  expect(log.members.find((m) => m.clientId === "cat")?.muted).toBe(true);
  const listed = reduce(log, { type: "presence", count: 2, members: [ben, { ...cat, host: true }] });
  expect(hosts(listed)).toEqual(["cat"]);
});

test("new rules replace the old ones, and a notice has both", () => {
  const locked: Rules = { ...OPEN, lock: "locked", title: "Plans" };
  const log = inside(rules(locked));
  expect(log.rules).toEqual(locked);
  expect(notices(log)).toMatchObject([
    { what: "rules", change: { before: OPEN, after: locked, muted: [], unmuted: [] } },
  ]);
  // A node may repeat them.
  expect(reduce(log, rules({ ...locked })).lines).toBe(log.lines);
});

test("who is muted is known, and told by name", () => {
  const log = inside(rules(OPEN, "ben"));
  expect(log.members.filter((m) => m.muted).map((m) => m.user)).toEqual(["Ben"]);
  expect(notices(log)).toMatchObject([{ change: { muted: ["Ben"], unmuted: [] } }]);
  const heard = reduce(log, rules(OPEN));
  expect(heard.members.some((m) => m.muted)).toBe(false);
  expect(notices(heard).at(-1)).toMatchObject({ change: { muted: [], unmuted: ["Ben"] } });
});

test("who knocks waits once, until it is over or another is the host", () => {
  const knock = (clientId: string): LogEvent => ({ type: "knock", clientId, user: "Eve" });
  const log = inside(knock("e1"), knock("e2"), knock("e1"));
  expect(log.knocks.map((k) => k.clientId)).toEqual(["e2", "e1"]);
  expect(reduce(log, { type: "knock-over", clientId: "e2" }).knocks.map((k) => k.clientId)).toEqual(["e1"]);
  expect(reduce(log, host("ben", "Ben")).knocks).toEqual([]);
  expect(reduce(log, host("me", "Ann")).knocks).toHaveLength(2);
  expect(reduce(log, snapshot({ resumed: true, knocks: [] })).knocks).toEqual([]);
});

test("messages disappear after the age of the room, where that is sooner than the server's", () => {
  const chat = { type: "chat", seq: 1, from: "ben", user: "Ben", text: "hi", at: T0, cursor: "e-1", n: null } as const;
  const log = inside({ type: "chat", chat }, rules({ ...OPEN, messageAge: 60 }));
  expect([messageAge(inside()), messageAge(log), nextTick(log)]).toEqual([LIMITS.historyAge, 60, T0 + 60_000]);
  const later = reduce(log, { type: "tick", now: T0 + 60_001 });
  expect(later.lines.some((l) => l.kind === "entry")).toBe(false);
  expect(messageAge(inside(rules({ ...OPEN, messageAge: 1e6 })))).toBe(LIMITS.historyAge);
});

test("the host may delete what others wrote, and edit only its own", () => {
  const chat = { type: "chat", seq: 1, from: "ben", user: "Ben", text: "hi", at: T0, cursor: "e-1", n: null } as const;
  const log = inside({ type: "chat", chat });
  const entry = (log: Log) => log.lines.find((l): l is Entry => l.kind === "entry")!;
  expect([mayDelete(log, entry(log)), mayEdit(log, entry(log), T0)]).toEqual([true, false]);
  const other = reduce(log, host("ben", "Ben"));
  expect(mayDelete(other, entry(other))).toBe(false);
  const del = { type: "delete", seq: 2, target: 1, from: "me", user: "Ann", at: T0, cursor: "e-2", n: null } as const;
  expect(entry(reduce(log, { type: "delete", del })).deleted).toBe(true);
});

test("all messages of a member are deleted at once, and what the server counted for that is not counted again", () => {
  const chat = (seq: number, from: string): LogEvent => ({
    type: "chat",
    chat: { type: "chat", seq, from, user: from, text: `text ${seq}`, at: T0, cursor: `e-${seq}`, n: null },
  });
  const log = inside(chat(1, "ben"), chat(2, "me"), { type: "purge", from: "ben" });
  expect(log.lines).toMatchObject([{ text: "", deleted: true }, { text: "text 2" }]);
  const acked = reduce(log, { type: "ack", n: 5, seq: 3, at: T0, cursor: "e-3" });
  expect([acked.lastN, acked.seq]).toEqual([5, 3]);
  const sent = reduce(acked, { type: "send", text: "next", now: T0 });
  expect(sent.outgoing.map((o) => o.n)).toEqual([6]);
});
