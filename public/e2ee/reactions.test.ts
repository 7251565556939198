import { expect, test } from "vitest";
import type { React } from "../protocol/frames";
import { RoomCipher, newSecret } from "./cipher";
import { openFrame, wordsOf } from "./frames";
import { LineVerifier } from "./line-verifier";

const ann = { from: "ann", user: "Ann" };
const react = { ...ann, type: "react" as const, seq: 5, target: 3, on: true, at: 0, cursor: "e-5", n: null };

async function sealed(emoji: string, of: { target: number; on: boolean }): Promise<[RoomCipher, string]> {
  const cipher = await RoomCipher.of(newSecret(), "r");
  const line = { n: 1, after: 0, link: "", text: wordsOf(emoji, of), user: "Ann", verified: false };
  return [cipher, (await cipher.seal(line, "ann")).text];
}

const opened = async (cipher: RoomCipher | null, frame: React) => openFrame(frame, cipher, new LineVerifier());

test("a sealed reaction opens for its message, and for no other", async () => {
  const [cipher, text] = await sealed("👍", { target: 3, on: true });
  expect(wordsOf("👍", { target: 3, on: true })).toBe("3 + 👍");
  expect(await opened(cipher, { ...react, text })).toMatchObject({ text: "👍", target: 3, claims: { n: 1 } });
  for (const moved of [{ target: 4 }, { on: false }, { target: 33 }])
    expect(await opened(cipher, { ...react, ...moved, text })).toMatchObject({ text: "", encryption: "undecryptable" });
});

test("where a room has a key, a reaction in the clear is marked so", async () => {
  const [cipher] = await sealed("👍", react);
  expect(await opened(cipher, { ...react, text: "👍" })).toMatchObject({ encryption: "unencrypted" });
});
