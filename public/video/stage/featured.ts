// The one tile of the small window.

import type { Tile } from "./tile";

/** A shared screen, else the participant who speaks or spoke last, else any other, else the user. */
export function featured(tiles: readonly Tile[], speaker: string | null): Tile | undefined {
  const others = tiles.filter((tile) => !tile.mine);
  return (
    others.find((tile) => tile.screen) ??
    others.find((tile) => tile.speaking) ??
    others.find((tile) => tile.identity === speaker) ??
    others[0] ??
    tiles[0]
  );
}
