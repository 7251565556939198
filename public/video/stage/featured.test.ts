import { expect, test } from "vitest";
import { featured } from "./featured";
import type { Tile } from "./tile";

const tile = (identity: string, more: Partial<Tile> = {}) => ({ identity, key: identity, ...more }) as Tile;
const me = tile("me", { mine: true, speaking: true });

test("alone it is oneself, in company never", () => {
  expect(featured([me], null)).toBe(me);
  expect(featured([me, tile("ann")], null)?.identity).toBe("ann");
  expect(featured([], null)).toBeUndefined();
});

test("who speaks goes before who spoke last, and a screen before both", () => {
  const [ann, ben] = [tile("ann"), tile("ben")];
  expect(featured([me, ann, ben], "ben")).toBe(ben);
  expect(featured([me, { ...ann, speaking: true }, ben], "ben")?.identity).toBe("ann");
  const screen = tile("ben", { screen: true });
  expect(featured([me, { ...ann, speaking: true }, ben, screen], null)).toBe(screen);
});
