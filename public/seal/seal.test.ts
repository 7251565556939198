import { describe, expect, test } from "vitest";
import { bytesOf, isSealed, newSecret, room, Seal, secretOf } from "./seal";

describe("the seal", () => {
  test("opens with the same secret what it locked, in any script, and never locks twice alike", async () => {
    const secret = newSecret();
    const [here, there] = [await Seal.of(secret, "general"), await Seal.of(secret, "general")];
    for (const text of ["hello", "привет, «мир»", "👩‍🚀\n two lines", "x"]) {
      const locked = await here.lock(text, "ann");
      expect(isSealed(locked)).toBe(true);
      expect(locked).not.toContain(text === "x" ? " " : text);
      expect(await there.open(locked, "ann")).toBe(text);
      expect(await here.lock(text, "ann")).not.toBe(locked);
    }
  });

  test("opens nothing of another key, room or author, and nothing that was changed", async () => {
    const secret = newSecret();
    const seal = await Seal.of(secret, "general");
    const locked = await seal.lock("hello", "ann");
    expect(await (await Seal.of(newSecret(), "general")).open(locked, "ann")).toBe(null);
    expect(await (await Seal.of(secret, "other")).open(locked, "ann")).toBe(null);
    expect(await seal.open(locked, "ben")).toBe(null);
    for (const at of [9, 20, locked.length - 3]) {
      const changed = locked.slice(0, at) + (locked[at] === "A" ? "B" : "A") + locked.slice(at + 1);
      expect(await seal.open(changed, "ann")).toBe(null);
    }
    for (const rubbish of ["sealed1.", "sealed1.!!", "sealed1.AAAA"]) expect(await seal.open(rubbish, "ann")).toBe(null);
  });

  test("knows how much fits into what the server takes", async () => {
    const seal = await Seal.of(newSecret(), "general");
    for (const limit of [60, 100, 101, 102, 103, 4000]) {
      const most = room(limit);
      expect((await seal.lock("x".repeat(most), "ann")).length).toBeLessThanOrEqual(limit);
      expect((await seal.lock("x".repeat(most + 1), "ann")).length).toBeGreaterThan(limit);
    }
    expect(room(10)).toBe(0);
    expect(bytesOf("ж")).toBe(2);
  });

  test("keeps the keys of chat and media apart", async () => {
    const secret = newSecret();
    const [one, same, other] = [await Seal.of(secret, "general"), await Seal.of(secret, "general"), await Seal.of(secret, "other")];
    const hex = (seal: Seal) => [...new Uint8Array(seal.media)].join();
    expect(hex(one)).toBe(hex(same));
    expect(hex(one)).not.toBe(hex(other));
    expect(one.media.byteLength).toBe(32);
  });
});

test("a fragment is a secret or it is not", () => {
  const secret = newSecret();
  expect(secretOf(`#${secret}`)).toBe(secret);
  expect(newSecret()).not.toBe(secret);
  for (const other of ["", "#", "#top", `#${secret}x`, `#${secret.slice(1)}`, `#${secret.slice(1)}=`]) expect(secretOf(other)).toBe(null);
});
