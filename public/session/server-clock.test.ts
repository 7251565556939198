import { expect, test } from "vitest";
import { ServerClock } from "./server-clock";

test("the server's time goes on from its last word, whatever the viewer's clock says", () => {
  let elapsed = 500;
  const clock = new ServerClock(() => elapsed, 99);
  expect(clock.now()).toBe(99);
  clock.set(1_000_000);
  elapsed += 2_000;
  expect(clock.now()).toBe(1_002_000);
  // A machine that slept: the time of what comes then is later than the page thought.
  clock.advanceTo(1_900_000);
  expect(clock.now()).toBe(1_900_000);
  clock.advanceTo(1_100_000);
  elapsed += 1;
  expect(clock.now()).toBe(1_900_001);
  // A server whose clock was set back says so itself.
  clock.set(900_000);
  expect(clock.now()).toBe(900_000);
});
