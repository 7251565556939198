// A WebSocket for tests of a session.

import { vi } from "vitest";
import { WELCOME } from "../protocol/welcome.fixture";

/** The first frame to a member alone in the room. */
const ALONE = { ...WELCOME, count: 1, members: [{ clientId: "me", user: "Ann", joinedAt: WELCOME.timestamp }] };

/** A socket whose other end does what the test says. */
export class FakeSocket {
  static readonly OPEN = 1;
  static last: FakeSocket;
  static count = 0;
  readyState = 0;
  sent: string[] = [];
  onopen = () => {};
  onmessage = (_: { data: string }) => {};
  onclose = (_: { code: number }) => {};

  constructor() {
    FakeSocket.last = this;
    FakeSocket.count += 1;
  }

  welcome(over: object = {}) {
    this.readyState = FakeSocket.OPEN;
    this.onopen();
    this.says({ ...ALONE, ...over });
  }

  says(frame: object) {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  send(text: string) {
    this.sent.push(text);
  }

  closedWith: number | null = null;

  close(code: number | null = null) {
    this.closedWith = code;
    this.readyState = 2;
  }

  async closed(code: number) {
    this.readyState = 3;
    this.onclose({ code });
    await vi.advanceTimersByTimeAsync(0);
  }
}
