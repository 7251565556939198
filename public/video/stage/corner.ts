// The corner in which the small tile of two people lies.

import { loadLocal, saveLocal } from "../../storage/storage";
import type { Size } from "./tiling";

export type Corner = `${"top" | "bottom"}-${"left" | "right"}`;

const KEY = "parlor.corner";
const CLOCKWISE: readonly Corner[] = ["top-left", "top-right", "bottom-right", "bottom-left"];
const ORDINARY: Corner = "bottom-right";

export function nextCorner(corner: Corner): Corner {
  return CLOCKWISE[(CLOCKWISE.indexOf(corner) + 1) % CLOCKWISE.length] ?? ORDINARY;
}

/** Where an arrow key leads; null for other keys. */
export function cornerByKey(corner: Corner, key: string): Corner | null {
  const [y, x] = corner.split("-") as ["top" | "bottom", "left" | "right"];
  if (key === "ArrowUp") return `top-${x}`;
  if (key === "ArrowDown") return `bottom-${x}`;
  if (key === "ArrowLeft") return `${y}-left`;
  if (key === "ArrowRight") return `${y}-right`;
  return null;
}

/** The corner nearest to a point of the area. */
export function cornerAt({ x, y }: { x: number; y: number }, { width, height }: Size): Corner {
  return `${y < height / 2 ? "top" : "bottom"}-${x < width / 2 ? "left" : "right"}`;
}

export function loadCorner(): Corner {
  const kept = loadLocal(KEY);
  return CLOCKWISE.find((corner) => corner === kept) ?? ORDINARY;
}

export function saveCorner(corner: Corner): void {
  saveLocal(KEY, corner === ORDINARY ? null : corner);
}
