// What the stage shows where: a grid, a large tile with a row or column of the others, or two people.

import type { Corner } from "./corner";
import { type Box, capacity, fitted, LEAST_WIDTH, shapeFor, type Size, tiled, tileWidth, WIDE } from "./tiling";

/** A tile as the arrangement sees it. */
export type Item = {
  key: string;
  /** Width by height of its picture, `null` without one. */
  aspect: number | null;
  screen: boolean;
};

export type Arrangement = {
  /** Tiles of other pages have no box, and are not shown. */
  boxes: ReadonlyMap<string, Box>;
  large: string | null;
  /** The tile that lies in a corner over the large one. */
  floating: string | null;
  page: number;
  pages: number;
  /** Where the buttons of pages stand. */
  pager: Box | null;
};

export const GAP = 8;
/** Two buttons of 44 pixels and the number between them: no wider than a tile. */
const PAGER_WIDE: Size = { width: 120, height: 44 };
const PAGER_UPRIGHT: Size = { width: 44, height: 120 };
const MOST_SMALL_WIDTH = 220;
const LEAST_EXTENT = LEAST_WIDTH * (LEAST_WIDTH / WIDE);
const MOST_FLOATING_EXTENT = 260 * (260 / WIDE);
/** The floating tile covers no more of the large picture than this. */
const MOST_COVERED = 0.045;
const NOTHING: Arrangement = { boxes: new Map(), large: null, floating: null, page: 0, pages: 1, pager: null };

/** `large` is a tile to be shown large, `page` the wanted page of those that are not. */
export function arrange(
  size: Size,
  items: readonly Item[],
  large: string | null,
  page: number,
  corner: Corner,
): Arrangement {
  const area: Box = { x: 0, y: 0, width: size.width, height: size.height };
  const first = items[0];
  if (!first || size.width <= 0 || size.height <= 0) return NOTHING;
  if (items.length === 1)
    return { ...NOTHING, boxes: new Map([[first.key, fitted(area, shapeOf(first))]]), large: first.key };
  const main = items.find(({ key }) => key === large);
  if (!main) return grid(area, items, page);
  const others = items.filter((item) => item !== main);
  const only = others.length === 1 ? others[0] : undefined;
  return only && !only.screen && !main.screen ? pair(area, main, only, corner) : focus(area, main, others, page);
}

const within = (least: number, value: number, most: number) => Math.max(least, Math.min(value, most));
const extent = ({ width, height }: Size) => width * height;
const shapeOf = ({ aspect }: Item): number => aspect ?? WIDE;

function boxesOf(items: readonly Item[], boxes: readonly Box[]): Map<string, Box> {
  return new Map(items.flatMap(({ key }, index) => (boxes[index] ? [[key, boxes[index]] as const] : [])));
}

function centred({ width, height }: Size, area: Box): Box {
  return {
    x: area.x + Math.floor((area.width - width) / 2),
    y: area.y + Math.floor((area.height - height) / 2),
    width,
    height,
  };
}

/** The items of one page. Pages are filled evenly, so that none has a single huge tile. */
function pageOf(items: readonly Item[], most: number, wanted: number) {
  const pages = Math.ceil(items.length / most);
  const page = Math.max(0, Math.min(wanted, pages - 1));
  const each = Math.ceil(items.length / pages);
  return { page, pages, shown: items.slice(page * each, (page + 1) * each) };
}

function grid(area: Box, items: readonly Item[], wanted: number, mostWidth = Infinity): Arrangement {
  const { rest, pager } = gridArea(area, items.length);
  const { page, pages, shown } = pageOf(items, capacity(rest, GAP), wanted);
  const shape = shapeFor(rest, shown.map(shapeOf), GAP);
  return { ...NOTHING, boxes: boxesOf(shown, tiled(rest, shown.length, GAP, shape, mostWidth)), page, pages, pager };
}

/** The area of the tiles and of the buttons of pages: below or beside, where tiles lose less. */
function gridArea(area: Box, count: number): { rest: Box; pager: Box | null } {
  if (capacity(area, GAP) >= count) return { rest: area, pager: null };
  const { width, height } = area;
  const below = {
    rest: { ...area, height: Math.max(0, height - PAGER_WIDE.height - GAP) },
    pager: centred(PAGER_WIDE, { ...area, y: area.y + height - PAGER_WIDE.height, height: PAGER_WIDE.height }),
  };
  const beside = [PAGER_UPRIGHT, PAGER_WIDE]
    .filter((pager) => height >= pager.height)
    .map((pager) => ({
      rest: { ...area, width: Math.max(0, width - pager.width - GAP) },
      pager: centred(pager, { ...area, x: area.x + width - pager.width, width: pager.width }),
    }));
  const ways = [below, ...beside];
  const rated = ways.map((way) => {
    const most = capacity(way.rest, GAP);
    const pages = Math.ceil(count / most);
    return { ...way, pages, tile: tileWidth(way.rest, Math.ceil(count / pages), GAP) };
  });
  return rated.reduce((best, way) =>
    way.pages < best.pages || (way.pages === best.pages && way.tile > best.tile) ? way : best,
  );
}

/** One other and oneself: the small one lies in a corner, and the large one keeps away from it. */
function pair(area: Box, main: Item, only: Item, corner: Corner): Arrangement {
  const whole = fitted(area, shapeOf(main));
  const small = smallIn(area, extent(whole), shapeOf(only));
  // In a stage much higher or wider than both, the corners are those of a frame around them.
  const frame = centred(
    {
      width: Math.min(area.width, whole.width + small.width + 2 * GAP),
      height: Math.min(area.height, whole.height + small.height + 2 * GAP),
    },
    area,
  );
  const floating = corneredIn(frame, small, corner);
  const large = beside(frame, shapeOf(main), floating, corner);
  const boxes = new Map([
    [main.key, large],
    [only.key, floating],
  ]);
  return { ...NOTHING, boxes, large: main.key, floating: only.key };
}

/** As many pixels for each shape, so that a phone held upright is no stripe. */
function smallIn(area: Box, large: number, shape: number): Size {
  const wanted = within(LEAST_EXTENT, large * MOST_COVERED, MOST_FLOATING_EXTENT);
  const width = Math.sqrt(wanted * shape);
  const most = { x: 0, y: 0, width: area.width * 0.45, height: area.height * 0.45 };
  return fitted({ ...most, width: Math.min(most.width, width), height: Math.min(most.height, width / shape) }, shape);
}

function corneredIn(frame: Box, { width, height }: Size, corner: Corner): Box {
  return {
    x: frame.x + (corner.endsWith("left") ? GAP : frame.width - width - GAP),
    y: frame.y + (corner.startsWith("top") ? GAP : frame.height - height - GAP),
    width,
    height,
  };
}

/** The largest box of which the floating tile covers little: out of its way first, and smaller only if it must be. */
function beside(frame: Box, shape: number, floating: Box, corner: Corner): Box {
  const whole = fitted(frame, shape);
  for (let scale = 1; scale > 0.7; scale -= 0.02) {
    const large = awayFrom(frame, fitted({ ...frame, ...scaled(whole, scale) }, shape), floating, corner);
    if (overlap(large, floating) <= MOST_COVERED * extent(large)) return large;
  }
  return whole;
}

const scaled = ({ width, height }: Size, scale: number): Size => ({ width: width * scale, height: height * scale });

/** Moved away from the corner, no further than needed, and in one direction if that is enough. */
function awayFrom(frame: Box, { width, height }: Size, floating: Box, corner: Corner): Box {
  const middle = centred({ width, height }, frame);
  const x = corner.endsWith("left")
    ? within(middle.x, floating.x + floating.width + GAP, frame.x + frame.width - width)
    : within(frame.x, floating.x - GAP - width, middle.x);
  const y = corner.startsWith("top")
    ? within(middle.y, floating.y + floating.height + GAP, frame.y + frame.height - height)
    : within(frame.y, floating.y - GAP - height, middle.y);
  const ways = [middle, { ...middle, x }, { ...middle, y }, { ...middle, x, y }];
  return ways.reduce((best, way) => (overlap(way, floating) < overlap(best, floating) ? way : best));
}

/** The pixels that two boxes share. */
function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** A large tile, and the others below or beside it, where the large one loses less. */
function focus(area: Box, main: Item, others: readonly Item[], wanted: number): Arrangement {
  const way = [splitBelow(area, shapeOf(main)), splitBeside(area, shapeOf(main))]
    .sort((a, b) => extent(b.large) - extent(a.large))
    .map((split) => ({ ...split, small: gridBeside(split, others, wanted) }))
    .find(isRoomy);
  // Beside small ones nothing would be large in so small an area: the others are heard only.
  if (!way) return { ...NOTHING, boxes: new Map([[main.key, fitted(area, shapeOf(main))]]), large: main.key };
  const { large, rest, small } = way;
  const block = around([...small.boxes.values(), ...(small.pager ? [small.pager] : [])]);
  // The small ones lie next to the large one, and all of them in the middle.
  const near = rest.x > area.x ? { ...block, x: rest.x } : { ...block, y: rest.y };
  const both = around([large, near]);
  const middle = centred(both, area);
  const move = (box: Box, { x, y }: { x: number; y: number }): Box => ({
    ...box,
    x: box.x + x + middle.x - both.x,
    y: box.y + y + middle.y - both.y,
  });
  const pull = { x: near.x - block.x, y: near.y - block.y };
  return {
    ...small,
    boxes: new Map([
      [main.key, move(large, { x: 0, y: 0 })],
      ...[...small.boxes].map(([key, box]) => [key, move(box, pull)] as const),
    ]),
    large: main.key,
    pager: small.pager && move(small.pager, pull),
  };
}

type Split = { large: Box; rest: Box };

/** The small ones have what a large tile as wide as the area leaves, or a row at least. */
function splitBelow(area: Box, shape: number): Split {
  const least = Math.ceil(LEAST_WIDTH / WIDE);
  const height = Math.max(0, area.height - GAP - Math.max(least, area.height - GAP - area.width / shape));
  const large = { ...fitted({ ...area, height }, shape), y: 0 };
  const y = large.height + GAP;
  return { large, rest: { ...area, y, height: Math.max(0, area.height - y) } };
}

function splitBeside(area: Box, shape: number): Split {
  const width = Math.max(0, area.width - GAP - Math.max(LEAST_WIDTH, area.width - GAP - area.height * shape));
  const large = { ...fitted({ ...area, width }, shape), x: 0 };
  const x = large.width + GAP;
  return { large, rest: { ...area, x, width: Math.max(0, area.width - x) } };
}

/** Never wider than the large one. */
function gridBeside({ large, rest }: Split, others: readonly Item[], wanted: number): Arrangement {
  return grid(rest, others, wanted, Math.min(MOST_SMALL_WIDTH, large.width));
}

/** The large one is larger than the small ones, which are legible. */
function isRoomy({ large, small: { boxes } }: { large: Box; small: Arrangement }): boolean {
  const largest = Math.max(...[...boxes.values()].map(extent));
  return largest >= 0.95 * LEAST_EXTENT && extent(large) >= largest;
}

/** The smallest box around others. */
function around(boxes: readonly Box[]): Box {
  const [x, y] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))];
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}
