import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, test } from "vitest";
import { en } from "../i18n/en";
import { i18n } from "../i18n/i18n.svelte";
import { TALK } from "../i18n/talk";
import type { Entry, Outgoing } from "../log/state";
import { WELCOME } from "../protocol/welcome.fixture";
import type { RoomSession } from "../session/room-session.svelte";
import { Composing } from "./composing.svelte";
import Refused from "./Refused.svelte";

const entry: Entry = {
  kind: "entry",
  key: 1,
  seq: 1,
  from: "me",
  user: "Ann",
  text: "text 1",
  at: 0,
  mine: true,
};
const outgoing = (why: string, over: Partial<Outgoing> = {}): Outgoing => ({
  kind: "outgoing",
  key: 7,
  n: 1,
  text: "better\nwords",
  amends: { type: "edit", target: 1 },
  at: 0,
  state: "failed",
  sent: true,
  inFlight: false,
  why,
  retryAt: 0,
  ...over,
});

let over = () => {};
beforeEach(() => i18n.switch("en"));
afterEach(() => over());

function refused(line: Outgoing, draft = "", editing: Entry | null = null) {
  const discarded: number[] = [];
  const session = $state({
    draft,
    log: { me: { clientId: "me", user: "Ann" }, lines: [entry], limits: { ...WELCOME.limits, editAge: 900 } },
    now: () => 1_000,
    retry() {},
    discard: (key: number) => discarded.push(key),
  });
  const target = document.createElement("div");
  const composing = new Composing();
  if (editing) composing.edit(editing);
  const view = mount(Refused, { target, props: { line, session: session as unknown as RoomSession, composing } });
  flushSync();
  over = () => void unmount(view);
  const putBack = () => [...target.querySelectorAll("button")].find((b) => b.textContent === TALK.en.putBack);
  return { target, session, composing, discarded, putBack };
}

test("the words of a refused edit are shown, and go back into the edit", () => {
  const { target, session, composing, discarded, putBack } = refused(outgoing("internal"), "half a thought");
  expect(target.querySelector(".words")!.textContent).toBe("better\nwords");
  putBack()!.click();
  expect([composing.editing, composing.text]).toEqual([1, "better\nwords"]);
  expect([session.draft, discarded]).toEqual(["half a thought", [7]]);
});

test("words that no edit can have any more go into the draft, after what is there", () => {
  for (const why of ["too_late", "not_yours", "no_target"]) {
    const { session, composing, discarded, putBack } = refused(outgoing(why), "half a thought");
    putBack()!.click();
    expect([composing.editing, session.draft]).toEqual([null, "half a thought\nbetter\nwords"]);
    expect(discarded).toEqual([7]);
    over();
  }
});

test("another edit that is written is left alone", () => {
  const { session, composing, putBack } = refused(outgoing("internal"), "", { ...entry, seq: 2, text: "other" });
  putBack()!.click();
  expect([composing.editing, composing.text, session.draft]).toEqual([2, "other", "better\nwords"]);
});

test("a message and a delete have no words to put back", () => {
  const { amends: _, ...message } = outgoing("too_long");
  for (const line of [outgoing("internal", { amends: { type: "delete", target: 1 } }), message]) {
    const { target, putBack } = refused(line);
    expect([target.querySelector(".words"), putBack()]).toEqual([null, undefined]);
    over();
  }
});

test("that the server no longer has a message is said of its change, in each language", async () => {
  for (const language of ["en", "ru"] as const) {
    await i18n.switch(language);
    expect(refused(outgoing("no_target")).target.textContent).toContain(TALK[language].noTarget);
    over();
    expect(refused(outgoing("no_target", { amends: { type: "delete", target: 1 } })).target.textContent).toContain(
      TALK[language].noTarget,
    );
    over();
  }
});

test("a reaction that was refused is told politely, with why, and can be tried again or put away", () => {
  const react = (on: boolean, why: string) => outgoing(why, { text: "🌮", amends: { type: "react", target: 1, on } });
  const text = (element: Element) => element.textContent!.replaceAll(/\s+/g, " ").trim();
  const buttons = (target: Element) => [...target.querySelectorAll("button")].map(text);
  const { target, discarded } = refused(react(true, "reactions_full"));
  expect(target.querySelector("[role=status]"), "nothing is interrupted").not.toBeNull();
  expect(target.querySelector("[role=alert]")).toBeNull();
  expect(text(target)).toContain("🌮 wasn’t added. This message can take no more reactions.");
  expect(buttons(target)).toEqual(["Try again", "Close"]);
  target.querySelectorAll("button")[1]!.click();
  expect(discarded).toEqual([7]);
  over();
  const back = refused(react(false, "no_target")).target;
  expect(text(back)).toContain("🌮 wasn’t taken back.");
  expect(buttons(back), "it stays so").toEqual(["Close"]);
});

test("a message with files can be tried again without what it answers, and not without its files", () => {
  const { amends: _, ...message } = outgoing("");
  const files = [{ file: "f1", size: 1, contentType: "text/plain" }];
  const again = (why: string) => {
    const { target } = refused({ ...message, files, why });
    const labels = [...target.querySelectorAll("button")].map((b) => b.textContent);
    over();
    return labels.includes(en.retry);
  };
  for (const why of ["no_target", "internal", "too_late"]) expect(again(why), why).toBe(true);
  for (const why of ["no_file", "file_incomplete", "files_off"]) expect(again(why), why).toBe(false);
});
