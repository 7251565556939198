import { beforeEach, expect, test } from "vitest";
import { PushToTalk } from "./push-to-talk.svelte";

let mic: { on: boolean; set(on: boolean): void };
let heard: boolean[];
let talk: PushToTalk;

beforeEach(() => {
  localStorage.clear();
  document.body.innerHTML = `
    <main><p>text</p><textarea></textarea><button></button><dialog open><p></p></dialog></main>
    <section class="stage">
      <button class="tile"></button>
      <div role="toolbar"><button class="mute"><span></span></button><button role="menuitem"></button></div>
    </section>
    <main class="small"><div role="toolbar"><button></button></div></main>`;
  heard = [];
  mic = {
    on: false,
    set(on) {
      this.on = on;
      heard.push(on);
    },
  };
  talk = new PushToTalk(mic);
  talk.enable(true);
});

/** The key as the browser reports it for the element that has the focus. */
function key(kind: "keydown" | "keyup", at = "body", more: KeyboardEventInit = {}) {
  const event = new KeyboardEvent(kind, { code: "Space", bubbles: true, cancelable: true, ...more });
  const listener = (event: Event) =>
    kind === "keydown" ? talk.onKeyDown(event as KeyboardEvent) : talk.onKeyUp(event as KeyboardEvent);
  window.addEventListener(kind, listener, { once: true });
  document.querySelector(at)!.dispatchEvent(event);
  return event;
}

test("it is off by default, and the browser remembers that it was turned on", () => {
  expect(new PushToTalk(mic).enabled).toBe(true);
  talk.enable(false);
  expect(new PushToTalk(mic).enabled).toBe(false);
  key("keydown");
  expect(heard).toEqual([]);
});

test("a muted user is heard from the press to the release", () => {
  expect(key("keydown", "p").defaultPrevented).toBe(true);
  expect([talk.holding, mic.on]).toEqual([true, true]);
  expect(key("keydown", "p", { repeat: true }).defaultPrevented).toBe(true);
  key("keyup", "textarea");
  expect([talk.holding, heard]).toEqual([false, [true, false]]);
});

test("a user who is not muted stays so", () => {
  mic.on = true;
  expect(key("keydown").defaultPrevented).toBe(false);
  key("keyup");
  expect([mic.on, heard]).toEqual([true, []]);
});

test("text fields, controls and dialogs keep their Space, and so do other shortcuts", () => {
  for (const at of ["textarea", "button", "dialog p", ".tile", "[role=menuitem]"]) {
    expect(key("keydown", at).defaultPrevented).toBe(false);
    expect(key("keyup", at).defaultPrevented).toBe(false);
  }
  for (const more of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }, { code: "KeyA" }])
    key("keydown", "body", more);
  expect(heard).toEqual([]);
});

test("a key that was held before, and repeats, does not begin", () => {
  key("keydown", "body", { repeat: true });
  expect(heard).toEqual([]);
});

test("muted by its button while the key is held, the release changes nothing", () => {
  key("keydown");
  mic.set(false);
  key("keyup");
  expect([talk.holding, heard]).toEqual([false, [true, false]]);
});

test("turned off while the key is held, it mutes", () => {
  key("keydown");
  talk.enable(false);
  expect([talk.holding, mic.on]).toEqual([false, false]);
});

test("Space on a button of the call talks, and its release presses nothing", () => {
  for (const at of [".mute", ".mute span", ".small button"]) {
    heard = [];
    expect(key("keydown", at).defaultPrevented).toBe(true);
    expect(mic.on).toBe(true);
    expect(key("keyup", at).defaultPrevented).toBe(true);
    expect([mic.on, heard]).toEqual([false, [true, false]]);
  }
});

test("what ends the hold before the key is released lets the key press nothing", () => {
  key("keydown", ".mute");
  talk.release();
  expect(key("keydown", ".mute", { repeat: true }).defaultPrevented).toBe(true);
  expect(key("keyup", ".mute").defaultPrevented).toBe(true);
  expect([mic.on, heard]).toEqual([false, [true, false]]);
});

test("the buttons of the call keep their Space of a user who is heard, and their Enter", () => {
  expect(key("keydown", ".mute", { code: "Enter" }).defaultPrevented).toBe(false);
  expect(key("keyup", ".mute", { code: "Enter" }).defaultPrevented).toBe(false);
  mic.on = true;
  expect(key("keydown", ".mute").defaultPrevented).toBe(false);
  expect(key("keyup", ".mute").defaultPrevented).toBe(false);
  expect(heard).toEqual([]);
});
