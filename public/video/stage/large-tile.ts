// Which tile is shown large.

import type { Tile } from "./tile";

type Candidate = Pick<Tile, "key" | "identity" | "mine" | "screen" | "speaking">;
export type Layout = "grid" | "focus";

const ofOthers = <T extends Candidate>(tiles: readonly T[]) => tiles.filter((tile) => !tile.mine);

/** Unless the user chose: a shared screen is large, and of two people the other. */
export function ordinaryLayout(tiles: readonly Candidate[]): Layout {
  const isPair = new Set(tiles.map(({ identity }) => identity)).size === 2;
  return isPair || ofOthers(tiles).some((tile) => tile.screen) ? "focus" : "grid";
}

/** `before` is the one that was large. It stays while it speaks, so that two who talk at once change nothing. */
export function largeTile(
  tiles: readonly Candidate[],
  { pinned, layout, speaker, before }: Record<"pinned" | "speaker" | "before", string | null> & { layout: Layout },
): string | null {
  if (tiles.length < 2) return null;
  if (tiles.some(({ key }) => key === pinned)) return pinned;
  if (layout === "grid") return null;
  const others = ofOthers(tiles);
  const faces = others.filter((tile) => !tile.screen);
  const large =
    others.find((tile) => tile.screen) ??
    faces.find((tile) => tile.speaking && tile.key === before) ??
    faces.find((tile) => tile.speaking) ??
    faces.find((tile) => tile.identity === speaker) ??
    faces[0] ??
    tiles.find((tile) => tile.screen);
  return large?.key ?? null;
}
