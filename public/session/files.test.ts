import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { inbox } from "../files/inbox.svelte";
import { WELCOME } from "../protocol/welcome.fixture";
import { RoomSession } from "./room-session.svelte";
import { FakeSocket } from "./socket.fixture";

let session: RoomSession;
let dropped: string[];
const FILE = { file: "f1", size: 3, contentType: "text/plain", name: "a.txt" };

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeSocket);
  session = new RoomSession("r", "Ann", { transport: "ws" });
  dropped = [];
  inbox.onDrop = (file) => dropped.push(file);
  inbox.sent.set("f1", new File(["abc"], "a.txt"));
});

afterEach(() => {
  session.stop();
  inbox.close();
  inbox.onDrop = null;
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

test("a message that is discarded lets its files go, here and at the server", async () => {
  FakeSocket.last.welcome();
  session.send("look", null, [FILE]);
  FakeSocket.last.says({ type: "error", n: 1, code: "file_incomplete", message: "…" });
  await vi.waitFor(() => expect(session.log.outgoing).toMatchObject([{ state: "failed" }]));
  expect(dropped).toEqual([]);
  session.discard(session.log.outgoing[0]!.key);
  expect([dropped, inbox.sent.size, inbox.given.length]).toEqual([["f1"], 0, 0]);
});

test("one that is taken back keeps them here, to be uploaded again", () => {
  FakeSocket.last.welcome({
    history: [
      {
        type: "chat",
        seq: 1,
        from: "ben",
        user: "Ben",
        text: "sealed2.AAAA",
        timestamp: WELCOME.timestamp,
        cursor: "c-1",
      },
    ],
  });
  session.send("look", null, [FILE]);
  expect(session.plain.asking).toBe(true);
  session.takeBackUnsent();
  expect([dropped, inbox.given.map(({ name }) => name), session.draft]).toEqual([["f1"], ["a.txt"], "look"]);
});
