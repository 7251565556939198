import { expect, test } from "vitest";
import { names } from "../log/mention";
import { emptyLog, type Entry, type Log } from "../log/state";
import { isForMe, newsOf, notificationOf } from "./news";
import { MORE } from "./texts";

const line = (seq: number, text: string, more: Partial<Entry> & { replyTo?: number } = {}): Entry => ({
  kind: "entry",
  key: seq,
  seq,
  from: "ben",
  user: "Ben",
  text,
  at: seq * 1_000,
  mine: false,
  ...more,
});
const mine = (seq: number, text: string) => line(seq, text, { from: "me", user: "Ann", mine: true });
const logOf = (lines: Entry[], unread: number): Log => ({
  ...emptyLog(),
  me: { clientId: "me", user: "Ann" },
  former: ["was-me"],
  lines,
  unread,
});

test("news is what the unread messages grew by, and never one's own", () => {
  const log = logOf([line(1, "read"), line(2, "new"), mine(3, "mine"), line(4, "newer")], 2);
  expect(newsOf(log, 0).map(({ seq }) => seq)).toEqual([2, 4]);
  expect(newsOf(log, 1).map(({ seq }) => seq)).toEqual([4]);
  expect(newsOf(log, 2)).toEqual([]);
  expect(newsOf({ ...log, unread: 0 }, 2)).toEqual([]);
});

test("a deleted message is no news, nor is a read one in its place", () => {
  const gone = line(3, "", { deleted: true });
  expect(newsOf(logOf([line(1, "read"), line(2, "new"), gone], 1), 0).map(({ seq }) => seq)).toEqual([2]);
  expect(newsOf({ ...logOf([line(1, "read"), gone], 1), firstUnread: 3 }, 0)).toEqual([]);
});

test("a name is named by @ and the whole of it, in any case", () => {
  for (const said of ["@Ann", "hi @ann!", "(@ANN)", "@Ann's", "look, @Ann: here", "@Anna and @Ann"])
    expect(names(said, "Ann"), said).toBe(true);
  for (const said of ["Ann", "@Anna", "@Ann_", "joe@ann", "@ Ann", "@Аnn", ""])
    expect(names(said, "Ann"), said).toBe(false);
  expect(names("спроси @анну и @аня", "Аня")).toBe(true);
  expect(names("спроси @анну", "Ан")).toBe(false);
  expect(names("see @ann lee.", "Ann Lee")).toBe(true);
  expect(names("@e\u0301va", "Éva")).toBe(true);
  expect(names("a regexp? @a.b(", "a.b(")).toBe(true);
});

test("a longer name of another member is not one's own", () => {
  const members = ["Ann", "Ann Lee", "Ben"];
  for (const said of ["@Ann Lee", "hi @ann lee!"]) expect(names(said, "Ann", members), said).toBe(false);
  for (const said of ["@Ann Leeds", "@Ann, Lee", "@Ann Lee and @Ann", "@Ann"])
    expect(names(said, "Ann", members), said).toBe(true);
  expect(names("@Ann Lee", "Ann", ["Ann"])).toBe(true);
  expect(names("@Ann Lee", "Ann Lee", members)).toBe(true);
  const log = logOf([], 0);
  const lee = { clientId: "lee", user: "Ann Lee" } as Log["members"][number];
  expect(isForMe({ ...log, members: [lee] }, line(4, "@Ann Lee"))).toBe(false);
});

test("what answers one's own message is for the person, from an earlier seat too", () => {
  const log = logOf([mine(1, "who?"), line(2, "other"), line(3, "old", { from: "was-me", mine: true })], 0);
  expect(isForMe(log, line(4, "me", { replyTo: 1 }))).toBe(true);
  expect(isForMe(log, line(4, "me", { replyTo: 3 }))).toBe(true);
  expect(isForMe(log, line(4, "me", { replyTo: 2 }))).toBe(false);
  expect(isForMe(log, line(4, "@Ann"))).toBe(true);
  expect(isForMe(log, line(4, "@Ann", { encryption: "undecryptable" }))).toBe(false);
  expect(isForMe({ ...log, me: null }, line(4, "@Ann"))).toBe(false);
});

test("a notification shows the text where it may, cut to what can be read", () => {
  const t = MORE.en;
  expect(notificationOf([line(1, "hello\n\n  there")], true, t)).toEqual({ title: "Ben", body: "hello there" });
  expect(notificationOf([line(1, "hello")], false, t)).toEqual({ title: "Ben", body: "New message" });
  expect(notificationOf([line(1, "a"), line(2, "b")], true, t)).toEqual({ title: "2 new messages", body: "Ben: b" });
  const hidden = notificationOf([line(1, "a"), line(2, "b")], false, t);
  expect(hidden).toEqual({ title: "2 new messages", body: "The latest from Ben" });
  const sealed = notificationOf([line(1, "sealed2.abc", { encryption: "undecryptable" })], true, t);
  expect(sealed.body).toBe("New message");
  const { body } = notificationOf([line(1, "😀".repeat(400))], true, t);
  expect(body).toBe(`${"😀".repeat(160)}…`);
});
