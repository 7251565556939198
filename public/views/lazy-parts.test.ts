import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { lazyParts } from "./lazy-parts.svelte";

beforeEach(() => {
  lazyParts.problem = null;
  vi.spyOn(document, "querySelector").mockReturnValue({
    src: "http://localhost/assets/index-old1.js",
  } as HTMLScriptElement);
});

afterEach(() => {
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
