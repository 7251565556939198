import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { hostView } from "../host/host-view.svelte";
import { i18n } from "../i18n/i18n.svelte";
import { emptyLog } from "../log/state";
import type { HostMessage, Member } from "../protocol/frames";
import type { RoomSession } from "../session/room-session.svelte";
import { COMMANDS, parseCommand } from "./names";
import { burn, runCommand } from "./run";

let asked: HostMessage[];
let sent: string[];
let named: string[];
let code: string;

beforeEach(async () => {
  await i18n.switch("en");
  [asked, sent, named, code] = [[], [], [], ""];
});

afterEach(() => {
  hostView.invites = null;
  vi.unstubAllGlobals();
});

const member = (clientId: string, user: string, over: Partial<Member> = {}): Member => ({
  clientId,
  user,
  joinedAt: 0,
  ...over,
});
const BEN = member("ben", "Ben Hur");
const TWINS = [member("c-1111", "Cat"), member("c-2222", "Cat")];

function room(host = true, others = [BEN, ...TWINS]): RoomSession {
  const members = [member("me", "Ann", host ? { host: true } : {}), ...others];
  const session: Partial<RoomSession> & { log: RoomSession["log"] } = {
    room: "r",
    name: "Ann",
    secret: null,
    cipher: null,
    log: { ...emptyLog(), me: { clientId: "me", user: "Ann" }, rules: { lock: "open", history: "all" }, members },
    send: (text: string) => void sent.push(text),
    rename: async (user: string) => (named.push(user), code),
    host: async (what: HostMessage) => (asked.push(what), code),
  };
  return session as RoomSession;
}

const told = async (text: string, session = room()) => {
  const outcome = await runCommand(text, session);
  const said = "told" in outcome ? outcome.told.replaceAll(/[\u2068\u2069]/gu, "") : "";
  return [outcome.is, said];
};

test("a command is known by its name, in any case, and has words behind it", () => {
  expect(parseCommand("/Kick  Ben Hur ")).toEqual({ name: "kick", words: "Ben Hur" });
  expect(parseCommand("/topic two\nlines")).toEqual({ name: "topic", words: "two\nlines" });
  for (const none of ["/kik", "/", "/ kick", "kick", "/usr/bin"]) expect(parseCommand(none), none).toBeNull();
});

test("an unknown command does nothing and says how a text is sent", async () => {
  const [is, said] = await told("/usr/bin is a path");
  expect(is).toBe("wrong");
  expect(said).toBe("There is no command /usr/bin. /help lists them; begin with // to send it as text.");
  expect([sent, asked]).toEqual([[], []]);
});

describe("everybody", () => {
  test("may say what they do: in italics, where no mark is in the way", async () => {
    expect(await told("/me waves", room(false))).toEqual(["done", ""]);
    await told("/me gives 5*", room(false));
    expect(sent).toEqual(["*Ann waves*", "Ann gives 5*"]);
    expect(await told("/me")).toEqual(["wrong", "Write it like this: /me WORDS"]);
  });

  test("may take another name, if it is one", async () => {
    expect(await told("/nick Anna", room(false))).toEqual(["done", ""]);
    expect(named).toEqual(["Anna"]);
    expect((await told("/nick"))[0]).toBe("wrong");
    code = "name_taken";
    expect((await told("/nick Amy"))[1]).toContain("belongs to an account");
    expect(named).toEqual(["Anna", "Amy"]);
  });

  test("gets the link, or the invites once they are there", async () => {
    const writeText = vi.fn(async () => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    expect(await told("/invite", room(false))).toEqual(["done", "The link to this room is copied."]);
    expect(writeText).toHaveBeenCalledWith(expect.stringMatching(/\/r\/r$/));
    const open = vi.fn();
    hostView.invites = open;
    expect(await told("/invite", room(false))).toEqual(["done", ""]);
    expect(open).toHaveBeenCalledOnce();
  });

  test("gets help", async () => {
    expect(await runCommand("/help", room(false))).toEqual({ is: "help" });
  });
});

describe("the host", () => {
  test.each<[string, HostMessage]>([
    ["/lock", { type: "lock", lock: "locked" }],
    ["/lock open", { type: "lock", lock: "open" }],
    ["/lock KNOCK", { type: "lock", lock: "knock" }],
    ["/unlock", { type: "lock", lock: "open" }],
    ["/knock", { type: "lock", lock: "knock" }],
    ["/topic Our plans", { type: "topic", title: "Our plans" }],
    ["/topic", { type: "topic", title: "" }],
    ["/kick ben hur", { type: "kick", clientId: "ben" }],
    ["/kick @Ben Hur", { type: "kick", clientId: "ben" }],
    ["/mute Ben Hur", { type: "mute", clientId: "ben", muted: true }],
    ["/unmute Ben Hur", { type: "mute", clientId: "ben", muted: false }],
    ["/host Ben Hur", { type: "host", clientId: "ben" }],
    ["/kick cat 2222", { type: "kick", clientId: "c-2222" }],
  ])("%s", async (text, what) => {
    expect((await runCommand(text, room())).is).toBe("done");
    expect(asked).toEqual([what]);
  });

  test("is told what was done with whom", async () => {
    expect(await told("/kick Ben Hur")).toEqual(["done", "Ben Hur was removed."]);
  });

  test.each([
    ["/lock wide", "Write it like this: /lock [open|knock]"],
    ["/kick", "Write it like this: /kick NAME"],
    ["/kick Zed", "Nobody here is called Zed."],
    ["/kick Ann", "Nobody here is called Ann."],
    ["/mute Cat", "Several people here are called Cat. Add a mark: 1111 and 2222."],
    [`/topic ${"x".repeat(600)}`, "The title is too long."],
  ])("asks for nothing that cannot be: %s", async (text, said) => {
    expect(await told(text)).toEqual(["wrong", said]);
    expect(asked).toEqual([]);
  });

  test("ends the room only once that is confirmed", async () => {
    expect(await runCommand("/burn", room())).toEqual({ is: "burn" });
    expect(asked).toEqual([]);
    await burn(room());
    expect(asked).toEqual([{ type: "burn" }]);
  });

  test("hears why the server refused", async () => {
    code = "no_member";
    expect(await told("/kick Ben Hur")).toEqual(["wrong", "This person is not here any more."]);
  });
});

test("a member that is not the host asks for none of it", async () => {
  const hosts = COMMANDS.slice(COMMANDS.indexOf("kick"));
  for (const name of hosts)
    expect(await told(`/${name} Ben Hur`.replace("lock Ben Hur", "lock"), room(false)), name).toEqual([
      "wrong",
      "Only the host can do that.",
    ]);
  expect(asked).toEqual([]);
});
