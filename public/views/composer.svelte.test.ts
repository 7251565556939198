import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WELCOME } from "../protocol/welcome.fixture";
import type { RoomSession } from "../session/room-session.svelte";
import { en } from "../i18n/en";
import { i18n } from "../i18n/i18n.svelte";
import Composer from "./Composer.svelte";

let over = () => {};
beforeEach(() => i18n.switch("en"));
afterEach(() => over());

function composer(draft: string) {
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  const said: string[] = [];
  const session = $state({
    draft,
    log: { limits: { ...WELCOME.limits, textLength: 4_000 } },
    secret: null,
    send: (text: string) => said.push(text),
    now: () => 0,
    typing: { input() {}, stop() {} },
  });
  const target = document.createElement("div");
  document.body.append(target);
  const view = mount(Composer, { target, props: { session: session as unknown as RoomSession } });
  flushSync();
  over = () => {
    void unmount(view);
    target.remove();
    vi.unstubAllGlobals();
  };
  const button = target.querySelector("button")!;
  return { session, said, button, says: () => target.querySelector("[role=status]")!.textContent };
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
