import { describe, expect, test, vi } from "vitest";
import { FileKey, newFileKey, openFiles, RECORD_BYTES, sealedSize } from "../e2ee/file-key";
import type { FileBond } from "../e2ee/sealed-text";
import { openBytes, sealBytes } from "./records";

const ROOM = "lusab-babad-gutih-tugad";
const FILE = "6f0c4a8e-0000-4000-8000-000000000001";
const OTHER = "6f0c4a8e-0000-4000-8000-000000000002";
const SEALED = RECORD_BYTES + 16;

const content = (size: number) => new Blob([Uint8Array.from({ length: size }, (_, at) => (at * 7 + (at >> 8)) % 251)]);
const bondOf = (size: number, file = FILE): FileBond => ({ file, key: newFileKey(), size });
const whole = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer());
const record = (sealed: Blob, at: number) => sealed.slice(at * SEALED, (at + 1) * SEALED);
const opening = (sealed: Blob, bond: FileBond, room = ROOM) => openBytes(sealed, bond, room, "image/png");

describe("the bytes of a file", () => {
  test.each([1, RECORD_BYTES - 1, RECORD_BYTES, RECORD_BYTES + 1, RECORD_BYTES * 3])(
    "come back as they were: %i of them",
    async (size) => {
      const bond = bondOf(size);
      const sealed = await sealBytes(content(size), bond, ROOM);
      expect(sealed.size).toBe(sealedSize(size));
      const opened = await opening(sealed, bond);
      expect(opened.type).toBe("image/png");
      expect(Buffer.from(await whole(opened)).equals(await whole(content(size)))).toBe(true);
    },
  );

  test("are not in what is sent", async () => {
    const bond = bondOf(2_000);
    const sealed = await whole(await sealBytes(new Blob(["A".repeat(2_000)]), bond, ROOM));
    expect(new TextDecoder("latin1").decode(sealed)).not.toContain("AAAA");
  });

  test("do not open where a record was changed, moved, left out, added or cut", async () => {
    const size = RECORD_BYTES * 2 + 100;
    const bond = bondOf(size);
    const sealed = await sealBytes(content(size), bond, ROOM);
    const [first, second, last] = [record(sealed, 0), record(sealed, 1), record(sealed, 2)];
    const flipped = await whole(sealed);
    flipped[70_000]! ^= 1;
    const altered: Record<string, Blob> = {
      "a changed byte": new Blob([flipped]),
      "two in each other's place": new Blob([second, first, last]),
      "one left out": new Blob([first, last]),
      "the last one left out": new Blob([first, second]),
      "all left out": new Blob([]),
      "one twice": new Blob([first, second, second, last]),
      "one more at the end": new Blob([sealed, last]),
      "the last one cut": sealed.slice(0, sealed.size - 1),
    };
    for (const [what, bytes] of Object.entries(altered)) await expect(opening(bytes, bond), what).rejects.toThrow();
  });

  test("do not open as another file, of another size, in another room or with another key", async () => {
    const bond = bondOf(1_000);
    const sealed = await sealBytes(content(1_000), bond, ROOM);
    await expect(opening(sealed, { ...bond, file: OTHER })).rejects.toThrow();
    await expect(opening(sealed, { ...bond, size: 999 })).rejects.toThrow();
    await expect(opening(sealed, bond, "another")).rejects.toThrow();
    await expect(opening(sealed, { ...bond, key: newFileKey() })).rejects.toThrow();
  });

  test("a record that is not the last is no end, though all before it is right", async () => {
    const long = bondOf(RECORD_BYTES * 2);
    const sealed = await sealBytes(content(RECORD_BYTES * 2), long, ROOM);
    await expect(opening(record(sealed, 0), { ...long, size: RECORD_BYTES })).rejects.toThrow();
  });
});

describe("the name and the type of a file", () => {
  const listedAs = async (bond: FileBond, name: string, contentType = "image/png") => ({
    file: bond.file,
    size: sealedSize(bond.size),
    contentType: "application/octet-stream",
    name: await FileKey.of(bond, ROOM).then((key) => key.sealFacts({ name, contentType })),
  });

  test("are sealed, and open with the message that names the file", async () => {
    const bond = bondOf(1_000);
    const listed = await listedAs(bond, "cat.png");
    expect(listed.name).toMatch(/^sealed2\.[A-Za-z0-9_-]+$/);
    expect(await openFiles([listed], [bond], ROOM)).toEqual([{ ...bond, name: "cat.png", contentType: "image/png" }]);
  });

  test("fit what the server takes, and keep the end that says the kind", async () => {
    const bond = bondOf(5);
    const encrypt = vi.spyOn(crypto.subtle, "encrypt");
    const listed = await listedAs(bond, `${"ж".repeat(250)}.jpeg`, `application/${"x".repeat(80)}`);
    expect(encrypt, "one text under one nonce").toHaveBeenCalledTimes(1);
    encrypt.mockRestore();
    expect(listed.name.length, "no letter shorter than it has to be").toBeGreaterThan(508);
    expect(listed.name.length).toBeLessThanOrEqual(512);
    const [opened] = (await openFiles([listed], [bond], ROOM))!;
    expect(opened!.name).toMatch(/^ж{50,}\.jpeg$/);
  });

  test("of another file do not open: then it has neither", async () => {
    const [one, two] = [bondOf(1_000), bondOf(1_000, OTHER)];
    const swapped = { ...(await listedAs(one, "cat.png")), name: (await listedAs(two, "virus.exe")).name };
    expect(await openFiles([swapped], [one], ROOM)).toEqual([{ ...one, contentType: "application/octet-stream" }]);
  });

  test("are those of exactly the files that the author named, in their order", async () => {
    const [one, two] = [bondOf(1_000), bondOf(2_000, OTHER)];
    const [first, second] = [await listedAs(one, "one"), await listedAs(two, "two")];
    const open = (...listed: (typeof first)[]) => openFiles(listed, [one, two], ROOM);
    expect(await open(first, second)).toHaveLength(2);
    for (const listed of [[], [first], [second, first], [first, first], [first, second, second]])
      expect(await open(...listed)).toBeNull();
    expect(await open(first, { ...second, size: second.size - 1 })).toBeNull();
    expect(await openFiles([first], [], ROOM)).toBeNull();
  });
});
