// How tiles of one shape fill an area: sizes and places only, without the document.

export type Size = { width: number; height: number };
export type Box = Size & { x: number; y: number };

/** Width by height of what most cameras send. */
export const WIDE = 16 / 9;
export const MOST_TILES = 49;
/** Below this width a face says nothing, so the rest goes to another page. */
export const LEAST_WIDTH = 120;
/** Upright tiles are taller, and legible at this width. */
const LEAST_UPRIGHT_WIDTH = 90;
const OTHER_SHAPES = [4 / 3, 1, 3 / 4, 9 / 16];
/** Another shape must show this much more, or tiles would change their shape for nothing. */
const WORTH_IT = 1.1;
/** A camera's picture fills its tile when at least this much of it is seen: 4:3 in 16:9 is. */
const FILLS = 0.74;

/** The largest box of this aspect in the area, centred. */
export function fitted(area: Box, aspect: number): Box {
  const width = Math.floor(Math.max(0, Math.min(area.width, area.height * aspect)));
  const height = Math.floor(Math.min(area.height, width / aspect));
  return {
    x: area.x + Math.floor((area.width - width) / 2),
    y: area.y + Math.floor((area.height - height) / 2),
    width,
    height: Math.max(0, height),
  };
}

/** The width of each of `count` tiles in this many columns. */
export function widthIn(area: Size, count: number, columns: number, gap: number, aspect = WIDE): number {
  const rows = Math.ceil(count / columns);
  const byWidth = (area.width - (columns - 1) * gap) / columns;
  const byHeight = ((area.height - (rows - 1) * gap) / rows) * aspect;
  return Math.max(0, Math.min(byWidth, byHeight));
}

/** The number of columns with the largest tiles; of equal ones the fewest, whose last row is the fullest. */
function columnsFor(area: Size, count: number, gap: number, aspect: number): { columns: number; width: number } {
  let best = { columns: 1, width: widthIn(area, count, 1, gap, aspect) };
  for (let columns = 2; columns <= count; columns += 1) {
    const width = widthIn(area, count, columns, gap, aspect);
    if (width > best.width + 1e-6) best = { columns, width };
  }
  return best;
}

/** As many boxes of this aspect, as large as the area allows, the block and its last row centred. */
export function tiled(area: Box, count: number, gap: number, aspect = WIDE, mostWidth = Infinity): Box[] {
  const best = columnsFor(area, count, gap, aspect);
  const { columns } = best;
  const width = Math.floor(Math.min(best.width, mostWidth));
  const height = Math.floor(width / aspect);
  const rows = Math.ceil(count / columns);
  const top = area.y + Math.floor((area.height - rows * height - (rows - 1) * gap) / 2);
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = area.x + Math.floor((area.width - inRow * width - (inRow - 1) * gap) / 2);
    return { x: left + (index % columns) * (width + gap), y: top + row * (height + gap), width, height };
  });
}

/** The width of each of `count` tiles in their best arrangement. */
export function tileWidth(area: Size, count: number, gap: number): number {
  return columnsFor(area, count, gap, WIDE).width;
}

/** How many tiles a page has, at least one. */
export function capacity(area: Size, gap: number): number {
  let count = 1;
  while (count < MOST_TILES && tileWidth(area, count + 1, gap) >= LEAST_WIDTH) count += 1;
  return count;
}

/** The part of a picture that is seen when it fills a box of another aspect. */
export function seenShare(picture: number, aspect: number): number {
  return Math.min(picture / aspect, aspect / picture);
}

/** Whether a camera's picture may fill a box. If not, it is shown whole, with bars beside it. */
export function mayFill(picture: number, box: Size): boolean {
  return box.height > 0 && seenShare(picture, box.width / box.height) >= FILLS;
}

/** The shape in which these pictures, each shown whole, are largest together. Phones held upright ask for another. */
export function shapeFor(area: Size, pictures: readonly number[], gap: number): number {
  const shown = (aspect: number) => {
    const { width } = columnsFor(area, pictures.length, gap, aspect);
    const shares = pictures.reduce((sum, picture) => sum + seenShare(picture, aspect), 0);
    return { width, worth: ((width * width) / aspect) * shares };
  };
  let best = { aspect: WIDE, worth: shown(WIDE).worth * WORTH_IT };
  for (const aspect of OTHER_SHAPES) {
    const { width, worth } = shown(aspect);
    if (width >= LEAST_UPRIGHT_WIDTH && worth > best.worth) best = { aspect, worth };
  }
  return best.aspect;
}
