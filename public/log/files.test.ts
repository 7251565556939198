import { expect, test } from "vitest";
import type { Attached, Chat } from "../protocol/frames";
import { emptyLog, type Entry, type Log } from "./state";
import { reduce } from "./log";
import { nextToSend, toFrame } from "./outgoing";
import { toJson, toMarkdown, toText } from "./export";
import { searchedOf, wordsOf } from "./words";

const CAT: Attached = { file: "f1", size: 300_000, contentType: "image/png", name: "cat.png", key: "k" };
const UNNAMED: Attached = { file: "f2", size: 5, contentType: "audio/ogg" };
const me = { clientId: "me", user: "Ann" };
const seated: Log = { ...emptyLog(), me };
const chat = (over: Partial<Chat> = {}): Chat => ({
  type: "chat",
  seq: 1,
  from: "ben",
  user: "Ben",
  text: "",
  at: 0,
  cursor: null,
  n: null,
  files: [CAT, UNNAMED],
  ...over,
});
const entries = ({ lines }: Log) => lines.filter((line): line is Entry => line.kind === "entry");

test("a message has its files, and a deleted one has none", () => {
  const log = reduce(seated, { type: "chat", chat: chat() });
  expect(entries(log)[0]!.files).toEqual([CAT, UNNAMED]);
  const del = { ...chat(), type: "delete" as const, seq: 2, target: 1 };
  expect(entries(reduce(log, { type: "delete", del }))[0]).toMatchObject({ deleted: true, text: "" });
  expect(entries(reduce(log, { type: "delete", del }))[0]!.files).toBeUndefined();
});

test("an edit keeps them", () => {
  const log = reduce(seated, { type: "chat", chat: chat({ text: "a" }) });
  const edit = { ...chat(), type: "edit" as const, seq: 2, target: 1, text: "b" };
  expect(entries(reduce(log, { type: "edit", edit }))[0]).toMatchObject({ text: "b", files: [CAT, UNNAMED] });
});

test("a message of one's own names its files by their ids, and keeps them once it is acknowledged", () => {
  const sent = reduce(seated, { type: "send", text: "", files: [CAT], now: 0 });
  const line = nextToSend(sent)!;
  expect(toFrame(line, "")).toEqual({ type: "chat", text: "", n: 1, files: ["f1"] });
  const acked = reduce(reduce(sent, { type: "sent" }), { type: "ack", n: 1, seq: 1, at: 0, cursor: null });
  expect(entries(acked)[0]).toMatchObject({ mine: true, files: [CAT] });
  const failed = reduce(sent, { type: "rejected", n: 1, code: "no_file", retryAfter: null, now: 0 });
  expect(failed.outgoing).toMatchObject([{ state: "failed", why: "no_file", files: [CAT] }]);
});

test("in few words it is its text, or the names of its files; a search finds both", () => {
  expect(wordsOf(chat())).toBe("cat.png, audio/ogg");
  expect(wordsOf(chat({ text: "look" }))).toBe("look");
  expect(searchedOf(chat({ text: "look" }))).toBe("look\ncat.png\naudio/ogg");
});

test("exports name its files, without bytes and keys", () => {
  const texts = {
    time: () => "12:00",
    edited: "edited",
    deleted: "deleted",
    undecryptable: "undecryptable",
    unencrypted: "unencrypted",
    doubtful: "doubtful",
    gone: "gone",
    file: (name: string, bytes: number) => `[${name}, ${bytes}]`,
  };
  const first = reduce(seated, { type: "chat", chat: chat({ files: [{ ...CAT, name: "*cat*\n.png" }, UNNAMED] }) });
  const log = reduce(first, { type: "chat", chat: chat({ seq: 2, text: "nice", replyTo: 1, files: [UNNAMED] }) });
  expect(toText(log, texts)).toBe(
    [
      "12:00 Ben:",
      "    [*cat* .png, 300000]",
      "    [audio/ogg, 5]",
      "",
      "12:00 Ben:",
      "    > Ben: *cat* .png, audio/ogg",
      "    nice",
      "    [audio/ogg, 5]",
      "",
    ].join("\n"),
  );
  expect(toMarkdown(log, "Talk", texts)).toContain(
    String.raw`**Ben**, 12:00

> *\[\*cat\* .png, 300000\]*
>
> *\[audio/ogg, 5\]*
`,
  );
  const { messages } = JSON.parse(toJson(log, "r", 0));
  expect(messages[1].files).toEqual([{ contentType: "audio/ogg", size: 5 }]);
  expect(toJson(log, "r", 0)).not.toContain('"key"');
});
