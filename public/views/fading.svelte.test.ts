import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Entry } from "../log/state";
import { WELCOME } from "../protocol/welcome.fixture";
import type { RoomSession } from "../session/room-session.svelte";
import Fading from "./Fading.svelte";

const MINUTE = 60_000;
const LIFE = 30 * MINUTE;

let over = () => {};
beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  over();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const entry = (seq: number, at: number): Entry => ({
  kind: "entry",
  key: seq,
  seq,
  from: "ben",
  user: "Ben",
  text: `text ${seq}`,
  at,
  mine: false,
});

/** Rows as the log draws them, and what is done to them. */
function shows(lines: Entry[], reduced = false) {
  vi.stubGlobal("matchMedia", () => ({ matches: reduced }));
  const begun = Date.now();
  const box = document.createElement("div");
  const animated: number[] = [];
  for (const { seq } of lines) {
    const row = Object.assign(document.createElement("div"), { className: "message" });
    row.dataset["seq"] = `${seq}`;
    row.animate = (_, how) => (
      animated.push(seq, Math.round((how as KeyframeAnimationOptions).duration as number)),
      null!
    );
    box.append(row);
  }
  let log = $state.raw({ lines, limits: { ...WELCOME.limits, historyAge: LIFE / 1000 } });
  const session = {
    get log() {
      return log;
    },
    now: () => Date.now() - begun,
  };
  const view = mount(Fading, { target: box, props: { session: session as unknown as RoomSession, box } });
  flushSync();
  over = () => void unmount(view);
  const steps = () => [...box.querySelectorAll<HTMLElement>(".message")].map((row) => row.dataset["fading"] ?? "");
  return {
    animated,
    steps,
    add: (line: Entry) => {
      log = { ...log, lines: [...log.lines, line] };
      flushSync();
    },
  };
}

test("messages dim one after the other, and each goes in its last moment", () => {
  const { steps, animated } = shows([entry(1, 0), entry(2, MINUTE)]);
  expect(steps()).toEqual(["", ""]);
  vi.advanceTimersByTime(27 * MINUTE);
  expect(steps()).toEqual(["1", ""]);
  vi.advanceTimersByTime(MINUTE);
  expect(steps()).toEqual(["2", "1"]);
  vi.advanceTimersByTime(MINUTE);
  expect(steps()).toEqual(["3", "2"]);
  expect(animated).toEqual([]);
  vi.advanceTimersByTime(MINUTE - 600);
  expect(steps()).toEqual(["4", "2"]);
  expect(animated).toEqual([1, 600]);
});

test("one that is found dim at first is drawn so at once", () => {
  expect(shows([entry(1, -29 * MINUTE), entry(2, -1_000)]).steps()).toEqual(["3", ""]);
});

test("a thousand messages need one timer, and a new one nothing at all", () => {
  const lines = Array.from({ length: 1_000 }, (_, i) => entry(i + 1, i * 10));
  const { steps, add } = shows(lines);
  expect(vi.getTimerCount()).toBe(1);
  const query = vi.spyOn(Element.prototype, "querySelectorAll");
  const looks = () => query.mock.calls.length;
  for (let n = 0; n < 50; n += 1) add(entry(1_001 + n, 10_000));
  expect([vi.getTimerCount(), looks()]).toEqual([1, 0]);
  vi.advanceTimersByTime(27 * MINUTE + 5_000);
  const dim = steps().filter((step) => step === "1").length;
  expect(dim).toBeGreaterThan(475);
  expect(dim).toBeLessThan(525);
  expect(vi.getTimerCount()).toBe(1);
});

test("of those who want no motion none is moved, nor of many that go at once", () => {
  const calm = shows([entry(1, 0)], true);
  vi.advanceTimersByTime(LIFE - 600);
  expect([calm.steps(), calm.animated]).toEqual([["4"], []]);
  over();
  const many = shows(Array.from({ length: 21 }, (_, i) => entry(i + 1, 0)));
  vi.advanceTimersByTime(LIFE - 600);
  expect([many.steps()[0], many.animated]).toEqual(["4", []]);
});

test("its timer goes with the room", () => {
  shows([entry(1, 0)]);
  over();
  over = () => {};
  expect(vi.getTimerCount()).toBe(0);
});
