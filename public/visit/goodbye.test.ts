import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeSocket } from "./socket.fixture";
import { HEARD_WITHIN, Visit } from "./visit.svelte";

let visit: Visit;
const socket = () => FakeSocket.last;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  vi.stubGlobal("WebSocket", FakeSocket);
  visit = new Visit("r", "Ann", { transport: "ws" });
  socket().welcome();
});

afterEach(() => {
  visit.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

test("who leaves is out at once, and the goodbye is heard when the server says so", async () => {
  visit.leave();
  expect(visit.link).toMatchObject({ is: "ended", why: "left" });
  expect(socket().sent).toContain('{"type":"leave"}');
  await vi.advanceTimersByTimeAsync(HEARD_WITHIN - 1);
  expect(visit.heard).toBeNull();
  await socket().closed(1000);
  expect(visit.heard).toBe(true);
  await vi.advanceTimersByTimeAsync(HEARD_WITHIN);
  expect(visit.heard).toBe(true);
});

test("a goodbye that is not answered is unheard, until it is answered after all", async () => {
  visit.leave();
  await vi.advanceTimersByTimeAsync(HEARD_WITHIN);
  expect(visit.heard).toBe(false);
  await socket().closed(1000);
  expect(visit.heard).toBe(true);
});

test("a goodbye that breaks off is unheard at once", async () => {
  visit.leave();
  await socket().closed(1006);
  expect(visit.heard).toBe(false);
});

test("without a connection nobody hears a goodbye", async () => {
  await socket().closed(1006);
  visit.leave();
  await vi.advanceTimersByTimeAsync(0);
  expect(visit.heard).toBe(false);
});

test("who was let go by the server needs no goodbye", async () => {
  await socket().closed(1000);
  expect(visit.link).toMatchObject({ is: "ended", why: "left" });
  expect(visit.heard).toBe(true);
});
