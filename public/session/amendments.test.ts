import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RoomCipher } from "../e2ee/cipher";
import { emojiFor } from "../e2ee/frames";
import { NO_POSITION } from "../e2ee/payload";
import type { Entry } from "../log/state";
import { WELCOME } from "../protocol/welcome.fixture";
import { loadReply } from "../storage/storage";
import { RoomSession } from "./room-session.svelte";
import { FakeSocket } from "./socket.fixture";

const SECRET = "A".repeat(43);
const LIMITS = { ...WELCOME.limits, textLength: 4_000, historyLength: 100, historyAge: 1_800, editAge: 900 };
const ANN = { clientId: "me", user: "Ann", joinedAt: WELCOME.timestamp };

const socket = () => FakeSocket.last;
const sent = (type: string) =>
  socket()
    .sent.map((text): Record<string, unknown> => JSON.parse(text))
    .filter((frame) => frame.type === type);
const from = (id: string, seq: number, over: object = {}) => ({
  type: "chat",
  seq,
  from: id,
  user: id === "me" ? "Ann" : id,
  text: `text ${seq}`,
  timestamp: WELCOME.timestamp,
  cursor: `c-${seq}`,
  ...over,
});
const ack = (n: number, seq: number) =>
  socket().says({ type: "ack", n, seq, timestamp: WELCOME.timestamp, cursor: `c-${seq}` });

const sessions: RoomSession[] = [];
function enter(secret: string | null, over: object = {}): RoomSession {
  const made = new RoomSession("r", "Ann", { transport: "ws", secret });
  sessions.push(made);
  socket().welcome({ limits: LIMITS, members: [ANN], ...over });
  return made;
}
const entry = ({ log }: RoomSession, seq: number) =>
  log.lines.find((line): line is Entry => line.kind === "entry" && line.seq === seq);
/** What is drawn, some frames later. */
const shows = (session: RoomSession, seq: number, what: object) =>
  vi.waitFor(() => expect(entry(session, seq)).toMatchObject(what));
const next = async (type: string, count = 1) => {
  await vi.waitFor(() => expect(sent(type)).toHaveLength(count));
  return sent(type).at(-1)!;
};

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("reportError", (error: unknown) => {
    throw error;
  });
});

afterEach(() => {
  for (const made of sessions.splice(0)) made.stop();
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

describe("in a plain room", () => {
  test("a reply, an edit and a delete go out, and show once the server has them", async () => {
    const session = enter(null, { history: [from("ben", 1)] });
    session.send("so do I", 1);
    expect(sent("chat")).toEqual([{ type: "chat", text: "so do I", replyTo: 1, n: 1 }]);
    ack(1, 2);
    session.edit(2, "so do we");
    expect(sent("edit")).toEqual([{ type: "edit", target: 2, text: "so do we", n: 2 }]);
    await shows(session, 2, { text: "so do I", replyTo: 1 });
    ack(2, 3);
    await shows(session, 2, { text: "so do we", edited: Date.parse(WELCOME.timestamp) });
    session.remove(2);
    expect(sent("delete")).toEqual([{ type: "delete", target: 2, n: 3 }]);
    ack(3, 4);
    await shows(session, 2, { text: "", deleted: true });
  });

  test("what others amend shows, and a refusal is kept with its reason", async () => {
    const session = enter(null, { history: [from("ben", 1), from("me", 2)] });
    const by = { from: "ben", user: "ben", room: "r", target: 1, timestamp: WELCOME.timestamp };
    socket().says({ ...by, type: "edit", seq: 3, text: "better", cursor: "c-3" });
    await shows(session, 1, { text: "better" });
    socket().says({ ...by, type: "delete", seq: 4, cursor: "c-4" });
    await shows(session, 1, { deleted: true });
    session.edit(2, "too late");
    socket().says({ type: "error", code: "too_late", message: "", n: 1 });
    await vi.waitFor(() => expect(session.log.outgoing).toMatchObject([{ state: "failed", why: "too_late" }]));
    expect(entry(session, 2)).toMatchObject({ text: "text 2" });
    session.discard(session.log.outgoing[0]!.key);
    await vi.waitFor(() => expect(session.log.outgoing).toEqual([]));
  });

  test("the words of an edit that is refused when its message is gone go into the draft", async () => {
    const session = enter(null, { history: [from("ben", 1)] });
    session.draft = "half";
    session.edit(9, "better");
    socket().says({ type: "error", code: "no_target", message: "", n: 1 });
    await vi.waitFor(() => expect(session.draft).toBe("better\nhalf"));
    expect(session.log.outgoing).toEqual([]);
  });

  test("a delete needs no leave to go out unencrypted, an edit does", () => {
    const session = enter(null, { history: [from("ben", 1, { text: "sealed2.AAAA" }), from("me", 2), from("me", 3)] });
    session.remove(2);
    expect([session.plain.asking, sent("delete").length]).toEqual([false, 1]);
    ack(1, 4);
    session.edit(3, "better");
    expect([session.plain.asking, sent("edit").length]).toEqual([true, 0]);
    session.takeBackUnsent();
    expect(session.draft, "its words are not lost").toBe("better");
  });
});

describe("what a draft answers", () => {
  test("is there again after a reload, and gone after leaving", () => {
    const first = enter(null, { history: [from("ben", 1)] });
    first.replyTo = 1;
    first.draft = "half";
    first.stop();
    const second = enter(null, { history: [from("ben", 1)] });
    expect([second.replyTo, second.draft]).toEqual([1, "half"]);
    second.leave(true);
    expect(loadReply("r")).toBe(1);
    second.leave();
    expect([second.replyTo, loadReply("r")]).toEqual([null, null]);
  });

  test("is forgotten when it is gone, and in a room that began anew", () => {
    const session = enter(null, { history: [from("ben", 1), from("ben", 2)] });
    session.replyTo = 1;
    const by = { from: "ben", user: "ben", room: "r", timestamp: WELCOME.timestamp };
    socket().says({ ...by, type: "delete", seq: 3, target: 1, cursor: "c-3" });
    expect(session.replyTo).toBeNull();
    session.replyTo = 2;
    socket().says({ ...WELCOME, type: "reset", clientId: "other", limits: LIMITS, history: [from("eve", 2)] });
    expect([session.replyTo, loadReply("r")]).toEqual([null, null]);
  });
});

describe("in a room with a key", async () => {
  const cipher = await RoomCipher.of(SECRET, "r");
  const open = async (text: unknown) => (await cipher.open(text as string, "me"))!;

  test("a reply and an edit are bound to their messages; the chain goes on from the first text", async () => {
    const session = enter(SECRET, { members: [{ ...ANN, verified: true }] });
    session.send("one", 7);
    const one = await open((await next("chat")).text);
    expect(one).toMatchObject({ text: "one", claims: { n: 1, after: 0, replyTo: 7 } });
    ack(1, 8);
    await shows(session, 8, { text: "one", replyTo: 7 });
    session.edit(8, "better");
    const edit = await next("edit");
    expect(edit).toMatchObject({ target: 8, n: 2 });
    const bonds = { replyTo: 7, edits: 8 };
    expect(await open(edit.text)).toMatchObject({ text: "better", claims: { n: 1, after: 0, ...bonds } });
    expect((await open(edit.text)).claims, "under the name that the message has").toMatchObject({
      user: "Ann",
      verified: true,
    });
    ack(2, 9);
    await shows(session, 8, { text: "better" });
    session.send("two");
    expect(await open((await next("chat", 2)).text)).toMatchObject({
      claims: { n: 3, after: 1, link: one.claims!.id },
    });
    ack(3, 10);
    session.remove(8);
    expect(await next("delete")).toEqual({ type: "delete", target: 8, n: 4 });
  });

  test("a message from before a reload can be edited, again and again", async () => {
    const position = { n: 1, after: 0, link: "" };
    const own = { user: "Ann", verified: false };
    const one = await cipher.seal({ ...position, ...own, text: "one" }, "me");
    const session = enter(SECRET, { history: [from("me", 1, { text: one.text, n: 1 })], lastN: 1 });
    await shows(session, 1, { text: "one" });
    session.edit(1, "better");
    const edit = await next("edit");
    expect(await open(edit.text)).toMatchObject({ text: "better", claims: { ...position, edits: 1 } });
    session.stop();
    const edited = { text: edit.text, n: 1, edited: WELCOME.timestamp };
    const reloaded = enter(SECRET, { history: [from("me", 1, edited)], lastN: 2 });
    await shows(reloaded, 1, { text: "better" });
    reloaded.edit(1, "best");
    expect(await open((await next("edit")).text)).toMatchObject({ text: "best", claims: { ...position, edits: 1 } });
  });

  test("what cannot be bound is refused and not sent", async () => {
    const session = enter(SECRET, { history: [from("me", 1)] });
    await shows(session, 1, { encryption: "unencrypted" });
    session.edit(1, "better");
    await vi.waitFor(() => expect(session.log.outgoing).toMatchObject([{ state: "failed", why: "no_target" }]));
    expect(sent("edit")).toEqual([]);
  });

  test("a reaction is taken away by exactly what was put there, and is no line of the chain", async () => {
    const session = enter(SECRET, { history: [from("ben", 1)] });
    await shows(session, 1, { seq: 1 });
    session.react(1, "👍", true);
    const put = await next("react");
    expect(await open(put.emoji)).toMatchObject({ text: emojiFor(1, "👍"), claims: NO_POSITION });
    ack(1, 2);
    session.react(1, "👍", false);
    expect(await next("react", 2)).toEqual({ type: "react", target: 1, emoji: put.emoji, on: false, n: 2 });
    ack(2, 3);
    session.send("one");
    expect(await open((await next("chat")).text)).toMatchObject({ claims: { n: 3, after: 0 } });
  });

  test("a reaction from before a reload is taken away by what the history has", async () => {
    const emoji = (await cipher.seal({ ...NO_POSITION, user: "Ann", verified: false, text: "1 👍" }, "me")).text;
    const session = enter(SECRET, { history: [from("ben", 1, { reactions: [{ emoji, from: ["me"] }] })] });
    await shows(session, 1, { reactions: [{ emoji: "👍", mine: true }] });
    session.react(1, "👍");
    expect(await next("react")).toMatchObject({ target: 1, emoji, on: false });
  });

  test("a reaction that goes again goes as it was", async () => {
    const session = enter(SECRET, { history: [from("ben", 1)] });
    await shows(session, 1, { seq: 1 });
    session.react(1, "👍");
    const put = await next("react");
    await vi.waitFor(() => expect(session.log.outgoing).toMatchObject([{ sealed: put.emoji }]));
    socket().sent = [];
    socket().says({ ...WELCOME, members: [ANN], limits: LIMITS, resumed: true });
    expect(await next("react")).toEqual(put);
  });
});
