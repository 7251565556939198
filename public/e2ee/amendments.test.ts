import { describe, expect, test } from "vitest";
import { type Chat, type Edit, type Inbound, type LogEntry, readFrame } from "../protocol/frames";
import { WELCOME } from "../protocol/welcome.fixture";
import { RoomCipher } from "./cipher";
import { openFrame } from "./frames";
import { LineVerifier } from "./line-verifier";
import { newSecret } from "./new-secret";
import { decodePayload, encodePayload } from "./payload";
import { type Bonds, markUndecryptable, payloadOverhead } from "./sealed-text";

const cipher = await RoomCipher.of(newSecret(), "general");
const ANN = { user: "Ann", verified: false };
const place = (seq: number) => ({ seq, from: "ann", user: "Ann", at: 0, cursor: null, n: null });

type Sealed = { id: string; text: string };
type Position = { n: number; after: number; link: string };

/** Lines of one author, each linked to the one before. */
async function chain(...texts: string[]): Promise<{ line: Chat; position: Position; sealed: Sealed }[]> {
  const out: { line: Chat; position: Position; sealed: Sealed }[] = [];
  for (const [at, text] of texts.entries()) {
    const position = { n: at + 1, after: at, link: out.at(-1)?.sealed.id ?? "" };
    const sealed = await cipher.seal({ ...position, ...ANN, text }, "ann");
    out.push({ line: { ...place(at + 1), type: "chat", text: sealed.text }, position, sealed });
  }
  return out;
}

const sealEdit = async (position: Position, text: string, bonds: Bonds) =>
  (await cipher.seal({ ...position, ...ANN, ...bonds, text }, "ann")).text;
const deleted = ({ text: _, ...line }: Chat): Chat => ({ ...line, text: "", deleted: true });

async function reads(verifier: LineVerifier, ...frames: Inbound[]): Promise<LogEntry[]> {
  const read: LogEntry[] = [];
  for (const frame of frames) {
    const opened = await openFrame(frame, cipher, verifier);
    if ("history" in opened) read.push(...opened.history);
    else read.push(opened as LogEntry);
  }
  return read;
}
const listed = (history: LogEntry[], over: object = {}) => ({
  ...(readFrame(WELCOME) as Extract<Inbound, { type: "welcome" }>),
  ...over,
  history,
});
const shown = (entries: LogEntry[]) =>
  entries.map((e) => ("doubt" in e && e.doubt ? e.doubt.is : "encryption" in e && e.encryption) || "-");

test("a payload has the messages that it is bound to, and its length is known", () => {
  const line = { n: 3, after: 2, link: "A".repeat(22), user: "Анна", verified: true, text: "hello" };
  for (const bonds of [{}, { replyTo: 2 ** 53 - 1 }, { edits: 7 }, { replyTo: 5, edits: 7 }]) {
    const bytes = encodePayload({ ...line, ...bonds });
    expect(decodePayload(bytes)).toEqual({ ...line, ...bonds });
    expect(bytes.length).toBe(payloadOverhead(line.user, bonds) + 5);
  }
  const cut = encodePayload({ ...line, text: "", edits: 7 });
  expect(() => decodePayload(cut.slice(0, -1))).toThrow(RangeError);
});

describe("a reply", () => {
  test("is bound to what it answers", async () => {
    const { text } = await cipher.seal({ n: 1, after: 0, link: "", ...ANN, replyTo: 4, text: "yes" }, "ann");
    const reply: Chat = { ...place(5), type: "chat", text, replyTo: 4 };
    expect(await reads(new LineVerifier(), reply)).toMatchObject([{ text: "yes", replyTo: 4 }]);
    const { replyTo: _, ...bare } = reply;
    for (const moved of [{ ...reply, replyTo: 3 }, bare])
      expect(await reads(new LineVerifier(), moved)).toMatchObject([{ text: "", encryption: "undecryptable" }]);
    const [one] = await chain("1");
    expect(shown(await reads(new LineVerifier(), { ...one!.line, replyTo: 4 }))).toEqual(["undecryptable"]);
  });
});

describe("an edit", () => {
  test("opens for its message and for no other, live and folded into it", async () => {
    const [one] = await chain("1");
    const text = await sealEdit(one!.position, "better", { edits: 1 });
    const edit: Edit = { ...place(4), type: "edit", target: 1, text };
    expect(await reads(new LineVerifier(), one!.line, edit)).toMatchObject([{ text: "1" }, { text: "better" }]);
    expect(shown(await reads(new LineVerifier(), { ...edit, target: 2 }))).toEqual(["undecryptable"]);
    const folded: Chat = { ...one!.line, text, edited: 4 };
    expect(await reads(new LineVerifier(), folded)).toMatchObject([{ text: "better", edited: 4 }]);
    expect(await reads(new LineVerifier(), folded)).not.toHaveProperty("0.claims");
    expect(shown(await reads(new LineVerifier(), { ...folded, seq: 2 }))).toEqual(["undecryptable"]);
    const { edited: _, ...asNew } = folded;
    expect(shown(await reads(new LineVerifier(), asNew)), "as a message").toEqual(["undecryptable"]);
    expect(shown(await reads(new LineVerifier(), { ...one!.line, edited: 4 })), "a message as an edit").toEqual([
      "undecryptable",
    ]);
    expect(shown(await reads(new LineVerifier(), { ...edit, text: one!.line.text }))).toEqual(["undecryptable"]);
  });

  test("opens for no other line of its author that the server gave the number, where the page knows that line", async () => {
    const [one, two] = await chain("1", "2");
    const text = await sealEdit(two!.position, "better", { edits: 1 });
    const edit: Edit = { ...place(4), type: "edit", target: 1, text };
    expect(await reads(new LineVerifier(), one!.line, edit)).toMatchObject([
      { text: "1" },
      { text: "", encryption: "undecryptable" },
    ]);
    expect(shown(await reads(new LineVerifier(), edit)), "of a line that the page lacks").toEqual(["-"]);
  });

  test("of a reply says what that answers", async () => {
    const position = { n: 1, after: 0, link: "" };
    const text = await sealEdit(position, "better", { replyTo: 4, edits: 5 });
    expect(await reads(new LineVerifier(), { ...place(9), type: "edit", target: 5, text })).toMatchObject([
      { text: "better" },
    ]);
    const folded: Chat = { ...place(5), type: "chat", text, edited: 9, replyTo: 4 };
    expect(await reads(new LineVerifier(), folded)).toMatchObject([{ text: "better", replyTo: 4 }]);
    expect(shown(await reads(new LineVerifier(), { ...folded, replyTo: 3 }))).toEqual(["undecryptable"]);
  });

  test("leaves no doubt about the lines after it, whichever of them a reader has seen", async () => {
    const [one, two, three, four] = await chain("1", "2", "3", "4");
    const text = await sealEdit(two!.position, "better", { edits: 2 });
    const edit: Edit = { ...place(4), type: "edit", target: 2, text };
    const folded = { ...two!.line, text, edited: 4 };
    const last = { ...four!.line, seq: 5 };
    const verifier = new LineVerifier();
    expect(shown(await reads(verifier, one!.line, two!.line, three!.line, edit, last))).toEqual(Array(5).fill("-"));
    const all = [one!.line, folded, three!.line, last];
    expect(shown(await reads(verifier, listed(all, { reset: true }))), "told anew").toEqual(Array(4).fill("-"));
    for (let cut = 0; cut < 4; cut += 1)
      expect(shown(await reads(new LineVerifier(), listed(all.slice(cut)))), String(cut)).toEqual(
        all.slice(cut).map(() => "-"),
      );
    expect(shown(await reads(new LineVerifier(), listed([folded]), three!.line, edit)), "told again").toEqual(
      Array(3).fill("-"),
    );
  });

  test("does not hide what else is wrong", async () => {
    const [one, two, three] = await chain("1", "2", "3");
    const text = await sealEdit(two!.position, "better", { edits: 2 });
    const folded: Chat = { ...two!.line, text, edited: 4 };
    expect(shown(await reads(new LineVerifier(), listed([one!.line, { ...folded, user: "Eve" }])))).toEqual([
      "-",
      "name",
    ]);
    const late = await sealEdit(two!.position, "better", { edits: 4 });
    const repeated = { ...folded, seq: 4, text: late };
    expect(shown(await reads(new LineVerifier(), listed([one!.line, two!.line, repeated])))).toEqual([
      "-",
      "-",
      "twice",
    ]);
    expect(shown(await reads(new LineVerifier(), listed([one!.line, three!.line, repeated])))).toEqual([
      "-",
      "hole",
      "order",
    ]);
    const forged = await sealEdit({ n: 2, after: 1, link: "B".repeat(22) }, "better", { edits: 2 });
    expect(shown(await reads(new LineVerifier(), listed([one!.line, { ...folded, text: forged }])))).toEqual([
      "-",
      "fork",
    ]);
  });

  test("in the clear is marked, and so is one of another key", async () => {
    const [one, two] = await chain("1", "2");
    const edit: Edit = { ...place(4), type: "edit", target: 1, text: "send money" };
    expect(await reads(new LineVerifier(), one!.line, edit)).toMatchObject([
      {},
      { text: "send money", encryption: "unencrypted", doubt: { is: "unencrypted", user: "Ann" } },
    ]);
    const other = await RoomCipher.of(newSecret(), "general");
    const { text } = await other.seal({ ...one!.position, ...ANN, edits: 1, text: "x" }, "ann");
    expect(await reads(new LineVerifier(), { ...edit, text })).toMatchObject([
      { text: "", encryption: "undecryptable" },
    ]);
    const unread = { ...one!.line, text, edited: 4 };
    expect(shown(await reads(new LineVerifier(), listed([unread, two!.line])))).toEqual(["undecryptable", "-"]);
    expect(markUndecryptable({ ...edit, text })).toMatchObject({ text: "", encryption: "undecryptable" });
    expect(markUndecryptable(edit)).toEqual(edit);
  });
});

describe("a deleted message", () => {
  test("is no hole, and no line in the clear", async () => {
    const [one, two, three, four] = await chain("1", "2", "3", "4");
    const all = [one!.line, deleted(two!.line), three!.line, four!.line];
    expect(shown(await reads(new LineVerifier(), listed(all)))).toEqual(Array(4).fill("-"));
    expect(shown(await reads(new LineVerifier(), listed(all.slice(1))))).toEqual(Array(3).fill("-"));
    const verifier = new LineVerifier();
    const del = { ...place(5), type: "delete" as const, target: 2 };
    await reads(verifier, one!.line, two!.line, three!.line);
    expect(shown(await reads(verifier, del, { ...four!.line, seq: 6 }))).toEqual(["-", "-"]);
    expect(shown(await reads(verifier, listed(all.slice(0, 3), { reset: true })))).toEqual(Array(3).fill("-"));
    expect(markUndecryptable(deleted(two!.line))).toEqual(deleted(two!.line));
    expect(markUndecryptable(del)).toEqual(del);
  });

  test("excuses only what comes next: a hole after that is noticed", async () => {
    const [one, two, three, , five] = await chain("1", "2", "3", "4", "5");
    const all = [one!.line, deleted(two!.line), three!.line, five!.line];
    expect(shown(await reads(new LineVerifier(), listed(all)))).toEqual(["-", "-", "-", "hole"]);
  });
});

test("a verifier knows the place of a line, of an edited one too", async () => {
  const [one, two] = await chain("1", "2");
  const verifier = new LineVerifier();
  const text = await sealEdit(two!.position, "better", { edits: 2 });
  await reads(verifier, listed([one!.line, { ...two!.line, text, edited: 4 }]));
  expect(verifier.positionOf("ann", 1)).toEqual(one!.position);
  expect(verifier.positionOf("ann", 2)).toEqual(two!.position);
  expect([verifier.positionOf("ann", 3), verifier.positionOf("ben", 1)]).toEqual([null, null]);
});
