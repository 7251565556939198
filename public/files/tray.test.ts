import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FileKey, sealedSize } from "../e2ee/file-key";
import { FILES_MAX, Tray } from "./tray.svelte";

const KEY = "A".repeat(43);
type Asked = { method: string; path: string; body: unknown; ticket: string };

let asked: Asked[] = [];
let answer: (asked: Asked) => object | number | Promise<object | number>;
const trays: Tray[] = [];

function tray(over: object = {}): Tray {
  const made = new Tray({
    room: "r",
    secret: null,
    ticket: () => "t",
    fileBytes: () => 1_000_000,
    mayGoOut: () => true,
    ...over,
  });
  trays.push(made);
  return made;
}
const stages = (of: Tray) => of.files.map(({ stage }) => stage);
const file = (name: string, content = "words", type = "text/plain") => new File([content], name, { type });
const whole = (of: Tray, count: number) => vi.waitFor(() => expect(of.attached).toHaveLength(count));

beforeEach(() => {
  asked = [];
  const sizes = new Map<string, number>();
  answer = ({ method, path, body }) => {
    if (method === "POST") {
      const { file, size } = body as { file: string; size: number };
      sizes.set(file, size);
      return { file, offset: 0, chunk: 1_000_000 };
    }
    return method === "PATCH" ? { offset: sizes.get(path.split("/").at(-1)!) } : {};
  };
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    const ticket = (init.headers as Record<string, string>).Authorization!;
    const body = typeof init.body === "string" ? JSON.parse(init.body) : init.body;
    const one = { method: init.method ?? "GET", path, body, ticket };
    asked.push(one);
    const given = await answer(one);
    return typeof given === "number"
      ? new Response(JSON.stringify({ code: "files_full" }), { status: given })
      : new Response(JSON.stringify(given));
  });
});

afterEach(() => {
  for (const made of trays.splice(0)) made.stop();
  vi.unstubAllGlobals();
});

describe("the files of a message", () => {
  test("are uploaded two at a time, and attached when all are there", async () => {
    const waiting: (() => void)[] = [];
    const normal = answer;
    answer = (one) =>
      one.method === "PATCH" ? new Promise((then) => waiting.push(() => then(normal(one)))) : normal(one);
    const of = tray();
    of.add(["a", "b", "c"].map((name) => file(name)));
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    expect(stages(of)).toEqual(["uploading", "uploading", "waiting"]);
    expect(of.attached).toBeNull();
    waiting[0]!();
    await vi.waitFor(() => expect(waiting).toHaveLength(3));
    waiting[1]!();
    waiting[2]!();
    await whole(of, 3);
    expect(of.attached!.map(({ name, size }) => [name, size])).toEqual([
      ["a", 5],
      ["b", 5],
      ["c", 5],
    ]);
    expect(asked.every(({ ticket }) => ticket === "Bearer t")).toBe(true);
    expect([...of.take().values()].map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(of.attached).toEqual([]);
  });

  test("are at most so many", () => {
    const of = tray();
    of.add(Array.from({ length: FILES_MAX + 2 }, (_, at) => file(`${at}`)));
    expect([of.files.length, of.tooMany]).toEqual([FILES_MAX, true]);
  });

  test("that cannot go are told of before anything is sent", async () => {
    const of = tray({ fileBytes: () => 4 });
    of.add([file("large"), file("empty", "")]);
    await vi.waitFor(() => expect(stages(of)).toEqual(["failed", "failed"]));
    expect(of.files.map(({ why }) => why)).toEqual(["file_too_big", "empty_file"]);
    expect(asked).toEqual([]);
  });

  test("what counts in a room with a key is the sealed size", async () => {
    const of = tray({ secret: KEY, fileBytes: () => 20 });
    of.add([file("five")]);
    await vi.waitFor(() => expect(stages(of)).toEqual(["failed"]));
    expect(sealedSize(5)).toBe(21);
  });

  test("have names that lead nowhere", async () => {
    const of = tray();
    of.add([file("../a\\b\u202egnp.exe"), file(" . ")]);
    await whole(of, 2);
    expect(of.attached!.map(({ name }) => name)).toEqual([".._a_b_gnp.exe", undefined]);
  });

  test("that were refused say why, and may be tried again", async () => {
    const normal = answer;
    answer = () => 409;
    const of = tray();
    of.add([file("a")]);
    await vi.waitFor(() => expect(of.files[0]).toMatchObject({ stage: "failed", why: "files_full" }));
    expect(of.attached).toBeNull();
    answer = normal;
    of.retry(of.files[0]!);
    await whole(of, 1);
  });

  test("that are removed are dropped at the server, and their place is free", async () => {
    answer = ({ method, body }) =>
      method === "POST"
        ? { ...(body as object), offset: 0, chunk: 9 }
        : method === "PATCH"
          ? new Promise(() => {})
          : {};
    const of = tray();
    of.add(["a", "b", "c"].map((name) => file(name)));
    await vi.waitFor(() => expect(asked.filter(({ method }) => method === "PATCH")).toHaveLength(2));
    of.remove(of.files[0]!);
    await vi.waitFor(() => expect(asked.filter(({ method }) => method === "DELETE")).toHaveLength(1));
    await vi.waitFor(() => expect(stages(of)).toEqual(["uploading", "uploading"]));
  });

  test("begin anew for another seat, under other ids", async () => {
    const of = tray();
    of.add([file("a")]);
    await whole(of, 1);
    const [before] = of.attached!;
    of.restart();
    expect(of.attached).toBeNull();
    await whole(of, 1);
    expect(of.attached![0]!.file).not.toBe(before!.file);
  });

  test("wait until the person allows them to go unencrypted", async () => {
    let may = false;
    const of = tray({ mayGoOut: () => may });
    of.add([file("a")]);
    await vi.waitFor(() => expect(stages(of)).toEqual(["waiting"]));
    of.decline();
    expect(of.files[0]).toMatchObject({ stage: "failed", why: "declined" });
    expect(asked).toEqual([]);
    may = true;
    of.retry(of.files[0]!);
    await whole(of, 1);
  });

  test("pictures whose metadata stays wait for the person", async () => {
    const of = tray();
    of.add([
      file("a.svg", "<svg/>", "image/svg+xml"),
      file("b.jpg", "\xff\xd8\xff broken", "image/jpeg"),
      file("c.HEIC", "x", ""),
    ]);
    await vi.waitFor(() => expect(stages(of)).toEqual(["asking", "waiting", "asking"].map(() => "asking")));
    expect(asked).toEqual([]);
    of.sendAsItIs(of.files[0]!);
    await vi.waitFor(() => expect(stages(of)).toEqual(["whole", "asking", "asking"]));
  });
});

test("an upload that no message will attach is dropped at the server", async () => {
  const of = tray();
  of.add([file("a")]);
  await whole(of, 1);
  const id = of.attached![0]!.file;
  of.take();
  of.drop(id);
  expect(asked.at(-1)).toMatchObject({ method: "DELETE", path: `/api/rooms/r/files/${id}` });
});

test("without https a room without a key takes files all the same", async () => {
  const getRandomValues = crypto.getRandomValues.bind(crypto);
  vi.stubGlobal("crypto", { getRandomValues });
  const of = tray();
  of.add([file("a")]);
  await whole(of, 1);
  expect(of.attached![0]!.file).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("in a room with a key neither bytes, name nor type go out", async () => {
  const of = tray({ secret: KEY });
  of.add([file("cat.txt", "the words of the cat")]);
  await whole(of, 1);
  const [{ body: told }, { body: sent }] = [asked[0]!, asked[1]!] as [
    { body: Record<string, unknown> },
    { body: Blob },
  ];
  expect(told).toMatchObject({ size: 36, contentType: "application/octet-stream" });
  expect(told.name).toMatch(/^sealed2\./);
  expect(await sent.text()).not.toContain("cat");
  const [attached] = of.attached!;
  expect(attached).toMatchObject({ file: told.file, name: "cat.txt", contentType: "text/plain", size: 20 });
  const key = await FileKey.of({ ...attached!, key: attached!.key! }, "r");
  expect(await key.openFacts(told.name as string)).toEqual({ name: "cat.txt", contentType: "text/plain" });
});
