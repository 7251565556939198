import { expect, test } from "vitest";
import { TrafficCounts, median, paneName } from "./comparison.svelte";

test("the median is the middle one, or between the middle two, whatever the order", () => {
  expect(median([])).toBeNull();
  expect(median([7])).toBe(7);
  expect(median([100, 1, 3])).toBe(3);
  expect(median([4, 100, 1, 2])).toBe(3);
});

test("a pane goes by its transport, and by its owner where both fit into a name", () => {
  expect(paneName(null, "SSE")).toBe("SSE");
  expect(paneName("Ann", "SSE")).toBe("Ann · SSE");
  expect(paneName("x".repeat(27), "SSE")).toBe("SSE");
});

test("bytes are counted as they travel and not as letters", () => {
  const traffic = new TrafficCounts();
  traffic.sent("жук");
  traffic.received("😀");
  expect([traffic.bytesSent, traffic.bytesReceived]).toEqual([6, 4]);
});
