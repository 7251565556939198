import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AGAIN_AFTER, LazyPart, lazyParts } from "./lazy-parts.svelte";

beforeEach(() => {
  lazyParts.problem = null;
  vi.spyOn(document, "querySelector").mockReturnValue({
    src: "http://localhost/assets/index-old1.js",
  } as HTMLScriptElement);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const gone = () => lazyParts.fetch(() => Promise.reject(new TypeError("Failed to fetch dynamically imported module")));
const given = (page: string) => vi.stubGlobal("fetch", async () => new Response(page));

test("a part that comes is no trouble", async () => {
  expect(await lazyParts.fetch(async () => 7)).toBe(7);
  expect(lazyParts.problem).toBeNull();
});

test("a part that is gone since the server was upgraded makes the page an old one", async () => {
  given('<script type="module" src="/assets/index-new2.js"></script>');
  await expect(gone()).rejects.toThrow();
  expect(lazyParts.problem).toBe("old");
});

test("a part that does not come through a network is no reason to call the page old", async () => {
  given('<script type="module" src="/assets/index-old1.js"></script>');
  await expect(gone()).rejects.toThrow();
  expect(lazyParts.problem).toBe("away");
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("offline")));
  await expect(gone()).rejects.toThrow();
  expect(lazyParts.problem).toBe("away");
});

test("a part that failed is asked for again only after a while, and comes then", async () => {
  vi.useFakeTimers();
  given('<script type="module" src="/assets/index-old1.js"></script>');
  const load = vi.fn<() => Promise<number>>().mockRejectedValueOnce(new TypeError("offline")).mockResolvedValue(7);
  const part = new LazyPart(load);
  part.want();
  await vi.advanceTimersByTimeAsync(AGAIN_AFTER - 1);
  part.want();
  expect([load.mock.calls.length, lazyParts.problem]).toEqual([1, "away"]);
  await vi.advanceTimersByTimeAsync(1);
  part.want();
  await vi.advanceTimersByTimeAsync(0);
  expect([load.mock.calls.length, part.now]).toEqual([2, 7]);
});

test("a part that failed comes sooner where the person asks for it, and is known to have failed until then", async () => {
  vi.useFakeTimers();
  given('<script type="module" src="/assets/index-old1.js"></script>');
  const load = vi.fn<() => Promise<number>>().mockRejectedValueOnce(new TypeError("offline")).mockResolvedValue(7);
  const part = new LazyPart(load);
  part.want(true);
  part.want(true);
  expect([load.mock.calls.length, part.failed], "it is on its way").toEqual([1, false]);
  await vi.advanceTimersByTimeAsync(0);
  expect(part.failed).toBe(true);
  part.want(true);
  expect(part.failed).toBe(false);
  await vi.advanceTimersByTimeAsync(AGAIN_AFTER);
  part.want(true);
  expect([load.mock.calls.length, part.now, part.failed]).toEqual([2, 7, false]);
});

test("an old page asks for no part any more", async () => {
  vi.useFakeTimers();
  given('<script type="module" src="/assets/index-new2.js"></script>');
  const load = vi.fn(() => Promise.reject(new TypeError("gone")));
  const [one, other] = [new LazyPart(load), new LazyPart(load)];
  one.want();
  await vi.advanceTimersByTimeAsync(2 * AGAIN_AFTER);
  expect(lazyParts.problem).toBe("old");
  one.want();
  other.want();
  expect(load).toHaveBeenCalledTimes(1);
  expect([one.failed, other.failed]).toEqual([true, true]);
});
