import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WELCOME } from "../protocol/welcome.fixture";
import { HEARD_WITHIN, Visit } from "./visit.svelte";

const ALONE = { ...WELCOME, count: 1, members: [{ clientId: "me", user: "Ann", joinedAt: WELCOME.timestamp }] };

/** A socket whose other end does what the test says. */
class FakeSocket {
  static readonly OPEN = 1;
  static last: FakeSocket;
  readyState = 0;
  sent: string[] = [];
  onopen = () => {};
  onmessage = (_: { data: string }) => {};
  onclose = (_: { code: number }) => {};

  constructor() {
    FakeSocket.last = this;
  }

  welcome() {
    this.readyState = FakeSocket.OPEN;
    this.onopen();
    this.onmessage({ data: JSON.stringify(ALONE) });
  }

  send(text: string) {
    this.sent.push(text);
  }

  close() {
    this.readyState = 2;
  }

  async closed(code: number) {
    this.readyState = 3;
    this.onclose({ code });
    await vi.advanceTimersByTimeAsync(0);
  }
}

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
