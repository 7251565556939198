import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WELCOME } from "../protocol/welcome.fixture";
import { loadName, loadSession } from "../storage/storage";
import { RENAME_N, Renaming } from "./renaming";
import { RoomSession } from "./room-session.svelte";
import { FakeSocket } from "./socket.fixture";

let session: RoomSession;
const socket = () => FakeSocket.last;
const sent = () => socket().sent.map((text) => JSON.parse(text) as Record<string, unknown>);
const { timestamp } = WELCOME;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.stubGlobal("WebSocket", FakeSocket);
  session = new RoomSession("r", "Ann", { transport: "ws" });
  socket().welcome();
});

afterEach(() => {
  session.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  sessionStorage.clear();
  localStorage.clear();
});

test("a name that the server takes is the session's, over a reload too, and none of other rooms", async () => {
  const asked = session.rename("Anna", Renaming);
  expect(sent().at(-1)).toEqual({ type: "rename", user: "Anna", n: RENAME_N });
  expect([session.renaming?.pending, loadName()]).toEqual([true, null]);
  socket().says({ type: "renamed", clientId: "me", user: "Anna", previous: "Ann", room: "r" });
  socket().says({ type: "ack", n: RENAME_N, timestamp });
  expect(await asked).toBe("");
  await vi.advanceTimersByTimeAsync(100);
  expect([session.name, session.log.me?.user, session.log.members[0]?.user]).toEqual(["Anna", "Anna", "Anna"]);
  expect(session.log.lines.map((l) => l.kind === "notice" && [l.what, l.previous, l.user])).toEqual([
    ["renamed", "Ann", "Anna"],
  ]);
  expect([loadName(), loadSession("r")?.user, session.renaming?.pending]).toEqual([null, "Anna", false]);
});

test("a name that the server refuses changes nothing, and says why", async () => {
  const asked = session.rename("Amy", Renaming);
  // One at a time.
  expect(await session.rename("Eve", Renaming)).toBe("unconfirmed");
  socket().says({ type: "error", code: "name_taken", message: "…", n: RENAME_N });
  expect(await asked).toBe("name_taken");
  expect([session.name, session.log.me?.user, loadName()]).toEqual(["Ann", "Ann", null]);
});

test.each([
  ["Anna", "", "Anna"],
  ["Ann", "unconfirmed", "Ann"],
])("an answer that was lost is in the next welcome: %s", async (user, code, name) => {
  const asked = session.rename("Anna", Renaming);
  await socket().closed(1006);
  await vi.advanceTimersByTimeAsync(5_000);
  const members = [{ clientId: "me", user, joinedAt: timestamp }];
  socket().welcome({ user, members, resumed: true });
  expect(await asked).toBe(code);
  expect([session.name, session.log.me?.user]).toEqual([name, name]);
});

test("without a connection it is not asked for", async () => {
  await socket().closed(1006);
  expect(await session.rename("Anna", Renaming)).toBe("unconfirmed");
  expect(session.renaming?.pending).toBe(false);
});

test("another member's new name is heard, and its ack is none of a message", async () => {
  session.send("hello");
  socket().says({ type: "ack", n: RENAME_N, timestamp });
  await vi.advanceTimersByTimeAsync(100);
  expect(session.log.outgoing.map((o) => o.text)).toEqual(["hello"]);
  socket().says({ type: "joined", clientId: "ben", user: "Ben", joinedAt: timestamp, room: "r", count: 2 });
  socket().says({ type: "renamed", clientId: "ben", user: "Benny", previous: "Ben", room: "r" });
  await vi.advanceTimersByTimeAsync(100);
  expect(session.log.members.map((m) => m.user)).toEqual(["Benny", "Ann"]);
  expect(session.name).toBe("Ann");
});
