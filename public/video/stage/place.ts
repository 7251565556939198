// Puts an element where its box is. Not by a `style:` directive: its code would come with the first visit.

import type { Box } from "./tiling";

const MOST_RADIUS = 16;

/** Small tiles have smaller corners, which hide less of the picture. */
export function place({ x, y, width, height }: Box) {
  return ({ style }: HTMLElement) => {
    style.left = `${x}px`;
    style.top = `${y}px`;
    style.width = `${width}px`;
    style.height = `${height}px`;
    style.setProperty("--radius", `${Math.min(MOST_RADIUS, Math.round(height * 0.1))}px`);
  };
}
