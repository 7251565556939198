import { expect, test } from "vitest";
import { rows } from "../log/rows";
import { emptyLog, type Entry, type Log, type Notice } from "../log/state";
import { comings, fold } from "./fold";

const NOON = new Date(2026, 0, 2, 12, 0, 0).getTime();
let key = 0;

const notice = (what: Notice["what"], from: string): Notice => ({
  kind: "notice",
  key: (key += 1),
  at: NOON,
  what,
  user: from.toUpperCase(),
  from,
  reason: "left",
});
const entry = (seq: number): Entry => ({
  kind: "entry",
  key: (key += 1),
  seq,
  from: "ben",
  user: "Ben",
  text: "x",
  at: NOON,
  mine: false,
});
const log = (...lines: Log["lines"]): Log => ({ ...emptyLog(), me: { clientId: "me", user: "Ann" }, lines });
const shape = (of: ReturnType<typeof fold>) =>
  of.map((line) => (line.kind === "notice" ? line.notices.map((n) => `${n.what} ${n.from}`) : line.kind));

test("joins and leaves in a row are one line, and nothing else is", () => {
  const lines = [
    notice("joined", "a"),
    notice("joined", "b"),
    notice("left", "a"),
    entry(1),
    notice("joined", "c"),
    notice("lost", ""),
    notice("gone", ""),
    notice("left", "c"),
  ];
  expect(shape(fold(rows(log(...lines)), null))).toEqual([
    ["joined a", "joined b", "left a"],
    "message",
    ["joined c"],
    ["lost "],
    ["gone "],
    ["left c"],
  ]);
});

test("a line that grows keeps its key, and one that does not stays the same object", () => {
  const [one, two, three] = [notice("joined", "a"), entry(1), notice("joined", "b")];
  const before = fold(rows(log(one, two, three)), null);
  const after = fold(rows(log(one, two, three, notice("left", "b"))), null, before);
  expect(after[0]).toBe(before[0]);
  expect(after[2]).not.toBe(before[2]);
  expect(after[2]!.key).toBe(before[2]!.key);
});

test("unread messages begin below a line of their own", () => {
  const all = rows(log(entry(1), entry(2), entry(3)));
  expect(shape(fold(all, 2))).toEqual(["message", "unread", "message", "message"]);
  expect(shape(fold(all, 9))).toEqual(["message", "message", "message"]);
  expect(shape(fold(all, null))).toEqual(["message", "message", "message"]);
});

test("where the first unread message is gone, the line is before the next one of others", () => {
  const all = rows(log(entry(1), { ...entry(3), from: "me", mine: true }, entry(4), entry(5)));
  expect(shape(fold(all, 2))).toEqual(["message", "message", "unread", "message", "message"]);
});

test("of each who came and went the last counts", () => {
  const { joined, left } = comings([
    notice("joined", "a"),
    notice("left", "b"),
    notice("left", "a"),
    notice("joined", "c"),
    notice("joined", "b"),
  ]);
  expect([joined.map((n) => n.from), left.map((n) => n.from)]).toEqual([["c", "b"], ["a"]]);
});

test("a name that was changed and changed back is no line", () => {
  const renamed = (from: string, previous: string, user: string) => ({ ...notice("renamed", from), previous, user });
  const there = [renamed("b", "Ben", "Benny"), renamed("b", "Benny", "Ben")];
  expect(shape(fold(rows(log(entry(1), ...there, entry(2))), null))).toEqual(["message", "message"]);
  expect(shape(fold(rows(log(entry(1), there[0]!, entry(2), there[1]!)), null))).toHaveLength(4);
  const { joined, renamed: named, left } = comings([...there, notice("joined", "c")]);
  expect([joined.length, named.length, left.length]).toEqual([1, 0, 0]);
});

test("a member who took another name and left has done both, under the name that the messages above have", () => {
  const taken = { ...notice("renamed", "b"), previous: "Ben", user: "Benny" };
  const gone = { ...notice("left", "b"), user: "Benny" };
  const { renamed, left } = comings([taken, gone]);
  expect(renamed.map(({ previous, user }) => [previous, user])).toEqual([["Ben", "Benny"]]);
  expect(left.map(({ user }) => user)).toEqual(["Benny"]);
  const late = comings([notice("joined", "b"), taken, gone]);
  expect([late.joined.length, late.renamed.length, late.left.length], "under no other name before").toEqual([0, 0, 1]);
});

test("a call and its end are one line where nothing stands between them", () => {
  const [began, ended] = [notice("call", "a"), notice("callEnd", "a")];
  expect(shape(fold(rows(log(notice("joined", "b"), began, ended, notice("left", "b"))), null))).toEqual([
    ["joined b"],
    ["call a", "callEnd a"],
    ["left b"],
  ]);
  expect(shape(fold(rows(log(began, entry(1), ended)), null))).toEqual([["call a"], "message", ["callEnd a"]]);
});
