import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeSocket } from "./socket.fixture";
import { LEAVE_TIMEOUT } from "./leaving";
import { RoomSession } from "./room-session.svelte";

let session: RoomSession;
const socket = () => FakeSocket.last;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  vi.stubGlobal("WebSocket", FakeSocket);
  session = new RoomSession("r", "Ann", { transport: "ws" });
  socket().welcome();
});

afterEach(() => {
  session.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

test("who leaves is out at once, and the goodbye is heard when the server says so", async () => {
  session.leave();
  expect(session.connection).toMatchObject({ is: "ended", why: "left" });
  expect(socket().sent).toContain('{"type":"leave"}');
  await vi.advanceTimersByTimeAsync(LEAVE_TIMEOUT - 1);
  expect(session.leaveConfirmed).toBeNull();
  await socket().closed(1000);
  expect(session.leaveConfirmed).toBe(true);
  await vi.advanceTimersByTimeAsync(LEAVE_TIMEOUT);
  expect(session.leaveConfirmed).toBe(true);
});

test("a goodbye that is not answered is unheard, until it is answered after all", async () => {
  session.leave();
  await vi.advanceTimersByTimeAsync(LEAVE_TIMEOUT);
  expect(session.leaveConfirmed).toBe(false);
  await socket().closed(1000);
  expect(session.leaveConfirmed).toBe(true);
});

test("a goodbye that breaks off is unheard at once", async () => {
  session.leave();
  await socket().closed(1006);
  expect(session.leaveConfirmed).toBe(false);
});

test("without a connection a leave is unconfirmed", async () => {
  await socket().closed(1006);
  session.leave();
  await vi.advanceTimersByTimeAsync(0);
  expect(session.leaveConfirmed).toBe(false);
});

test("who was let go by the server needs no goodbye", async () => {
  await socket().closed(1000);
  expect(session.connection).toMatchObject({ is: "ended", why: "left" });
  expect(session.leaveConfirmed).toBe(true);
});
