import { expect, test } from "vitest";
import { mentionsMe } from "./mention";
import { emptyLog, type Entry, type Log } from "./state";

const line = (text: string, over: Partial<Entry> = {}): Entry => ({
  kind: "entry",
  key: 1,
  seq: 1,
  from: "ben",
  user: "Ben",
  text,
  at: 0,
  mine: false,
  ...over,
});
const as = (user: string, ...others: string[]): Log => ({
  ...emptyLog(),
  me: { clientId: "me", user },
  members: others.map((user) => ({ clientId: user, user }) as Log["members"][number]),
});

test("a message mentions the person by the name of now, however often it was asked before", () => {
  const [ann, anna] = [line("hi @Ann"), line("hi @Anna")];
  expect([mentionsMe(as("Ann"), ann), mentionsMe(as("Ann"), anna)]).toEqual([true, false]);
  expect([mentionsMe(as("Anna"), ann), mentionsMe(as("Anna"), anna)]).toEqual([false, true]);
  expect([mentionsMe(as("Ann"), ann), mentionsMe(as("Ann"), anna)]).toEqual([true, false]);
});

test("a longer name of another member, a text that cannot be read and no seat are no mention", () => {
  expect(mentionsMe(as("Ann", "Ann Lee"), line("@Ann Lee"))).toBe(false);
  expect(mentionsMe(as("Ann"), line("@Ann", { encryption: "undecryptable" }))).toBe(false);
  expect(mentionsMe(emptyLog(), line("@Ann"))).toBe(false);
});
