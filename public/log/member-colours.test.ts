import { expect, test } from "vitest";
import type { Entry } from "./state";
import { COLOUR_COUNT, MemberColours } from "./member-colours";

const people = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ clientId: `somebody-${from + i}`, user: "Ann", joinedAt: i }));
const line = (from: string, seq: number): Entry => ({
  kind: "entry",
  key: seq,
  seq,
  from,
  user: "Ann",
  text: "x",
  at: 0,
  mine: false,
});

test("as many people as there are colours have one each", () => {
  const members = people(COLOUR_COUNT);
  const tints = new MemberColours();
  expect(new Set(members.map((m) => tints.of(m.clientId, { members, lines: [] }))).size).toBe(COLOUR_COUNT);
});

test("a colour stays when people come and go, and more people than colours have some too", () => {
  const members = people(3 * COLOUR_COUNT);
  const tints = new MemberColours();
  const before = members.map((m) => tints.of(m.clientId, { members, lines: [] }));
  expect(before.every((t) => t >= 0 && t < COLOUR_COUNT)).toBe(true);
  expect(members.map((m) => tints.of(m.clientId, { members: members.slice(5), lines: [] }))).toEqual(before);
});

test("a newcomer does not get the colour of a member who left while that member's lines stand", () => {
  for (let i = 0; i < 50; i += 1) {
    const tints = new MemberColours();
    const [gone, ...later] = people(COLOUR_COUNT, i * 100).map((m) => m.clientId);
    const members = (ids: string[]) => ids.map((clientId) => ({ clientId, user: "Ann", joinedAt: 0 }));
    const colour = tints.of(gone!, { members: members([gone!]), lines: [] });
    const lines = [line(gone!, 1)];
    for (const [at, id] of later.entries())
      expect(tints.of(id, { members: members(later.slice(0, at + 1)), lines })).not.toBe(colour);
  }
});

test("where lines take every colour, those who are here are still told apart", () => {
  const tints = new MemberColours();
  const gone = people(COLOUR_COUNT);
  for (const { clientId } of gone) tints.of(clientId, { members: gone, lines: [] });
  const lines = gone.map(({ clientId }, at) => line(clientId, at + 1));
  const members = people(COLOUR_COUNT, 100);
  expect(new Set(members.map((m) => tints.of(m.clientId, { members, lines }))).size).toBe(COLOUR_COUNT);
});
