import { describe, expect, test } from "vitest";
import { emptyLog, type Entry, type Log } from "./state";
import { initials, rows, nameTags } from "./rows";

const NOON = new Date(2026, 0, 2, 12, 0, 0).getTime();

const entry = (seq: number, from: string, at: number, user = from): Entry => ({
  kind: "entry",
  key: seq,
  seq,
  from,
  user,
  text: "x",
  at,
  mine: from === "me",
});

const withLines = (...lines: Log["lines"]): Log => ({ ...emptyLog(), me: { clientId: "me", user: "Ann" }, lines });

describe("rows", () => {
  test("gather what one author says within a minute under one heading", () => {
    const list = rows(
      withLines(
        entry(1, "ben", NOON),
        entry(2, "ben", NOON + 59_000),
        entry(3, "ben", NOON + 60_000),
        entry(4, "cat", NOON + 60_000),
      ),
    );
    expect(list.map((r) => r.kind === "message" && [r.head, r.tail])).toEqual([
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ]);
  });

  test("carry the mark of a verified name", () => {
    const list = rows(withLines({ ...entry(1, "ben", NOON), verified: true }, entry(2, "cat", NOON)));
    expect(list.map((r) => r.kind === "message" && r.verified)).toEqual([true, false]);
  });

  test("begin a new heading after a notice", () => {
    const notice = { kind: "notice", key: 9, at: NOON, what: "joined", user: "cat", from: "cat", reason: "" } as const;
    const list = rows(withLines(entry(1, "ben", NOON), notice, entry(2, "ben", NOON)));
    expect(list.map((r) => r.kind === "message" && r.head)).toEqual([true, false, true]);
  });

  test("put a line where a day begins", () => {
    const list = rows(withLines(entry(1, "ben", NOON), entry(2, "ben", NOON + 86_400_000)));
    expect(list.map((r) => r.kind)).toEqual(["message", "day", "message"]);
  });

  test("stay the same objects where nothing about them has changed", () => {
    const lines = [entry(1, "ben", NOON), entry(2, "cat", NOON), entry(3, "ben", NOON)];
    const before = rows(withLines(...lines));
    const after = rows(withLines(...lines.slice(1), entry(4, "ben", NOON)), before);
    expect(after.map((row) => before.indexOf(row))).toEqual([1, -1, -1]);
    const named = withLines(entry(2, "cat", NOON, "Cat"), lines[2]!, entry(4, "ben", NOON));
    expect(rows(named, after).map((row) => after.indexOf(row))).toEqual([-1, 1, -1]);
  });

  test("put a name that its author did not seal under apart, without the mark of a verified one", () => {
    const [one, two, three] = [
      entry(1, "ben", NOON, "Ben"),
      entry(2, "ben", NOON, "Ann"),
      entry(3, "ben", NOON, "Ben"),
    ];
    const log = withLines(
      one!,
      { ...two!, verified: true, doubt: { is: "name", user: "Ben" } },
      { ...three!, verified: true },
    );
    expect(rows(log)).toMatchObject([
      { user: "Ben", head: true, tail: true },
      { user: "Ann", head: true, tail: true, verified: false },
      { user: "Ben", head: true, verified: true },
    ]);
  });

  test("show what is on its way after everything else, as mine", () => {
    const log = withLines(entry(1, "me", NOON, "Ann"));
    const outgoing = {
      kind: "outgoing",
      key: 2,
      n: 1,
      text: "y",
      at: NOON,
      state: "pending",
      sent: true,
      inFlight: true,
      why: "",
      retryAt: 0,
    } as const;
    expect(rows({ ...log, outgoing: [outgoing] })).toMatchObject([
      { mine: true, head: true },
      { mine: true, head: false, user: "Ann" },
    ]);
  });
});

test("only people of the same name are told apart by a tag", () => {
  const log = withLines(entry(1, "00000000-aaaa", NOON, "Ann"));
  const members = [
    { clientId: "me", user: "Ben", joinedAt: 0 },
    { clientId: "00000000-bbbb", user: "ann", joinedAt: 0 },
  ];
  expect([...nameTags({ ...log, members })]).toEqual([
    ["00000000-bbbb", "bbbb"],
    ["00000000-aaaa", "aaaa"],
  ]);
});

test("initials are letters of any script, and whole characters", () => {
  expect(initials("Ann")).toBe("A");
  expect(initials("анна сергеевна петрова")).toBe("АП");
  expect(initials("👩‍🚀 pilot")).toBe("👩P");
});
