import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RoomCipher } from "../e2ee/cipher";
import type { Secret } from "../e2ee/key";
import { openTitle, sealTitle } from "../e2ee/title";
import { WELCOME } from "../protocol/welcome.fixture";
import { Hosting } from "./hosting";
import { Renaming } from "./renaming";
import { RoomSession } from "./room-session.svelte";
import { FakeSocket } from "./socket.fixture";

const SECRET = "A".repeat(43) as Secret;
const OPEN = { lock: "open", history: "all" };
let session: RoomSession;
const socket = () => FakeSocket.last;
const sent = () => socket().sent.map((text) => JSON.parse(text) as { type: string; n: number });
const { timestamp } = WELCOME;
const drawn = () => vi.advanceTimersByTimeAsync(100);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("reportError", (error: unknown) => {
    throw error;
  });
  session = new RoomSession("r", "Ann", { transport: "ws" });
});

afterEach(() => {
  session.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

test("each request has a number and its own answer", async () => {
  socket().welcome({ room: OPEN });
  const locked = session.host({ type: "lock", lock: "locked" }, Hosting);
  const kicked = session.host({ type: "kick", clientId: "ben" }, Hosting);
  const [lock, kick] = sent().slice(-2);
  expect([lock, kick]).toMatchObject([
    { type: "lock", lock: "locked" },
    { type: "kick", clientId: "ben" },
  ]);
  expect(lock!.n).not.toBe(kick!.n);
  socket().says({ type: "error", code: "no_member", message: "…", n: kick!.n });
  socket().says({ type: "ack", n: lock!.n, timestamp });
  expect([await locked, await kicked]).toEqual(["", "no_member"]);
});

test("its answers are none of a message's or a rename's, nor theirs its own", async () => {
  socket().welcome({ room: OPEN });
  session.send("hello");
  const named = session.rename("Anna", Renaming);
  const locked = session.host({ type: "lock", lock: "open" }, Hosting);
  const [rename, lock] = sent().slice(-2);
  socket().says({ type: "ack", n: lock!.n, timestamp });
  expect(await locked).toBe("");
  expect(session.renaming?.pending).toBe(true);
  socket().says({ type: "ack", n: rename!.n, timestamp });
  expect(await named).toBe("");
  await drawn();
  expect(session.log.outgoing.map((o) => o.text)).toEqual(["hello"]);
});

test("an answer that was lost is unconfirmed after the next welcome, and without a connection at once", async () => {
  socket().welcome({ room: OPEN });
  const locked = session.host({ type: "lock", lock: "open" }, Hosting);
  await socket().closed(1006);
  expect(await session.host({ type: "burn" }, Hosting)).toBe("unconfirmed");
  await vi.advanceTimersByTimeAsync(5_000);
  socket().welcome({ resumed: true });
  expect(await locked).toBe("unconfirmed");
});

test("a page that knocks waits longer than for a welcome, and is then in the room", async () => {
  const waits = socket();
  waits.readyState = FakeSocket.OPEN;
  waits.onopen();
  waits.says({ type: "knocking", clientId: "me", room: "r" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect([session.knocking, session.entered, FakeSocket.last === waits]).toEqual([true, false, true]);
  socket().welcome({ room: { ...OPEN, lock: "knock" } });
  expect([session.knocking, session.entered, session.log.rules?.lock]).toEqual([false, true, "knock"]);
});

test("the receipt and the reason of an end are kept", async () => {
  socket().welcome({ room: OPEN });
  socket().says({ type: "receipt", receipt: "a.b.c" });
  socket().says({ type: "closing", code: "burned", message: "…" });
  await socket().closed(4410);
  expect([session.receipt, session.connection]).toMatchObject(["a.b.c", { is: "ended", why: "burned" }]);
});

test("the receipt of the last member that leaves is kept too", async () => {
  socket().welcome({ room: OPEN });
  session.leave();
  expect(session.connection).toMatchObject({ is: "ended", why: "left" });
  socket().says({ type: "chat", seq: "no chat" });
  socket().says({ type: "receipt", receipt: "a.b.c" });
  await socket().closed(1000);
  expect([session.receipt, session.leaveConfirmed]).toEqual(["a.b.c", true]);
});

test("a server that does not answer a leave is left all the same", async () => {
  socket().welcome();
  session.leave();
  expect(socket().closedWith).toBeNull();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(socket().closedWith).toBe(1000);
});

test("a title is opened with the room's key, and one that cannot be opened is none", async () => {
  session.stop();
  vi.useRealTimers();
  session = new RoomSession("r", "Ann", { transport: "ws", secret: SECRET });
  const cipher = await RoomCipher.of(SECRET, "r");
  const title = await sealTitle("Plans", cipher);
  expect(await openTitle(title, cipher)).toBe("Plans");
  // A message in its place is none.
  const line = await cipher.seal({ n: 1, after: 0, link: "", user: "Ann", verified: false, text: "hi" }, "title");
  expect(await openTitle(line.text, cipher)).toBeNull();
  socket().welcome({ room: { ...OPEN, title } });
  await vi.waitFor(() => expect(session.log.rules).toEqual({ ...OPEN, title: "Plans" }));
  socket().says({ type: "rules", room: "r", rules: { ...OPEN, title: "unsealed" } });
  await vi.waitFor(() => expect(session.log.rules).toEqual(OPEN));
  const other = await RoomCipher.of(("B".repeat(42) + "A") as Secret, "r");
  socket().says({ type: "rules", room: "r", rules: { ...OPEN, lock: "locked", title: await sealTitle("x", other) } });
  await vi.waitFor(() => expect(session.log.rules).toEqual({ ...OPEN, lock: "locked" }));
});

test("the messages of a member that was removed with them are gone here too", async () => {
  const history = [1, 2].map((seq) => ({
    type: "chat",
    seq,
    from: seq === 1 ? "ben" : "cat",
    user: "Ben",
    room: "r",
    text: `text ${seq}`,
    timestamp,
    cursor: `e-${seq}`,
  }));
  socket().welcome({ room: OPEN, history });
  const kicked = session.host({ type: "kick", clientId: "ben", messages: true }, Hosting);
  socket().says({ type: "ack", n: sent().at(-1)!.n, timestamp });
  expect(await kicked).toBe("");
  await drawn();
  expect(session.log.lines).toMatchObject([
    { seq: 1, deleted: true },
    { seq: 2, text: "text 2" },
  ]);
});
