import { describe, expect, test } from "vitest";
import { closeCodeOf, closeMeaning } from "./close";
import { BadFrame, parseFrame } from "./frames";
import { parseName } from "./name";
import { accountRouteOf, readVisitor } from "./visitor";

const welcome = {
  type: "welcome",
  clientId: "c1",
  roomId: "general",
  user: "Ann",
  ticket: "t",
  cursor: "e-1",
  resumed: false,
  reset: false,
  lastN: 0,
  count: 1,
  members: [{ clientId: "c1", user: "Ann", joinedAt: "2026-01-02T03:04:05Z" }],
  history: [
    {
      type: "chat",
      seq: 1,
      from: "c2",
      user: "Ben",
      room: "general",
      text: "hi",
      timestamp: "2026-01-02T03:04:00.123Z",
      cursor: "e-1",
    },
  ],
  limits: { textLength: 4000, historyLength: 200, historyAge: 1800, grace: 15, members: 500 },
  video: false,
  timestamp: "2026-01-02T03:04:05Z",
};

describe("a frame", () => {
  test("becomes types at the door", () => {
    const frame = parseFrame(JSON.stringify(welcome));
    expect(frame).toMatchObject({
      type: "welcome",
      at: Date.UTC(2026, 0, 2, 3, 4, 5),
      members: [{ clientId: "c1", joinedAt: Date.UTC(2026, 0, 2, 3, 4, 5) }],
      history: [{ seq: 1, text: "hi", at: Date.UTC(2026, 0, 2, 3, 4, 0, 123), n: null, cursor: "e-1" }],
    });
  });

  test("counts, and lists whom it may", () => {
    expect(parseFrame(JSON.stringify(welcome))).toMatchObject({ count: 1, crowd: false });
    expect(parseFrame(JSON.stringify({ ...welcome, count: 240, crowd: true }))).toMatchObject({
      count: 240,
      crowd: true,
    });
    expect(parseFrame('{"type":"presence","room":"general","count":240}')).toEqual({
      type: "presence",
      count: 240,
      members: null,
    });
    expect(
      parseFrame(JSON.stringify({ type: "presence", room: "general", count: 1, members: welcome.members })),
    ).toMatchObject({ members: [{ clientId: "c1" }] });
  });

  test("says who is in the call", () => {
    const members = [
      { ...welcome.members[0], inCall: true },
      { clientId: "c2", user: "Ben", joinedAt: "2026-01-02T03:04:05Z" },
    ];
    expect(parseFrame(JSON.stringify({ ...welcome, members }))).toMatchObject({
      members: [{ inCall: true }, { inCall: false }],
    });
    expect(parseFrame('{"type":"call","clientId":"c2","user":"Ben","inCall":true}')).toEqual({
      type: "call",
      clientId: "c2",
      user: "Ben",
      inCall: true,
    });
    expect(() => parseFrame('{"type":"call","clientId":"c2","user":"Ben"}')).toThrow(BadFrame);
  });

  test("says whose name is an account's", () => {
    const [member, chat] = [
      { ...welcome.members[0], verified: true },
      { ...welcome.history[0], verified: true },
    ];
    expect(
      parseFrame(JSON.stringify({ ...welcome, members: [member, welcome.members[0]], history: [chat] })),
    ).toMatchObject({
      members: [{ verified: true }, {}],
      history: [{ verified: true }],
    });
    expect(parseFrame(JSON.stringify({ ...member, type: "joined", count: 2 }))).toMatchObject({ verified: true });
    expect(
      parseFrame(JSON.stringify({ ...welcome.members[0], verified: false, type: "joined", count: 2 })),
    ).not.toHaveProperty("verified");
  });

  test("of a reaction has its emoji as text", () => {
    const frame = { type: "react", seq: 2, from: "a", user: "Ann", target: 1, emoji: "👍", on: true };
    const read = { type: "react", seq: 2, target: 1, text: "👍", on: true, n: null };
    const json = JSON.stringify({ ...frame, room: "r", timestamp: "2026-01-02T03:04:05Z", cursor: "e-2" });
    expect(parseFrame(json)).toMatchObject(read);
  });

  test("of a history has a message as it was amended since", () => {
    const [item] = welcome.history;
    const read = (over: object) => {
      const { text: _, ...bare } = item!;
      const frame = { ...welcome, history: [{ ...("deleted" in over ? bare : item), ...over }] };
      return (parseFrame(JSON.stringify(frame)) as { history: unknown[] }).history[0];
    };
    const reactions = [
      { emoji: "👍", from: ["a", "b"] },
      { emoji: "🎉", from: ["a"] },
    ];
    expect(read({ replyTo: 7, edited: "2026-01-02T03:04:05Z", reactions })).toMatchObject({
      text: "hi",
      replyTo: 7,
      edited: Date.UTC(2026, 0, 2, 3, 4, 5),
      reactions: [
        { from: "a", text: "👍" },
        { from: "b", text: "👍" },
        { from: "a", text: "🎉" },
      ],
    });
    expect(read({ deleted: true })).toMatchObject({ deleted: true, text: "" });
    expect(read({ deleted: true, text: "still there", edited: item!.timestamp, reactions })).toMatchObject({
      text: "",
    });
    for (const key of ["edited", "reactions"]) expect(read({ deleted: true, [key]: null })).not.toHaveProperty(key);
    for (const key of ["replyTo", "edited", "deleted", "reactions"])
      expect(read({ deleted: false, text: "hi" }), key).not.toHaveProperty(key);
    for (const [over, reason] of [
      [{ replyTo: "7" }, "history.replyTo must be a number"],
      [{ edited: "soon" }, "history.edited must be a time"],
      [{ edited: 7 }, "history.edited must be text"],
      [{ deleted: 1 }, "history.deleted must be true or false"],
      [{ deleted: false }, "history.text must be text"],
      [{ reactions: {} }, "history.reactions must be a list"],
      [{ reactions: [{ emoji: "👍", from: "a" }] }, "reactions.from must be texts"],
      [{ reactions: [{ emoji: "👍", from: [1] }] }, "reactions.from must be texts"],
      [{ reactions: [{ from: ["a"] }] }, "reactions.emoji must be text"],
    ] as const)
      expect(() => read(over), reason).toThrow(reason);
  });

  test("of an edit or a delete names the message", () => {
    const frame = { seq: 9, from: "a", user: "Ann", room: "r", target: 4, timestamp: welcome.timestamp, cursor: "e-9" };
    const edit = { ...frame, type: "edit", text: "better", n: 3, verified: true };
    expect(parseFrame(JSON.stringify(edit))).toEqual({
      type: "edit",
      seq: 9,
      from: "a",
      user: "Ann",
      at: Date.UTC(2026, 0, 2, 3, 4, 5),
      cursor: "e-9",
      n: 3,
      verified: true,
      text: "better",
      target: 4,
    });
    expect(parseFrame(JSON.stringify({ ...frame, type: "delete" }))).toMatchObject({
      type: "delete",
      target: 4,
      n: null,
    });
    const { target: _, ...bare } = frame;
    for (const type of ["edit", "delete"])
      expect(() => parseFrame(JSON.stringify({ ...bare, type, text: "" })), type).toThrow(
        "frame.target must be a number",
      );
    expect(() => parseFrame(JSON.stringify({ ...frame, type: "edit" }))).toThrow("frame.text must be text");
  });

  test("says how long a message can be edited, if it can", () => {
    expect(parseFrame(JSON.stringify(welcome))).toMatchObject({ limits: { editAge: 0 } });
    const limits = { ...welcome.limits, editAge: 900, noExport: true };
    expect(parseFrame(JSON.stringify({ ...welcome, limits }))).toMatchObject({
      limits: { editAge: 900, noExport: true },
    });
  });

  test("may leave out what is optional", () => {
    expect(parseFrame('{"type":"ack","seq":3,"timestamp":"2026-01-02T03:04:05Z"}')).toMatchObject({
      n: null,
      cursor: null,
    });
    expect(parseFrame('{"type":"error","code":"bad_frame","message":"no"}')).toMatchObject({
      n: null,
      retryAfter: null,
    });
    expect(parseFrame('{"type":"closing","code":"restarting","message":"","retryAfter":1500}')).toMatchObject({
      retryAfter: 1500,
    });
  });

  test("of a type unknown is passed over, with fields unknown is taken", () => {
    expect(parseFrame('{"type":"reaction","seq":1}')).toBeNull();
    const later = { type: "later", seq: 2 };
    const known = parseFrame(JSON.stringify({ ...welcome, history: [...welcome.history, later] }));
    expect(known).toMatchObject({ history: [{ seq: 1 }] });
    expect(parseFrame('{"type":"pong","later":true}')).toEqual({ type: "pong" });
  });

  test.each([
    ["not text", new ArrayBuffer(1), "frame must be text"],
    ["not JSON", "{", "must be JSON"],
    ["not an object", "[]", "must be an object"],
    ["without a type", "{}", "frame.type must be text"],
    ["with a wrong field", '{"type":"typing","from":"a","user":"b","typing":1}', "frame.typing must be true or false"],
    ["with a time that is none", '{"type":"ack","seq":1,"timestamp":"soon"}', "frame.timestamp must be a time"],
    [
      "with a broken part",
      JSON.stringify({ ...welcome, history: [{ type: "chat", seq: "1" }] }),
      "history.seq must be a number",
    ],
    ["with a list that is none", JSON.stringify({ ...welcome, members: {} }), "frame.members must be a list"],
  ])("%s is refused with a reason", (_, data, reason) => {
    expect(() => parseFrame(data)).toThrow(BadFrame);
    expect(() => parseFrame(data)).toThrow(reason);
  });
});

test("the close table says whether to retry back", () => {
  expect(closeMeaning(1000)).toEqual({ why: "left", retry: "never" });
  expect(closeMeaning(1013).retry).toBe("now");
  expect(closeMeaning(4001)).toEqual({ why: "replaced", retry: "if-asked" });
  expect(closeMeaning(4409).retry).toBe("later");
  for (const broken of [1001, 1006, 1009, 1011, 1012, 4503, 3999])
    expect(closeMeaning(broken).retry, `${broken}`).toBe("backoff");
  expect(closeMeaning(4409, "name_taken")).toEqual({ why: "name_taken", retry: "never" });
  expect(closeMeaning(4401)).toEqual({ why: "login_required", retry: "never" });
  for (const code of ["name_taken", "login_required"])
    expect(closeMeaning(closeCodeOf(code), code), code).toEqual({ why: code, retry: "never" });
  expect(closeMeaning(closeCodeOf("rate_limited"), "rate_limited")).toEqual({ why: "rate_limited", retry: "backoff" });
  for (const afresh of ["bad_ticket", "nobody_there", "not of this server"])
    expect(closeMeaning(closeCodeOf(afresh), afresh), afresh).toEqual({ why: "lost", retry: "backoff" });
  for (const refused of [4400, 4403, 4499, 4999]) expect(closeMeaning(refused).retry, `${refused}`).toBe("never");
});

test("a visitor is whom the server says", () => {
  expect(readVisitor({ accounts: "required", user: "Ann" })).toEqual({ accounts: "required", user: "Ann" });
  expect(readVisitor({ accounts: "later" })).toEqual({ accounts: "off", user: null });
  expect(() => readVisitor("<h1>")).toThrow(BadFrame);
  expect(["/login", "/register", "/account", "/", "/login/x"].map(accountRouteOf)).toEqual([
    "login",
    "register",
    "account",
    null,
    null,
  ]);
});

test("a name follows the server's rule", () => {
  expect(parseName("  Ann ")).toBe("Ann");
  expect(parseName("Zoe\u0308")).toBe("Zoë");
  expect(parseName("👩‍🚀")).toBe("👩‍🚀");
  expect(parseName("x".repeat(32))).toHaveLength(32);
  for (const bad of ["", "   ", "a\nb", "a\u0000b", "\u202ennA", "x".repeat(33)])
    expect(parseName(bad), JSON.stringify(bad)).toBeNull();
});

describe("a room with a host", () => {
  const rules = { lock: "knock", history: "since_join", endsAt: "2026-01-03T00:00:00.000Z", title: "Plans" };

  test("has rules, a host, muted members and, for the host, knocks", () => {
    const members = [
      { ...welcome.members[0], host: true },
      { clientId: "c2", user: "Ben", joinedAt: welcome.timestamp, muted: true },
    ];
    const knocks = [{ clientId: "c3", user: "Eve", verified: true }];
    expect(parseFrame(JSON.stringify({ ...welcome, members, room: rules, knocks }))).toMatchObject({
      rules,
      knocks,
      members: [{ host: true }, { muted: true }],
    });
    expect(parseFrame(JSON.stringify({ ...welcome, room: rules }))).not.toHaveProperty("knocks");
    expect(parseFrame(JSON.stringify(welcome))).not.toHaveProperty("rules");
    expect(() => parseFrame(JSON.stringify({ ...welcome, room: "open" }))).toThrow(BadFrame);
  });

  test.each([
    [
      { type: "host", clientId: "c2", user: "Ben", room: "r" },
      { type: "host", clientId: "c2", user: "Ben" },
    ],
    [
      { type: "rules", room: "r", rules },
      { type: "rules", rules, muted: [] },
    ],
    [
      { type: "rules", room: "r", rules, muted: ["c2"] },
      { type: "rules", rules, muted: ["c2"] },
    ],
    [
      { type: "knock", clientId: "c3", user: "Eve", verified: true, room: "r" },
      { type: "knock", clientId: "c3", user: "Eve", verified: true },
    ],
    [
      { type: "knock-over", clientId: "c3", room: "r" },
      { type: "knock-over", clientId: "c3" },
    ],
    [{ type: "knocking", clientId: "c3", room: "r" }, { type: "knocking" }],
    [
      { type: "receipt", receipt: "a.b.c" },
      { type: "receipt", receipt: "a.b.c" },
    ],
    [
      { type: "joined", clientId: "c2", user: "Ben", joinedAt: welcome.timestamp, count: 2, muted: true },
      { type: "joined", clientId: "c2", user: "Ben", muted: true, count: 2 },
    ],
  ])("says what changes: %j", (frame, read) => {
    expect(parseFrame(JSON.stringify(frame))).toMatchObject(read);
  });

  test.each([
    ["kicked", 4403],
    ["burned", 4410],
    ["room_locked", 4423],
    ["not_admitted", 4403],
    ["invite_spent", 4410],
  ])("has an end that is final: %s", (code, close) => {
    expect(closeCodeOf(code)).toBe(close);
    expect(closeMeaning(close, code)).toEqual({ why: code, retry: "never" });
  });
});
