import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { base64url, unbase64url } from "./base64url";
import { RoomCipher } from "./cipher";
import { FileKey, sealedSize } from "./file-key";
import { newSecret } from "./new-secret";
import { type Line, encodePayload, decodePayload } from "./payload";
import { type FileBond, isSealed, payloadLimit, payloadOverhead } from "./sealed-text";

const line = (text: string, over: Partial<Line> = {}): Line => ({
  n: 1,
  after: 0,
  link: "",
  user: "Ann",
  verified: false,
  text,
  ...over,
});
const opened = async (cipher: RoomCipher, text: string, from: string) => (await cipher.open(text, from))?.text ?? null;

describe("the seal", () => {
  test("opens with the same secret what it sealed, in any script, and never locks twice alike", async () => {
    const secret = newSecret();
    const [here, there] = [await RoomCipher.of(secret, "general"), await RoomCipher.of(secret, "general")];
    for (const text of ["hello", "привет, «мир»", "👩‍🚀\n two lines", "x", "\ufeffx"]) {
      const { text: sealed, id } = await here.seal(
        line(text, { n: 7, after: 5, link: "A".repeat(22), verified: true }),
        "ann",
      );
      expect(isSealed(sealed)).toBe(true);
      expect(sealed).toMatch(/^sealed2\.[\w-]+$/);
      expect(await there.open(sealed, "ann")).toEqual({
        text,
        claims: { n: 7, after: 5, link: "A".repeat(22), user: "Ann", verified: true, id },
      });
      const again = await here.seal(line(text, { n: 7, after: 5, link: "A".repeat(22), verified: true }), "ann");
      expect(again.text).not.toBe(sealed);
      expect(again.id, "the same line has the same id").toBe(id);
    }
  });

  test("opens nothing of another key, room or author, and nothing that was changed", async () => {
    const secret = newSecret();
    const cipher = await RoomCipher.of(secret, "general");
    const { text: sealed } = await cipher.seal(line("hello"), "ann");
    expect(await (await RoomCipher.of(newSecret(), "general")).open(sealed, "ann")).toBe(null);
    expect(await (await RoomCipher.of(secret, "other")).open(sealed, "ann")).toBe(null);
    expect(await cipher.open(sealed, "ben")).toBe(null);
    for (const at of [9, 20, sealed.length - 3]) {
      const changed = sealed.slice(0, at) + (sealed[at] === "A" ? "B" : "A") + sealed.slice(at + 1);
      expect(await cipher.open(changed, "ann")).toBe(null);
    }
    expect(await cipher.open(sealed.replace("sealed2.", "sealed1."), "ann"), "nor as another format").toBe(null);
    for (const rubbish of ["sealed1.", "sealed2.", "sealed2.!!", "sealed2.AAAA", "sealed3.AAAA", "hello"])
      expect(await cipher.open(rubbish, "ann"), rubbish).toBe(null);
  });

  test("takes what a page of tomorrow locks for sealed", () => {
    for (const text of ["sealed1.A", "sealed2.A", "sealed3.A", "sealed10.A"]) expect(isSealed(text), text).toBe(true);
    for (const text of ["sealed", "sealed.A", "sealed2", " sealed2.A", "Sealed2.A"])
      expect(isSealed(text), text).toBe(false);
  });

  test("knows how much fits into what the server takes", async () => {
    const cipher = await RoomCipher.of(newSecret(), "general");
    for (const user of ["A", "Ann", "Анна Каренина", "👍".repeat(32)]) {
      for (const limit of [300, 301, 302, 303, 4000]) {
        const most = payloadLimit(limit) - payloadOverhead(user);
        expect((await cipher.seal(line("x".repeat(most), { user }), "ann")).text.length).toBeLessThanOrEqual(limit);
        expect((await cipher.seal(line("x".repeat(most + 1), { user }), "ann")).text.length).toBeGreaterThan(limit);
      }
    }
    expect(payloadLimit(10)).toBe(0);
  });

  test("keeps the keys of chat and media apart", async () => {
    const secret = newSecret();
    const [one, same, other] = [
      await RoomCipher.of(secret, "general"),
      await RoomCipher.of(secret, "general"),
      await RoomCipher.of(secret, "other"),
    ];
    const hex = (cipher: RoomCipher) => [...new Uint8Array(cipher.media)].join();
    expect(hex(one)).toBe(hex(same));
    expect(hex(one)).not.toBe(hex(other));
    expect(one.media.byteLength).toBe(32);
  });
});

test("a payload that is cut off is none", () => {
  const whole = encodePayload(line("hello", { n: 2 ** 53 - 1 }));
  expect(decodePayload(whole).n).toBe(2 ** 53 - 1);
  for (const length of [0, 1, 33, 34, 36])
    expect(() => decodePayload(whole.slice(0, length)), String(length)).toThrow(RangeError);
});

/** What other clients hold themselves to. */
const vectors: {
  secret: string;
  room: string;
  media: string;
  lines: {
    about: string;
    from: string;
    nonce: string;
    user: string;
    verified: boolean;
    n: number;
    after: number;
    link: string;
    replyTo?: number;
    edits?: number;
    files?: FileBond[];
    text: string;
    payload: string;
    id: string;
    sealed: string;
  }[];
  file: FileBond & {
    content: string;
    name: string;
    contentType: string;
    sealedSize: number;
    sealedName: string;
    sealed: string;
  };
  former: { from: string; text: string; sealed: string }[];
  refused: { about: string; from: string; sealed: string }[];
} = JSON.parse(readFileSync(resolve(import.meta.dirname, "../../docs/e2ee-vectors.json"), "utf8"));

describe("the test vectors in docs", async () => {
  const cipher = await RoomCipher.of(vectors.secret, vectors.room);
  const hex = (bytes: ArrayLike<number>) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

  test("have the key of the media", () => {
    expect(hex(new Uint8Array(cipher.media))).toBe(vectors.media);
  });

  test.each(vectors.lines)(
    "lock and open as this page does: $about",
    async ({ about: _, from, nonce, text, payload, id, sealed, ...claims }) => {
      expect(hex(encodePayload({ ...claims, text }))).toBe(payload);
      expect(await cipher.seal({ ...claims, text }, from, unbase64url(nonce))).toEqual({ text: sealed, id });
      expect(await cipher.open(sealed, from)).toEqual({ text, claims: { ...claims, id } });
    },
  );

  test("lock and open a file as this page does", async () => {
    const { content, name, contentType, sealedName, sealed, ...bond } = vectors.file;
    const key = await FileKey.of(bond, vectors.room);
    const record = new TextEncoder().encode(content);
    expect([bond.size, sealedSize(bond.size)]).toEqual([record.length, bond.sealedSize]);
    expect(base64url(new Uint8Array(await key.seal(record, 0)))).toBe(sealed);
    expect(new Uint8Array(await key.open(unbase64url(sealed), 0))).toEqual(record);
    expect(await key.sealFacts({ name, contentType })).toBe(sealedName);
    expect(await key.openFacts(sealedName)).toEqual({ name, contentType });
    expect(vectors.lines.at(-1)?.files).toEqual([{ file: bond.file, key: bond.key, size: bond.size }]);
  });

  test("are a chain", () => {
    for (const { after, link, from } of vectors.lines)
      if (after > 0) expect(vectors.lines.find((l) => l.from === from && l.n === after)?.id).toBe(link);
  });

  test.each(vectors.former)("open what was sealed before: $text", async ({ from, text, sealed }) => {
    expect(await cipher.open(sealed, from)).toEqual({ text, claims: null });
  });

  test.each(vectors.refused)("refuse $about", async ({ from, sealed }) => {
    expect(isSealed(sealed)).toBe(true);
    expect(await opened(cipher, sealed, from)).toBeNull();
  });
});
