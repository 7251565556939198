import { expect, test } from "vitest";
import type { Member } from "../protocol/frames";
import { comings, fold } from "../views/fold";
import { toJson, toText } from "./export";
import { type LogEvent, reduce } from "./log";
import { snapshot, T0 } from "./log.fixture";
import { rows } from "./rows";
import { emptyLog, type Log, type Notice } from "./state";

const member = (clientId: string, user: string): Member => ({ clientId, user, joinedAt: T0 });
const chat = (seq: number, from: string, user: string): LogEvent => ({
  type: "chat",
  chat: { type: "chat", seq, from, user, text: `text ${seq}`, at: T0 + seq, cursor: `e-${seq}`, n: null },
});
const renamed = (clientId: string, previous: string, user: string): LogEvent => ({
  type: "renamed",
  clientId,
  user,
  previous,
  now: T0 + 50,
});
const joined = (clientId: string, user: string): LogEvent => ({
  type: "joined",
  member: member(clientId, user),
  count: 3,
  now: T0 + 50,
});
const left = (clientId: string, user: string): LogEvent => ({
  type: "left",
  clientId,
  user,
  reason: "left",
  count: 2,
  now: T0 + 50,
});
const members = [{ ...member("me", "Ann"), joinedAt: T0 - 1 }, member("ben", "Ben")];
const inside = (...events: LogEvent[]) => [snapshot({ count: 2, members }), ...events].reduce(reduce, emptyLog());
const notices = (log: Log) => log.lines.filter((l): l is Notice => l.kind === "notice");
const names = (log: Log) => log.members.map((m) => m.user);

test("a new name is a line, and the list and the typing line have it; what was said keeps the old one", () => {
  const typing: LogEvent = { type: "typing", from: "ben", user: "Ben", typing: true, now: T0 + 40 };
  const log = inside(chat(1, "ben", "Ben"), typing, renamed("ben", "Ben", "Benny"), chat(2, "cid", "Cid"));
  expect(notices(log).map(({ what, previous, user, from }) => [what, previous, user, from])).toEqual([
    ["renamed", "Ben", "Benny", "ben"],
  ]);
  expect(names(log)).toEqual(["Ann", "Benny"]);
  expect(log.typing.map((t) => t.user)).toEqual(["Benny"]);
  expect(log.lines.flatMap((l) => (l.kind === "entry" ? [l.user] : []))).toEqual(["Ben", "Cid"]);
  expect(log.me?.user).toBe("Ann");
});

test("one's own new name is told once, by the answer or by the frame", () => {
  const log = inside(renamed("me", "Ann", "Anna"), renamed("me", "Ann", "Anna"));
  expect([log.me?.user, names(log), notices(log).length]).toEqual(["Anna", ["Anna", "Ben"], 1]);
  // In a crowd only the answer comes, and the others are unknown.
  const crowd = [snapshot({ crowd: true, count: 240 }), renamed("me", "Ann", "Anna"), renamed("x", "X", "Y")];
  const big = crowd.reduce(reduce, emptyLog());
  expect([big.me?.user, names(big), notices(big).length]).toEqual(["Anna", ["Anna"], 1]);
});

test("messages under another name get a heading of their own", () => {
  const log = inside(chat(1, "ben", "Ben"), chat(2, "ben", "Ben"), chat(3, "ben", "Benny"));
  expect(rows(log).map((row) => row.kind === "message" && [row.user, row.head, row.tail])).toEqual([
    ["Ben", true, false],
    ["Ben", false, true],
    ["Benny", true, true],
  ]);
});

test("new names are one line with joins and leaves, and of several in a row the last counts", () => {
  const log = inside(
    joined("cid", "Cid"),
    renamed("ben", "Ben", "Benny"),
    renamed("cid", "Cid", "Sid"),
    renamed("ben", "Benny", "Benjamin"),
    joined("dee", "Dee"),
    renamed("dee", "Dee", "Di"),
    left("dee", "Di"),
  );
  const drawn = fold(rows(log), null);
  expect(drawn).toHaveLength(1);
  const folded = comings(notices(log));
  expect(folded.joined.map((n) => n.user)).toEqual(["Sid"]);
  expect(folded.renamed.map((n) => [n.previous, n.user])).toEqual([["Ben", "Benjamin"]]);
  expect(folded.left.map((n) => n.user)).toEqual(["Di"]);
  const back = comings(notices(inside(renamed("ben", "Ben", "Benny"), renamed("ben", "Benny", "Ben"))));
  expect(back.renamed).toEqual([]);
});

test("an export has what was said, and neither joins nor new names", () => {
  const texts = {
    time: () => "12:00",
    edited: "",
    deleted: "",
    undecryptable: "",
    unencrypted: "",
    doubtful: "",
    file: () => "",
  };
  const log = inside(chat(1, "ben", "Ben"), renamed("ben", "Ben", "Benny"), joined("cid", "Cid"));
  for (const out of [toText(log, { ...texts, gone: "" }), toJson(log, "general", T0)]) {
    expect(out).toContain("text 1");
    expect(out).not.toMatch(/Benny|Cid/);
  }
});
