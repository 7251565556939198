import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WELCOME } from "../protocol/welcome.fixture";
import { FakeSocket } from "./socket.fixture";
import { RoomSession } from "./room-session.svelte";

const T0 = Date.parse(WELCOME.timestamp);
const LIMITS = { ...WELCOME.limits, textLength: 100, historyLength: 100, historyAge: 1_800 };
const at = (ms: number) => new Date(T0 + ms).toISOString();
const chat = (seq: number, ms: number) => ({
  type: "chat",
  seq,
  from: "ben",
  user: "Ben",
  text: `text ${seq}`,
  timestamp: at(ms),
  cursor: `e-${seq}`,
});
const texts = () => session.log.lines.flatMap((line) => (line.kind === "entry" ? [line.text] : []));

let session: RoomSession;
let hidden: boolean;
const socket = () => FakeSocket.last;

function enter(over: object = {}) {
  session = new RoomSession("r", "Ann", { transport: "ws" });
  socket().welcome({ limits: LIMITS, ...over });
}

beforeEach(() => {
  hidden = false;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  vi.setSystemTime(T0);
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
});

afterEach(() => {
  session.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  sessionStorage.clear();
});

test.each([31, -31, 24 * 60])(
  "a clock that is set %i minutes off while the page is open takes no message away, nor what comes next",
  async (minutes) => {
    enter({ history: [chat(1, -60_000)] });
    vi.setSystemTime(T0 + minutes * 60_000);
    socket().says(chat(2, 0));
    session.send("mine");
    socket().says({ type: "ack", n: 1, seq: 3, timestamp: at(0), cursor: "e-3" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(texts()).toEqual(["text 1", "text 2", "mine"]);
    // They go when their time has passed, and not before.
    await vi.advanceTimersByTimeAsync(1_800_000 - 62_000);
    expect(texts()).toEqual(["text 1", "text 2", "mine"]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(texts()).toEqual(["text 2", "mine"]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(texts()).toEqual([]);
  },
);

test("a clock that was wrong from the start does not matter either", () => {
  vi.setSystemTime(T0 + 31 * 60_000);
  enter({ history: [chat(1, -1_000)] });
  socket().says(chat(2, 0));
  expect(session.now()).toBe(T0);
  expect(session.log.lines).toHaveLength(1);
});

test("what comes unseen is counted at once, also where the frame that was asked for never comes", async () => {
  vi.stubGlobal("requestAnimationFrame", () => 0);
  enter();
  socket().says(chat(1, 0));
  hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  socket().says(chat(2, 0));
  socket().says(chat(3, 0));
  expect(session.unread).toBe(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(texts()).toEqual(["text 1", "text 2", "text 3"]);
  hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
  expect(session.unread).toBe(0);
});

const page = (what: string, persisted: boolean) => dispatchEvent(Object.assign(new Event(what), { persisted }));

test("a page that the browser keeps for coming back holds no connection, and comes back without a word", async () => {
  enter();
  const before = FakeSocket.count;
  page("pagehide", true);
  expect(socket().closedWith).toBe(3000);
  expect(socket().sent).not.toContain('{"type":"leave"}');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(FakeSocket.count).toBe(before);
  page("pageshow", true);
  expect(FakeSocket.count).toBe(before + 1);
  socket().welcome({ limits: LIMITS, resumed: true });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(session.connection.is).toBe("open");
  expect(session.log.lines).toEqual([]);
});

test("a page that goes for good says so and leaves it to the browser to hang up, wherever its seat is still its own", async () => {
  const asked = vi.fn((..._: Parameters<typeof fetch>) => Promise.resolve(new Response(null, { status: 204 })));
  vi.stubGlobal("fetch", asked);
  enter();
  page("pagehide", false);
  expect(socket().closedWith).toBeNull();
  expect(asked).toHaveBeenCalledOnce();
  const [address, how] = asked.mock.calls[0]!;
  expect(address).toBe("/api/rooms/r/leave");
  expect(how).toMatchObject({ method: "POST", keepalive: true });
  expect(JSON.parse(String(how!.body))).toEqual({ ticket: WELCOME.ticket, unload: true });
  // On the way back the seat waits all the same.
  await socket().closed(1006);
  page("pagehide", false);
  expect(asked).toHaveBeenCalledTimes(2);
  // Another tab has the seat now, or none: the page reports no leave.
  for (const code of [4001, 1000]) {
    asked.mockClear();
    session.stop();
    enter();
    await socket().closed(code);
    page("pagehide", false);
    expect(asked).not.toHaveBeenCalled();
  }
});

test("a page that is kept by the browser says nothing by a request, and one without a seat neither", () => {
  const asked = vi.fn(() => Promise.reject(new Error("offline")));
  vi.stubGlobal("fetch", asked);
  enter();
  page("pagehide", true);
  expect(asked).not.toHaveBeenCalled();
  session.stop();
  sessionStorage.clear();
  session = new RoomSession("r", "Ann", { transport: "ws" });
  page("pagehide", false);
  expect(asked).not.toHaveBeenCalled();
});

test("what is written and not sent is there again after a reload, and after going away and back", () => {
  enter();
  session.draft = "half a sen";
  session.stop();
  enter();
  expect(session.draft).toBe("half a sen");
  session.leave(true);
  enter();
  expect(session.draft).toBe("half a sen");
  session.leave();
  enter();
  expect(session.draft).toBe("");
});

const reaction = (seq: number, from: string) => {
  const { text: _, ...entry } = chat(seq, 0);
  return { ...entry, type: "react", from, target: 1, emoji: "👍", on: true };
};
const reactionsSent = () => socket().sent.flatMap((frame) => (frame.includes('"react"') ? [JSON.parse(frame).on] : []));

test("a reaction pressed again before its answer is taken back, though nothing was drawn in between", () => {
  enter({ history: [chat(1, 0)] });
  for (let presses = 0; presses < 3; presses += 1) session.react(1, "👍");
  expect(reactionsSent()).toEqual([true]);
  socket().says({ type: "ack", n: 1, seq: 2, timestamp: at(0), cursor: "e-2" });
  socket().says({ type: "ack", n: 2, seq: 3, timestamp: at(0), cursor: "e-3" });
  expect(reactionsSent()).toEqual([true, false, true]);
  socket().says({ type: "ack", n: 3, seq: 4, timestamp: at(0), cursor: "e-4" });
  session.react(1, "👍", true);
  expect(reactionsSent()).toEqual([true, false, true]);
  session.react(1, "👍", false);
  expect(reactionsSent()).toEqual([true, false, true, false]);
});

test("a reaction of this page's earlier seat is not put a second time", () => {
  enter({ clientId: "before", history: [chat(1, 0), reaction(2, "before")] });
  socket().welcome({ limits: LIMITS, clientId: "me", history: [chat(1, 0), reaction(2, "before")] });
  expect(session.log.me?.clientId).toBe("me");
  session.react(1, "👍");
  expect([reactionsSent(), session.log.outgoing]).toEqual([[], []]);
  session.react(1, "🎉");
  expect(reactionsSent()).toEqual([true]);
});

test("a thousand reactions in a row are drawn together, in one frame", async () => {
  const frames = vi.spyOn(globalThis, "requestAnimationFrame");
  enter({ history: [chat(1, 0)] });
  await vi.advanceTimersByTimeAsync(300);
  frames.mockClear();
  const drawn = session.log;
  for (let n = 0; n < 1_000; n += 1) {
    const by = { from: `member ${n}`, user: `Member ${n}`, timestamp: at(0) };
    socket().says({ type: "react", seq: n + 2, target: 1, emoji: "👍", on: true, cursor: `e-${n + 2}`, ...by });
  }
  expect([frames.mock.calls.length, session.log === drawn]).toEqual([1, true]);
  await vi.advanceTimersByTimeAsync(300);
  expect(session.log.lines).toMatchObject([{ seq: 1, reactions: { length: 1_000 } }]);
});
