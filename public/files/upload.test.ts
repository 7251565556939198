import { expect, test, vi } from "vitest";
import { FileRefused } from "./api";
import { upload } from "./upload";

const CHUNK = 4;
const FACTS = { file: "f", size: 10, contentType: "text/plain", name: "a" };

/** A server that keeps pieces, and fails where the test says so: at each step, in their order. */
class Server {
  kept: number | null = null;
  steps: string[] = [];
  constructor(readonly troubles: Record<number, Error | "lost answer"> = {}) {}

  async #step<T>(what: string, act: () => T): Promise<T> {
    const trouble = this.troubles[this.steps.length];
    this.steps.push(what);
    if (trouble instanceof Error) throw trouble;
    const answer = act();
    if (trouble) throw new TypeError("the answer is lost");
    return answer;
  }

  #known(): number {
    if (this.kept === null) throw new FileRefused("no_file");
    return this.kept;
  }

  open = () => this.#step("open", () => ({ offset: (this.kept ??= 0), chunk: CHUNK }));
  offsetOf = () => this.#step("where", () => this.#known());
  write = (_: string, offset: number, piece: Blob) =>
    this.#step(`${offset}+${piece.size}`, () => {
      if (offset !== this.#known()) throw new FileRefused("bad_offset", null, this.kept);
      return (this.kept = offset + piece.size);
    });
}

const network = () => new TypeError("Failed to fetch");

function start(server: Server, cancel = new AbortController()) {
  const progress: string[] = [];
  const waits: number[] = [];
  const wait = vi.fn((ms: number) => (waits.push(ms), Promise.resolve()));
  const done = upload({
    api: server,
    facts: FACTS,
    bytes: new Blob(["0123456789"]),
    signal: cancel.signal,
    onProgress: (offset, broken) => progress.push(`${offset}${broken ? " broken" : ""}`),
    wait,
    random: () => 1,
  });
  return { done, progress, waits };
}

test("goes in pieces, the last one what is left", async () => {
  const server = new Server();
  const { done, progress, waits } = start(server);
  await done;
  expect(server.steps).toEqual(["open", "0+4", "4+4", "8+2"]);
  expect([progress, waits]).toEqual([["0", "4", "8", "10"], []]);
});

test("broken, it goes on where it broke off, after ever longer", async () => {
  const server = new Server({ 2: network(), 3: network(), 4: network() });
  const { done, progress, waits } = start(server);
  await done;
  expect(server.steps).toEqual(["open", "0+4", "4+4", "where", "where", "where", "4+4", "8+2"]);
  expect(waits).toEqual([500, 1_000, 2_000]);
  expect(progress).toContain("4 broken");
});

test("the page does not send a piece again where only the answer was lost", async () => {
  const server = new Server({ 2: "lost answer" });
  await start(server).done;
  expect(server.steps).toEqual(["open", "0+4", "4+4", "where", "8+2"]);
});

test("the first request may be repeated: it has its id", async () => {
  const server = new Server({ 0: "lost answer" });
  await start(server).done;
  expect(server.steps).toEqual(["open", "open", "0+4", "4+4", "8+2"]);
});

test("the server knows better where it goes on", async () => {
  const server = new Server();
  const { write } = server;
  server.write = (file, offset, piece) => {
    if (offset === 4) server.kept = 8;
    return write(file, offset, piece);
  };
  await start(server).done;
  expect(server.steps).toEqual(["open", "0+4", "4+4", "8+2"]);
});

test("what the server has lost begins anew, but not for ever", async () => {
  const server = new Server({ 2: new FileRefused("no_file") });
  await start(server).done;
  expect(server.steps).toEqual(["open", "0+4", "4+4", "open", "4+4", "8+2"]);
  const hopeless = new Server(
    Object.fromEntries(Array.from({ length: 20 }, (_, at) => [at * 2 + 1, new FileRefused("no_file")])),
  );
  await expect(start(hopeless).done).rejects.toMatchObject({ code: "no_file" });
  expect(hopeless.steps.filter((step) => step === "open")).toHaveLength(4);
});

test.each(["store_unavailable", "restarting", "rate_limited", "bad_ticket", "not_member"])(
  "%s passes: it waits as long as the server says",
  async (code) => {
    const server = new Server({ 1: new FileRefused(code, 7_000) });
    const { done, waits } = start(server);
    await done;
    expect(waits).toEqual([7_000]);
  },
);

test.each(["file_too_big", "files_full", "address_limit", "store_full", "files_off", "bad_file"])(
  "%s is the end of it",
  async (code) => {
    const server = new Server({ 0: new FileRefused(code, 3_000) });
    const { done, waits } = start(server);
    await expect(done).rejects.toMatchObject({ code });
    expect([waits, server.steps]).toEqual([[], ["open"]]);
  },
);

test("cancelled, it asks nothing more", async () => {
  const cancel = new AbortController();
  const server = new Server({ 1: network() });
  const { done } = start(server, cancel);
  cancel.abort();
  await expect(done).rejects.toThrow();
  expect(server.steps.length).toBeLessThanOrEqual(2);
});
