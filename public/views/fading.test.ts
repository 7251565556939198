import { expect, test } from "vitest";
import { dimsFor, lookAt, STEPS } from "./fading";

const MINUTE = 60_000;

test("a message dims over the last tenth of its life, and over ten minutes at most", () => {
  expect(dimsFor(30 * MINUTE)).toBe(3 * MINUTE);
  expect(dimsFor(24 * 60 * MINUTE)).toBe(10 * MINUTE);
  expect(dimsFor(1_000)).toBe(100);
});

test("each look holds until the next, and the last until the end", () => {
  for (const life of [1_000, 5_000, 30 * MINUTE, 24 * 60 * MINUTE]) {
    const steps: number[] = [];
    for (let age = 0; age < life;) {
      const { step, until } = lookAt(age, life);
      expect(until, `${age} of ${life}`).toBeGreaterThan(age);
      expect(lookAt((age + until) / 2, life), "it holds").toEqual({ step, until });
      steps.push(step);
      age = until;
    }
    expect(steps).toEqual([0, 1, 2, 3, STEPS + 1]);
  }
});

test("it is as new until then, and goes in the last of its time", () => {
  const life = 30 * MINUTE;
  expect(lookAt(0, life)).toEqual({ step: 0, until: 27 * MINUTE });
  expect(lookAt(-5_000, life).step, "a clock that is behind").toBe(0);
  expect(lookAt(27 * MINUTE, life).step).toBe(1);
  expect(lookAt(life - 601, life).step).toBe(STEPS);
  expect(lookAt(life - 600, life)).toEqual({ step: STEPS + 1, until: life });
  expect(lookAt(life + 5_000, life).step, "one that the log has not taken away yet").toBe(STEPS + 1);
});
