import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loadDraft, loadLocal, loadReply, loadSession, RECENT, saveCall, saveLocal } from "../storage/storage";
import { RoomSession } from "./room-session.svelte";
import { FakeSocket } from "./socket.fixture";

const SECRET = "A".repeat(43);
const socket = () => FakeSocket.last;
const chat = { type: "chat", seq: 1, from: "ben", user: "Ben", text: "hello", timestamp: "2026-01-02T03:04:05Z" };
let session: RoomSession;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.stubGlobal("reportError", (error: unknown) => {
    throw error;
  });
});

afterEach(() => {
  session.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  sessionStorage.clear();
  localStorage.clear();
});

function enter(secret: string | null = null, invite: string | null = null) {
  const addresses: string[] = [];
  class Socket extends FakeSocket {
    constructor(address: URL) {
      super();
      addresses.push(address.href);
    }
  }
  vi.stubGlobal("WebSocket", Socket);
  session = new RoomSession("r", "Ann", { transport: "ws", secret, invite });
  return addresses;
}

async function burned() {
  socket().says({ type: "receipt", receipt: "a.b.c" });
  socket().says({ type: "closing", code: "burned", message: "…" });
  await socket().closed(4410);
}

test.each([null, SECRET])("a room that its host ended is forgotten: log, draft, seat and key (%s)", async (secret) => {
  const rooms = [
    { room: "r", at: 1 },
    { room: "other", at: 2 },
  ];
  saveLocal(RECENT, JSON.stringify(rooms));
  enter(secret);
  socket().welcome();
  socket().says(chat);
  session.draft = "half a sen";
  session.replyTo = 1;
  saveCall("r", "{}");
  await vi.waitFor(() => expect(loadSession("r")).not.toBeNull());
  await burned();
  await vi.waitFor(() => expect(session.log.lines).toEqual([]));
  expect(session.connection).toMatchObject({ is: "ended", why: "burned" });
  expect([session.receipt, session.draft, session.replyTo]).toEqual(["a.b.c", "", null]);
  expect([session.secret, session.cipher, session.ticket]).toEqual([null, null, ""]);
  expect([loadSession("r"), loadDraft("r"), loadReply("r"), sessionStorage.getItem("parlor.call.r")]).toEqual([
    null,
    "",
    null,
    null,
  ]);
  expect(JSON.parse(loadLocal(RECENT)!)).toEqual([rooms[1]]);
});

test("what comes after the end is not kept either", async () => {
  enter(SECRET);
  socket().welcome();
  socket().says(chat);
  await burned();
  await vi.waitFor(() => expect(session.receipt).toBe("a.b.c"));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(session.log.lines).toEqual([]);
});

test("a member that was removed keeps its draft, and does not come back", async () => {
  enter();
  socket().welcome();
  session.draft = "half a sen";
  const before = FakeSocket.count;
  socket().says({ type: "closing", code: "kicked", message: "…" });
  await socket().closed(4403);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(session.connection).toMatchObject({ is: "ended", why: "kicked" });
  expect([session.draft, FakeSocket.count]).toEqual(["half a sen", before]);
});

test("an invite goes with each try to join, and not with what comes after the welcome", async () => {
  const addresses = enter(null, "a.b");
  await socket().closed(1006);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(addresses.length).toBeGreaterThan(1);
  for (const address of addresses) expect(new URL(address).searchParams.get("invite")).toBe("a.b");
  socket().welcome();
  const before = addresses.length;
  await socket().closed(1006);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(addresses.length).toBeGreaterThan(before);
  for (const address of addresses.slice(before)) expect(new URL(address).searchParams.has("invite")).toBe(false);
  expect(JSON.stringify([sessionStorage, localStorage])).not.toContain("a.b");
});

test("a new room has no place among the recent ones to lose, and none is made", async () => {
  enter();
  socket().welcome();
  await burned();
  await vi.waitFor(() => expect(session.receipt).toBe("a.b.c"));
  expect(loadLocal(RECENT)).toBeNull();
});
