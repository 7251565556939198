import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WELCOME } from "../protocol/welcome.fixture";
import { saveSession, loadSession } from "../storage/storage";
import { RoomSession } from "./room-session.svelte";
import { FakeSocket } from "./socket.fixture";

vi.mock("../e2ee/encryption", () => {
  throw new Error("not of this server");
});

let session: RoomSession;

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("reportError", (error: unknown) => {
    throw error;
  });
});

afterEach(() => {
  session.stop();
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

test("where the part that encrypts cannot be fetched, nothing is sent, sealed or not, and nothing is forgotten", async () => {
  const seat = { clientId: "me", user: "Ann", ticket: "t", lastN: 3, former: [], last: { n: 3, id: "x" } };
  saveSession("r", seat);
  session = new RoomSession("r", "Ann", { transport: "ws", secret: "A".repeat(43) });
  const line = { type: "chat", seq: 1, from: "ben", user: "Ben", timestamp: WELCOME.timestamp, cursor: "c-1" };
  FakeSocket.last.welcome({ resumed: true, history: [{ ...line, text: "sealed2.AAAA" }] });
  await vi.waitFor(() => expect(session.log.lines).toMatchObject([{ text: "", encryption: "undecryptable" }]));
  expect(session.encryptionFailed).toBe(true);
  session.send("hello");
  session.react(1, "👍");
  session.remove(1);
  await vi.waitFor(() => expect(session.log.outgoing).toHaveLength(3));
  expect(FakeSocket.last.sent.filter((frame) => /chat|react|delete/.test(frame))).toEqual([]);
  expect(loadSession("r")?.last).toEqual({ n: 3, id: "x" });
});
