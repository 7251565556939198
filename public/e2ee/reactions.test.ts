import { expect, test } from "vitest";
import type { Chat, React } from "../protocol/frames";
import { RoomCipher } from "./cipher";
import { emojiFor, openFrame } from "./frames";
import { LineVerifier } from "./line-verifier";
import { newSecret } from "./new-secret";
import { NO_POSITION } from "./payload";
import { markUndecryptable } from "./sealed-text";

const ann = { from: "ann", user: "Ann", at: 0, n: null };
const react = { ...ann, type: "react" as const, seq: 5, target: 3, on: true, cursor: "e-5" };
const cipher = await RoomCipher.of(newSecret(), "r");
const own = { ...NO_POSITION, user: "Ann", verified: false };

const sealed = async (emoji: string, target: number) =>
  (await cipher.seal({ ...own, text: emojiFor(target, emoji) }, "ann")).text;
const opened = async (frame: React | Chat, verifier = new LineVerifier()) => openFrame(frame, cipher, verifier);

test("a sealed reaction opens for its message, and for no other; what was sealed is kept", async () => {
  const text = await sealed("👍", 3);
  expect(emojiFor(3, "👍")).toBe("3 👍");
  for (const on of [true, false])
    expect(await opened({ ...react, on, text })).toMatchObject({ text: "👍", target: 3, sealed: text });
  for (const moved of [{ target: 4 }, { target: 33 }, { from: "ben" }])
    expect(await opened({ ...react, ...moved, text })).toMatchObject({ text: "", encryption: "undecryptable" });
});

test("its author is whom the author says, whatever name the server writes", async () => {
  expect(await opened({ ...react, user: "Eve", text: await sealed("👍", 3) })).toMatchObject({ user: "Ann" });
});

test("where a room has a key, a reaction in the clear is marked so", async () => {
  expect(await opened({ ...react, text: "👍" })).toMatchObject({ encryption: "unencrypted" });
});

test("a reaction has no place among its author's lines, and neither can stand for the other", async () => {
  const verifier = new LineVerifier();
  const line = await cipher.seal({ ...own, n: 1, text: "3 👍" }, "ann");
  expect(await opened({ ...react, text: line.text })).toMatchObject({ text: "", encryption: "undecryptable" });
  const chat = { ...ann, type: "chat" as const, cursor: null };
  expect(await opened({ ...chat, seq: 1, text: await sealed("👍", 3) })).toMatchObject({ encryption: "undecryptable" });
  expect(await opened({ ...chat, seq: 1, text: line.text }, verifier)).not.toHaveProperty("doubt");
  await opened({ ...react, text: await sealed("👍", 3) }, verifier);
  const next = await cipher.seal({ ...own, n: 3, after: 1, link: line.id, text: "2" }, "ann");
  const read = await opened({ ...chat, seq: 6, text: next.text }, verifier);
  expect(read).toMatchObject({ text: "2" });
  expect(read).not.toHaveProperty("doubt");
});

test("folded into a message, those that open for it are counted, by the name in them", async () => {
  const text = (await cipher.seal({ ...own, n: 1, text: "hello" }, "ann")).text;
  const [good, moved] = [await sealed("👍", 3), await sealed("🎉", 4)];
  const from = (id: string, text: string) => ({ from: id, text });
  const reactions = [from("ann", good), from("ann", moved), from("ben", good), from("ben", "👍")];
  const chat = { ...ann, type: "chat" as const, seq: 3, cursor: null, text, reactions };
  expect(await opened(chat)).toMatchObject({
    text: "hello",
    reactions: [{ from: "ann", text: "👍", user: "Ann", sealed: good }],
  });
  expect((await opened(chat)) as Chat).toHaveProperty("reactions.length", 1);
  // A page without a key counts what is in the clear.
  expect(markUndecryptable(chat)).toMatchObject({ encryption: "undecryptable", reactions: [from("ben", "👍")] });
  const { reactions: _, ...bare } = chat;
  expect(await opened(bare)).not.toHaveProperty("reactions");
});
