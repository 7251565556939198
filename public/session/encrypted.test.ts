import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WELCOME } from "../protocol/welcome.fixture";
import { type OpenedLine, RoomCipher } from "../e2ee/cipher";
import { loadDraft, loadSession } from "../storage/storage";
import { RENAME_N, Renaming } from "./renaming";
import { RoomSession } from "./room-session.svelte";
import { FakeSocket } from "./socket.fixture";

const SECRET = "A".repeat(43);
const ANN = { clientId: "me", user: "Ann", joinedAt: WELCOME.timestamp };

const socket = () => FakeSocket.last;
const chats = () =>
  socket()
    .sent.map((text): Record<string, unknown> => JSON.parse(text))
    .filter((frame) => frame.type === "chat");
const from = (id: string, seq: number, text: string) => ({
  type: "chat",
  seq,
  from: id,
  user: id,
  text,
  timestamp: WELCOME.timestamp,
  cursor: `c-${seq}`,
});
const sessions: RoomSession[] = [];

function session(secret: string | null): RoomSession {
  const made = new RoomSession("r", "Ann", { transport: "ws", secret });
  sessions.push(made);
  return made;
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("reportError", (error: unknown) => {
    throw error;
  });
});

afterEach(() => {
  for (const made of sessions.splice(0)) made.stop();
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

describe("plain words among sealed ones", () => {
  const sealed = from("ben", 1, "sealed2.AAAA");

  test("wait until the user allows them, once for a room and a tab", () => {
    const plain = session(null);
    socket().welcome({ history: [sealed] });
    plain.send("hello");
    expect([plain.plain.asking, chats()]).toEqual([true, []]);
    plain.sendPlain();
    expect(plain.plain.asking).toBe(false);
    expect(chats()).toMatchObject([{ text: "hello" }]);
    socket().says({ type: "ack", n: 1, seq: 2, timestamp: WELCOME.timestamp, cursor: "c-2" });
    plain.send("again");
    expect(chats()).toHaveLength(2);

    const reloaded = session(null);
    socket().welcome({ history: [sealed] });
    reloaded.send("and again");
    expect([reloaded.plain.asking, chats().length]).toEqual([false, 1]);
  });

  test("go back to where they were written, with what was written meanwhile", () => {
    const plain = session(null);
    socket().welcome();
    plain.send("before anybody sealed");
    expect(plain.plain.asking).toBe(false);
    socket().says({ type: "ack", n: 1, seq: 1, timestamp: WELCOME.timestamp, cursor: "c-1" });
    socket().says({ ...sealed, seq: 2 });
    plain.send("one");
    plain.send("two");
    plain.draft = "three";
    plain.takeBackUnsent();
    expect([plain.plain.asking, plain.draft, chats().length]).toEqual([false, "one\ntwo\nthree", 1]);
    expect(loadDraft("r"), "kept through a reload, too").toBe("one\ntwo\nthree");
    plain.send("four");
    expect([plain.plain.asking, chats().length]).toEqual([true, 1]);
  });

  test("that wait for a connection wait for the answer as well", () => {
    const plain = session(null);
    plain.send("written before the room was seen");
    socket().welcome({ history: [sealed] });
    expect([plain.plain.asking, chats()]).toEqual([true, []]);
  });

  test("go as they are where others write plainly, or the only sealed line is the page's own", () => {
    const plain = session(null);
    socket().welcome({ history: [from("ben", 1, "hello"), from("me", 2, "sealed2.AAAA")] });
    plain.send("hello");
    expect([plain.plain.asking, chats().length]).toEqual([false, 1]);
  });
});

describe("what is sealed", () => {
  const next = async (count: number) => {
    await vi.waitFor(() => expect(chats()).toHaveLength(count));
    const cipher = await RoomCipher.of(SECRET, "r");
    return (await cipher.open(chats().at(-1)!.text as string, "me")) as OpenedLine;
  };

  test("says who said it, and goes on from what is known to have arrived, after a reload too", async () => {
    const first = session(SECRET);
    socket().welcome({ members: [{ ...ANN, verified: true }] });
    first.send("one");
    const one = await next(1);
    expect(one).toMatchObject({ text: "one", claims: { n: 1, after: 0, user: "Ann", verified: true } });
    socket().says({ type: "ack", n: 1, seq: 1, timestamp: WELCOME.timestamp, cursor: "c-1" });
    await vi.waitFor(() => expect(loadSession("r")?.last).toEqual({ n: 1, id: one.claims!.id }));
    first.send("two");
    expect(await next(2)).toMatchObject({ text: "two", claims: { n: 2, after: 1, link: one.claims!.id } });
    const two = chats().at(-1)!.text as string;
    first.stop();

    // The page is gone before the ack of the second line arrives; the log has it.
    const second = session(SECRET);
    socket().welcome({
      resumed: true,
      lastN: 2,
      history: [{ ...from("me", 2, two), user: "Ann", verified: true, n: 2 }],
      members: [{ ...ANN, verified: true }],
    });
    await vi.waitFor(() => expect(second.entered).toBe(true));
    second.send("three");
    const three = await next(1);
    expect(three).toMatchObject({ claims: { n: 3, after: 2 } });
  });

  test("while another name is asked for waits, and has the name that the server takes", async () => {
    const made = session(SECRET);
    socket().welcome();
    await vi.waitFor(() => expect(made.entered).toBe(true));
    made.send("one");
    const asked = made.rename("Anna", Renaming);
    // By then it would have been sealed under the former name.
    await new Promise((then) => setTimeout(then, 50));
    expect(chats()).toEqual([]);
    socket().says({ type: "renamed", clientId: "me", user: "Anna", previous: "Ann", room: "r" });
    socket().says({ type: "ack", n: RENAME_N, timestamp: WELCOME.timestamp });
    expect(await asked).toBe("");
    expect(await next(1)).toMatchObject({ text: "one", claims: { n: 1, user: "Anna" } });
  });

  test("begins anew with another seat", async () => {
    const made = session(SECRET);
    socket().welcome();
    made.send("one");
    await next(1);
    socket().says({ type: "ack", n: 1, seq: 1, timestamp: WELCOME.timestamp, cursor: "c-1" });
    await vi.waitFor(() => expect(loadSession("r")?.last?.n).toBe(1));
    socket().says({ ...WELCOME, type: "reset", clientId: "other", members: [{ ...ANN, clientId: "other" }] });
    made.send("two");
    await vi.waitFor(() => expect(chats()).toHaveLength(2));
    const opened = await (await RoomCipher.of(SECRET, "r")).open(chats().at(-1)!.text as string, "other");
    expect(opened).toMatchObject({ text: "two", claims: { n: 1, after: 0, link: "" } });
  });

  test("under another name is marked in the log", async () => {
    const cipher = await RoomCipher.of(SECRET, "r");
    const { text } = await cipher.seal(
      { n: 1, after: 0, link: "", user: "ben", verified: false, text: "hello" },
      "ben",
    );
    const made = session(SECRET);
    socket().welcome({ history: [from("ben", 1, text), { ...from("ben", 2, text) }, { ...from("ben", 3, "plain") }] });
    await vi.waitFor(() => expect(made.log.lines).toHaveLength(3));
    expect(made.log.lines).toMatchObject([
      { text: "hello" },
      { doubt: { is: "twice" } },
      { encryption: "unencrypted", doubt: { is: "unencrypted", user: "ben" } },
    ]);
    expect(made.log.lines[0]).not.toHaveProperty("doubt");
  });
});
