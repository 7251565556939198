import { expect, test } from "vitest";
import { COLOURS, Tints } from "./tints";

const people = (count: number) => Array.from({ length: count }, (_, i) => ({ clientId: `somebody-${i}`, user: "Ann", joinedAt: i }));

test("as many people as there are colours have one each", () => {
  const members = people(COLOURS);
  const tints = new Tints();
  expect(new Set(members.map((m) => tints.of(m.clientId, members))).size).toBe(COLOURS);
});

test("a colour stays when people come and go, and more people than colours have some too", () => {
  const members = people(3 * COLOURS);
  const tints = new Tints();
  const before = members.map((m) => tints.of(m.clientId, members));
  expect(before.every((t) => t >= 0 && t < COLOURS)).toBe(true);
  expect(members.map((m) => tints.of(m.clientId, members.slice(5)))).toEqual(before);
});
