import { describe, expect, test } from "vitest";
import type { Attached, Chat, Inbound } from "../protocol/frames";
import { RoomCipher } from "./cipher";
import { FileKey, newFileKey, sealedSize } from "./file-key";
import { openFrame } from "./frames";
import { reduce } from "../log/log";
import { emptyLog } from "../log/state";
import { LineVerifier } from "./line-verifier";
import { decodePayload, encodePayload, type Line } from "./payload";
import { Sealer } from "./sealer";
import { type FileBond, markUndecryptable, payloadOverhead } from "./sealed-text";

const ROOM = "lusab-babad-gutih-tugad";
const cipher = await RoomCipher.of("A".repeat(43), ROOM);
const bond = (at: number, size = 1_000): FileBond => ({
  file: `6f0c4a8e-1234-4abc-8def-00000000000${at}`,
  key: newFileKey(),
  size,
});
const line = (over: Partial<Line> = {}): Line => ({
  n: 1,
  after: 0,
  link: "",
  user: "Ann",
  verified: false,
  text: "look",
  ...over,
});
const listed = async (of: FileBond, name = "cat.png"): Promise<Attached> => ({
  file: of.file,
  size: sealedSize(of.size),
  contentType: "application/octet-stream",
  name: await FileKey.of(of, ROOM).then((key) => key.sealFacts({ name, contentType: "image/png" })),
});
const chat = async (of: Line, files: Attached[], over: Partial<Chat> = {}): Promise<Chat> => ({
  type: "chat",
  seq: 5,
  from: "ann",
  user: "Ann",
  at: 0,
  cursor: null,
  n: null,
  text: (await cipher.seal(of, "ann")).text,
  ...(files.length > 0 ? { files } : {}),
  ...over,
});
const open = async (frame: Inbound) => (await openFrame(frame, cipher, new LineVerifier())) as Chat;

describe("the payload of a line with files", () => {
  test("has 1 byte and 56 for each, between the bonds and the text", () => {
    const of = line({ replyTo: 3, edits: 4, files: [bond(1), bond(2, 2 ** 40)] });
    const bytes = encodePayload(of);
    expect(bytes[0]).toBe(2 | 4 | 8);
    expect(bytes.length).toBe(payloadOverhead("Ann", of) + "look".length);
    expect(payloadOverhead("Ann", of) - payloadOverhead("Ann", { replyTo: 3, edits: 4 })).toBe(1 + 2 * 56);
    expect(decodePayload(bytes)).toEqual(of);
  });

  test("is that of before where there are none", () => {
    expect(encodePayload(line({ files: [] }))).toEqual(encodePayload(line()));
  });

  test("that ends within a file is unreadable", () => {
    expect(() => decodePayload(encodePayload(line({ files: [bond(1)], text: "" })).subarray(0, -1))).toThrow();
  });
});

describe("the files of a message in a room with a key", () => {
  test("have the name, type, size and key that were sealed, whatever the server says", async () => {
    const of = bond(1);
    const read = await open(await chat(line({ files: [of], text: "" }), [await listed(of)]));
    expect(read).toMatchObject({ text: "", files: [{ ...of, name: "cat.png", contentType: "image/png" }] });
    expect(read.encryption).toBeUndefined();
  });

  test("are those of its author, or the message cannot be read", async () => {
    const [one, two] = [bond(1), bond(2)];
    const [first, second] = [await listed(one), await listed(two)];
    const of = line({ files: [one, two] });
    for (const files of [[], [first], [second, first], [first, second, second], [first, { ...second, size: 5 }]])
      expect(await open(await chat(of, files))).toMatchObject({ text: "", encryption: "undecryptable" });
    expect(await open(await chat(line(), [first])), "none was sealed").toMatchObject({ encryption: "undecryptable" });
    expect((await open(await chat(line(), [first]))).files).toBeUndefined();
  });

  test("stay with an edit, which names them again", async () => {
    const of = bond(1);
    const edited = await chat(line({ files: [of], edits: 5, text: "better" }), [await listed(of)], { edited: 9 });
    expect(await open(edited)).toMatchObject({ text: "better", files: [{ name: "cat.png" }] });
    const without = await chat(line({ edits: 5, text: "better" }), [await listed(of)], { edited: 9 });
    expect(await open(without)).toMatchObject({ encryption: "undecryptable" });
  });

  test("are the same in an edit, with their keys, live as in the history", async () => {
    const [one, two] = [bond(1), bond(2)];
    const [first, second] = [await listed(one), await listed(two)];
    const bonds = { edits: 5, text: "better" };
    const message = await chat(line({ files: [one, two] }), [first, second]);
    const edits = async (files: FileBond[]) => {
      const verifier = new LineVerifier();
      await openFrame(message, cipher, verifier);
      const folded = await chat(line({ ...bonds, files }), [first, second], { edited: 9 });
      const { text } = folded;
      const edit = {
        type: "edit" as const,
        seq: 9,
        target: 5,
        from: "ann",
        user: "Ann",
        at: 0,
        cursor: null,
        n: null,
        text,
      };
      return [await openFrame(edit, cipher, verifier), await openFrame(folded, cipher, verifier)];
    };
    for (const read of await edits([one, two])) expect(read).toMatchObject({ text: "better" });
    const otherKey = { ...two, key: newFileKey() };
    for (const files of [[], [one], [two, one], [one, otherKey], [one, { ...two, size: 999 }], [one, two, bond(3)]])
      for (const read of await edits(files)) expect(read).toMatchObject({ text: "", encryption: "undecryptable" });
  });

  test("of this page's own message are known from its ack on", async () => {
    const files = [{ ...bond(1), contentType: "image/png" }];
    const sealer = new Sealer(null);
    const me = { ...emptyLog(), me: { clientId: "ann", user: "Ann" } };
    const log = reduce(me, { type: "send", text: "look", files, now: 0 });
    const { id } = (await sealer.seal(log.outgoing[0]!, log, cipher))!;
    sealer.chain.recordSealed(1, id!);
    expect(sealer.confirm(1, 5, log)).toBe(true);
    const claims = { ...line({ files }), id: id! };
    expect(sealer.verifier.hasFiles("ann", claims)).toBe(true);
    for (const other of [[], [bond(1)]])
      expect(sealer.verifier.hasFiles("ann", { ...claims, files: other })).toBe(false);
  });

  test("of a member without the key are shown as not encrypted, and without the key none are", async () => {
    const of = bond(1);
    const plain = await chat(line(), [{ file: of.file, size: 3, contentType: "text/plain", name: "a" }], {
      text: "hi",
    });
    expect(await open(plain)).toMatchObject({ encryption: "unencrypted", files: [{ name: "a" }] });
    const keyless = markUndecryptable(await chat(line({ files: [of] }), [await listed(of)])) as Chat;
    expect([keyless.encryption, keyless.files]).toEqual(["undecryptable", undefined]);
  });
});
