import { expect, test } from "vitest";
import { TYPING_INTERVAL, Typing } from "./typing";

function heard(act: (typing: Typing) => void): boolean[] {
  const told: boolean[] = [];
  act(new Typing((typing) => told.push(typing)));
  return told;
}

test("typing is told at once and then only every so often", () => {
  const told = heard((t) => {
    for (let at = 0; at <= TYPING_INTERVAL; at += 100) t.input("word", at);
  });
  expect(told).toEqual([true, true]);
});

test("typing ends with an emptied field or a lost focus, once", () => {
  expect(heard((t) => (t.input("word", 0), t.input("  ", 1), t.stop()))).toEqual([true, false]);
  expect(heard((t) => t.stop())).toEqual([]);
});

test("a message ends the typing without a word, and the next word tells it again", () => {
  expect(heard((t) => (t.input("word", 0), t.sent(), t.stop(), t.input("next", 1)))).toEqual([true, true]);
});
