import { expect, test, vi } from "vitest";
import type { Attached } from "../protocol/frames";
import { FileRefused } from "./api";
import { missing } from "./loading.svelte";
import { fetchFile, hasPreview, hold, isPicture } from "./store";

const file = (id: string, over: Partial<Attached> = {}): Attached => ({
  file: id,
  size: 3,
  contentType: "image/png",
  ...over,
});
const api = (body: string) => ({ read: () => Promise.resolve(new Response(body)) });
const signal = new AbortController().signal;

test("pictures that hold no program are shown, and large ones only when they are asked for", () => {
  for (const type of ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"])
    expect(isPicture({ contentType: type })).toBe(true);
  for (const type of ["image/svg+xml", "text/html", "image/heic", "application/pdf", "video/mp4", "IMAGE/PNG", ""])
    expect(isPicture({ contentType: type })).toBe(false);
  expect([hasPreview(file("a")), hasPreview(file("a", { size: 11 * 1024 * 1024 }))]).toEqual([true, false]);
});

test("bytes have the type of a picture or none", async () => {
  const of = (contentType: string) => fetchFile(api("abc") as never, file("a", { contentType }), "r", signal);
  expect((await of("image/png")).type).toBe("image/png");
  for (const type of ["text/html", "image/svg+xml"]) expect((await of(type)).type).toBe("application/octet-stream");
});

test("bytes that broke off are no file", async () => {
  const cut = fetchFile(api("ab") as never, file("a"), "r", signal);
  await expect(cut).rejects.toThrow();
  expect(missing(await cut.catch((error: unknown) => error), file("a"))).toBe("away");
});

test("why a file is not here is told apart", () => {
  const sealed = file("a", { key: "k" });
  expect(missing(new FileRefused("no_file"), sealed)).toBe("gone");
  expect(missing(new FileRefused("store_unavailable"), sealed)).toBe("away");
  expect(missing(new TypeError("Failed to fetch"), sealed)).toBe("away");
  expect(missing(new DOMException("", "OperationError"), sealed)).toBe("undecryptable");
  expect(missing(new RangeError(), sealed)).toBe("undecryptable");
  expect(missing(new RangeError(), file("a"))).toBe("away");
});

test("a file is fetched once while it is held, and two at a time", async () => {
  const done: ((bytes: Blob) => void)[] = [];
  const fetching = vi.fn(() => new Promise<Blob>((then) => done.push(then)));
  const holders = ["h1", "h2", "h3"].map(() => new AbortController());
  const all = ["h1", "h2", "h3"].map((id, at) => hold(file(id), fetching, holders[at]!.signal));
  expect(hold(file("h1"), fetching, holders[0]!.signal)).toBe(all[0]);
  expect(fetching).toHaveBeenCalledTimes(2);
  done[0]!(new Blob(["1"]));
  await all[0];
  await vi.waitFor(() => expect(fetching).toHaveBeenCalledTimes(3));
  done[1]!(new Blob());
  done[2]!(new Blob());
  await Promise.all(all);
  holders[0]!.abort();
  const again = hold(file("h1"), fetching, signal);
  expect(again).not.toBe(all[0]);
  done[3]!(new Blob());
  await again;
});

test("a file that two show is kept until the second lets it go, which cuts off its fetch", async () => {
  const signals: AbortSignal[] = [];
  const fetching = (signal: AbortSignal) =>
    new Promise<Blob>((_, fail) => {
      signals.push(signal);
      signal.addEventListener("abort", () => fail(signal.reason));
    });
  const [one, other] = [new AbortController(), new AbortController()];
  const bytes = hold(file("h5"), fetching, one.signal);
  expect(hold(file("h5"), fetching, other.signal)).toBe(bytes);
  one.abort();
  expect(hold(file("h5"), fetching, other.signal), "still held").toBe(bytes);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  other.abort();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  await expect(bytes).rejects.toThrow();
  const third = new AbortController();
  const anew = hold(file("h5"), async () => new Blob(["x"]), third.signal);
  expect(anew).not.toBe(bytes);
  await anew;
  expect(hold(file("h5"), fetching, signal), "the end of the first does not forget the second").toBe(anew);
});

test("what failed is fetched again when it is wanted again", async () => {
  await expect(hold(file("h4"), () => Promise.reject(new TypeError()), signal)).rejects.toThrow();
  expect(await hold(file("h4"), async () => new Blob(["x"]), signal)).toBeInstanceOf(Blob);
});
