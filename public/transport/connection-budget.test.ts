import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HELD_CONNECTIONS_MAX, holdConnection } from "./connection-budget";

const taken = new Set<string>();
const locks = {
  async request(name: string, _: object, act: (lock: object | null) => unknown) {
    if (taken.has(name)) return act(null);
    taken.add(name);
    await act({ name });
    taken.delete(name);
  },
};

beforeEach(() => {
  taken.clear();
  vi.stubGlobal("navigator", { locks });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("no more connections are held than leave room for the rest, and one that is given back can be held again", async () => {
  const held = [];
  for (let at = 0; at < HELD_CONNECTIONS_MAX; at += 1) held.push(await holdConnection());
  expect(held).not.toContain(null);
  expect(await holdConnection()).toBeNull();
  held[1]!();
  await Promise.resolve();
  expect(await holdConnection()).not.toBeNull();
  expect(await holdConnection()).toBeNull();
});

test("nothing is refused where one connection carries everything, or there are no locks", async () => {
  vi.spyOn(performance, "getEntriesByType").mockReturnValue([{ nextHopProtocol: "h2" } as unknown as PerformanceEntry]);
  for (let at = 0; at < 10; at += 1) expect(await holdConnection()).not.toBeNull();
  vi.restoreAllMocks();
  vi.stubGlobal("navigator", {});
  for (let at = 0; at < 10; at += 1) expect(await holdConnection()).not.toBeNull();
  vi.stubGlobal("navigator", { locks: { request: async () => Promise.reject(new DOMException("", "SecurityError")) } });
  for (let at = 0; at < 10; at += 1) expect(await holdConnection()).not.toBeNull();
});
