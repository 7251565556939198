import { flushSync, mount, tick, unmount } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WELCOME } from "../protocol/welcome.fixture";
import type { RoomSession } from "../session/room-session.svelte";
import { en } from "../i18n/en";
import { i18n } from "../i18n/i18n.svelte";
import type { Entry } from "../log/state";
import Composer from "./Composer.svelte";
import { inbox } from "../files/inbox.svelte";
import { Composing } from "./composing.svelte";
import { commands, filing } from "./parts";

let over = () => {};
beforeEach(() => i18n.switch("en"));
afterEach(() => over());

const entry = (seq: number, over: Partial<Entry> = {}): Entry => ({
  kind: "entry",
  key: seq,
  seq,
  from: "me",
  user: "Ann",
  text: `text ${seq}`,
  at: 0,
  mine: true,
  ...over,
});

function composer(draft: string, lines: Entry[] = []) {
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  const said: unknown[] = [];
  const session = $state({
    draft,
    replyTo: null as number | null,
    log: {
      me: { clientId: "me", user: "Ann" },
      members: [],
      lines,
      limits: { ...WELCOME.limits, textLength: 4_000, editAge: 900, fileBytes: 0 },
    },
    secret: null,
    send: (text: string, replyTo: number | null) => said.push(replyTo === null ? text : [text, replyTo]),
    edit: (target: number, text: string) => said.push({ target, text }),
    now: () => 1_000,
    typing: { input() {}, stop() {} },
    encryptionFailed: false,
  });
  const target = document.createElement("div");
  document.body.append(target);
  const composing = new Composing();
  const view = mount(Composer, { target, props: { session: session as unknown as RoomSession, composing } });
  flushSync();
  over = () => {
    void unmount(view);
    target.remove();
    vi.unstubAllGlobals();
  };
  const button = target.querySelector("button.solid") as HTMLButtonElement;
  const area = target.querySelector("textarea")!;
  const press = (key: string, more: KeyboardEventInit = {}) => {
    area.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
    flushSync();
  };
  const write = (text: string) => {
    area.value = text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    flushSync();
  };
  const says = () => target.querySelector("#room-to-say")!.textContent;
  return { session, composing, said, button, area, press, write, says };
}

test("a text of the longest kind that was pasted with a line break at its end fits, and one character more does not", () => {
  const { session, said, button, says } = composer(`${"x".repeat(4_000)}\n`);
  expect([button.disabled, says()]).toEqual([false, en.left(0)]);
  button.click();
  flushSync();
  expect(said).toEqual(["x".repeat(4_000)]);
  session.draft = `${"x".repeat(4_001)}\n`;
  flushSync();
  expect([button.disabled, says()]).toEqual([true, en.tooLong(1)]);
});

test("an invisible message is not sent, and the composer says so", () => {
  for (const nothing of ["\u200b", "\u2800", "\u3164", "\u00ad"]) {
    const { button, says } = composer(nothing);
    expect([button.disabled, says()]).toEqual([true, en.blank]);
    over();
  }
  const { button, says } = composer("  \n");
  expect([button.disabled, says()]).toEqual([true, ""]);
});

test("ArrowUp in an empty field edits the last message of one's own, and the draft is what it was", async () => {
  const { session, said, area, press, write, button } = composer("", [
    entry(1),
    entry(2),
    entry(3, { from: "ben", mine: false }),
    entry(4, { deleted: true, text: "" }),
  ]);
  press("ArrowUp", { shiftKey: true });
  expect(area.value).toBe("");
  press("ArrowUp");
  expect(area.value).toBe("text 2");
  expect(button.getAttribute("aria-label")).toBe(en.save);
  write("text two");
  press("Enter");
  expect(said).toEqual([{ target: 2, text: "text two" }]);
  expect([area.value, session.draft]).toEqual(["", ""]);
  // What was not changed is not sent.
  press("ArrowUp");
  press("Enter");
  expect(said).toHaveLength(1);
  await tick();
});

test("an edit leaves the draft alone, Escape ends it, and one that came too late does not begin", () => {
  const { session, composing, said, area, press, write } = composer("half a thought", [entry(1)]);
  press("ArrowUp");
  expect(area.value).toBe("half a thought");
  composing.edit(entry(1));
  flushSync();
  write("changed");
  expect(session.draft).toBe("half a thought");
  press("Escape");
  expect([area.value, said.length]).toEqual(["half a thought", 0]);
  session.draft = "";
  session.log.lines = [entry(1, { at: -900_000 })];
  flushSync();
  press("ArrowUp");
  expect(area.value).toBe("");
});

test("an edit of a message that is gone cannot be saved", () => {
  const { session, composing, said, press, button } = composer("", [entry(1)]);
  composing.edit(entry(1));
  flushSync();
  expect(button.disabled).toBe(false);
  session.log.lines = [];
  flushSync();
  expect(button.disabled).toBe(true);
  press("Enter");
  expect(said).toEqual([]);
});

test("an answer goes with what it answers, once", () => {
  const { session, said, press, write } = composer("yes", [entry(1)]);
  session.replyTo = 1;
  flushSync();
  press("Enter");
  write("and no");
  press("Enter");
  expect(said).toEqual([["yes", 1], "and no"]);
  session.replyTo = 1;
  flushSync();
  press("Escape");
  expect(session.replyTo).toBeNull();
});

test("files that were given hold the message back until their part has come, which is asked for again with the next", () => {
  const want = vi.spyOn(filing, "want").mockReturnValue();
  const { session, said, press, button, says } = composer("look");
  session.log.limits = { ...session.log.limits, fileBytes: 1_000 };
  flushSync();
  inbox.give([new File(["x"], "x.txt")]);
  flushSync();
  press("Enter");
  expect([said, button.disabled, says()]).toEqual([[], true, ""]);
  filing.failed = true;
  flushSync();
  expect([says(), want.mock.calls]).toEqual([en.partFailed, [[true]]]);
  inbox.give([new File(["y"], "y.txt")]);
  flushSync();
  expect(want).toHaveBeenCalledTimes(2);
  inbox.given = [];
  filing.failed = false;
  flushSync();
  press("Enter");
  expect([said, says()]).toEqual([["look"], ""]);
  want.mockRestore();
});

test("a server that takes no files any more gets none", () => {
  type Props = { attached: readonly unknown[] | null };
  let tray: Props | undefined;
  filing.now = { Tray: (_: unknown, props: Props) => ((tray = props), { take() {} }) } as never;
  const { session, button } = composer("");
  session.log.limits = { ...session.log.limits, fileBytes: 1_000 };
  flushSync();
  tray!.attached = [{ file: "f1", size: 1, contentType: "text/plain" }];
  flushSync();
  expect(button.disabled).toBe(false);
  session.log.limits = { ...session.log.limits, fileBytes: 0 };
  flushSync();
  expect(button.disabled).toBe(true);
  session.draft = "words";
  flushSync();
  expect(button.disabled).toBe(false);
  filing.now = null;
});

test("a page with an edit that is not saved asks before it goes", () => {
  const { composing, write } = composer("", [entry(1)]);
  const leaves = () => dispatchEvent(new Event("beforeunload", { cancelable: true }));
  expect(leaves()).toBe(true);
  composing.edit(entry(1));
  flushSync();
  expect(leaves(), "nothing was changed").toBe(true);
  write("changed");
  expect(leaves()).toBe(false);
  composing.end();
  flushSync();
  expect(leaves()).toBe(true);
});

test("a command is no message: it runs when its part is here, and two slashes are a text with one", () => {
  const want = vi.spyOn(commands, "want").mockReturnValue();
  const { session, said, press, write, says } = composer("");
  write("/nick Anna");
  expect(want).toHaveBeenCalled();
  press("Enter");
  expect([said, session.draft]).toEqual([[], "/nick Anna"]);
  const run = vi.fn(async () => {});
  let props: { text: string; clear: () => void } | undefined;
  commands.now = { default: (_: unknown, given: typeof props) => ((props = given), { run }) } as never;
  flushSync();
  expect([run.mock.calls.length, props!.text], "Enter was pressed before").toEqual([1, "/nick Anna"]);
  press("Enter");
  expect(run).toHaveBeenCalledTimes(2);
  props!.clear();
  flushSync();
  expect([said, session.draft]).toEqual([[], ""]);
  write("//nick is a command");
  press("Enter");
  write("a/b");
  press("Enter");
  expect([said, run.mock.calls.length]).toEqual([["/nick is a command", "a/b"], 2]);
  commands.now = null;
  commands.failed = true;
  write("/help");
  press("Enter");
  expect([said.length, session.draft, says()]).toEqual([2, "/help", en.partFailed]);
  commands.failed = false;
  want.mockRestore();
});
