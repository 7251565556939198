import { describe, expect, test } from "vitest";
import {
  type Box,
  capacity,
  fitted,
  LEAST_WIDTH,
  mayFill,
  MOST_TILES,
  seenShare,
  shapeFor,
  tiled,
  tileWidth,
  WIDE,
  widthIn,
} from "./tiling";

const GAP = 8;
const SIZES = [
  [740, 200],
  [340, 500],
  [340, 180],
  [320, 320],
  [640, 240],
  [838, 700],
  [724, 640],
  [1280, 800],
  [1900, 980],
  [3800, 600],
  [400, 2000],
] as const;
const area = ([width, height]: readonly [number, number]): Box => ({ x: 0, y: 0, width, height });
const right = (box: Box) => box.x + box.width;
const bottom = (box: Box) => box.y + box.height;

describe.each(SIZES)("tiles in %i x %i", (...size) => {
  const whole = area(size);
  const counts = Array.from({ length: capacity(whole, GAP) }, (_, index) => index + 1);

  test("are in bounds, and none lies over another", () => {
    const apart = (a: Box, b: Box) =>
      b.x - right(a) >= GAP || a.x - right(b) >= GAP || b.y - bottom(a) >= GAP || a.y - bottom(b) >= GAP;
    const inBounds = (box: Box) => box.x >= 0 && box.y >= 0 && right(box) <= whole.width && bottom(box) <= whole.height;
    for (const count of counts) {
      const boxes = tiled(whole, count, GAP);
      expect(boxes).toHaveLength(count);
      expect(boxes.filter((box) => !inBounds(box))).toEqual([]);
      expect(boxes.filter((box, index) => boxes.slice(index + 1).some((other) => !apart(box, other)))).toEqual([]);
    }
  });

  test("show at least 95 % of a 16:9 picture that fills them, and are at least 120 pixels wide", () => {
    for (const count of counts)
      for (const { width, height } of tiled(whole, count, GAP)) {
        expect(seenShare(WIDE, width / height)).toBeGreaterThan(0.95);
        expect(width).toBeGreaterThanOrEqual(LEAST_WIDTH);
      }
  });

  test("are as large as any number of columns allows", () => {
    for (const count of counts) {
      const [{ width }] = tiled(whole, count, GAP) as [Box];
      for (let columns = 1; columns <= count; columns += 1)
        expect(width + 1).toBeGreaterThan(widthIn(whole, count, columns, GAP));
    }
  });

  test("are centred, each row of them", () => {
    for (const count of counts) {
      const boxes = tiled(whole, count, GAP);
      for (const y of new Set(boxes.map((box) => box.y))) {
        const row = boxes.filter((box) => box.y === y);
        const [first, last] = [row[0] as Box, row.at(-1) as Box];
        expect(Math.abs(first.x - (whole.width - right(last)))).toBeLessThanOrEqual(1);
      }
      const [first, last] = [boxes[0] as Box, boxes.at(-1) as Box];
      expect(Math.abs(first.y - (whole.height - bottom(last)))).toBeLessThanOrEqual(1);
    }
  });

  test("one more would be too small, or too many", () => {
    const most = capacity(whole, GAP);
    expect(most === MOST_TILES || tileWidth(whole, most + 1, GAP) < LEAST_WIDTH).toBe(true);
  });
});

test("of equal arrangements the one with the fullest last row is taken", () => {
  const rows = (count: number) => tiled(area([3000, 400]), count, GAP).map(({ y }) => y);
  expect(new Set(rows(3)).size).toBe(1);
  const boxes = tiled(area([838, 300]), 5, GAP);
  expect(boxes.filter(({ y }) => y === boxes[0]?.y)).toHaveLength(3);
});

test("an area without room has tiles of no size, and one at a time", () => {
  expect(tiled(area([0, 0]), 3, GAP)).toHaveLength(3);
  expect(tiled(area([10, 4]), 3, GAP).every(({ width, height }) => width >= 0 && height >= 0)).toBe(true);
  expect(capacity(area([50, 20]), GAP)).toBe(1);
});

test("a box is fitted into an area by its narrower side", () => {
  expect(fitted(area([344, 500]), WIDE)).toEqual({ x: 0, y: 153, width: 344, height: 193 });
  expect(fitted(area([740, 180]), WIDE)).toEqual({ x: 210, y: 0, width: 320, height: 180 });
  expect(fitted(area([344, 500]), 9 / 16)).toEqual({ x: 31, y: 0, width: 281, height: 499 });
});

describe("a picture", () => {
  const wide = { width: 320, height: 180 };
  test.each([
    ["16:9", 16 / 9, true],
    ["16:10", 16 / 10, true],
    ["4:3", 4 / 3, true],
    ["1:1", 1, false],
    ["9:16", 9 / 16, false],
  ])("of %s fills a 16:9 tile: %s, %s", (_, picture, fills) => {
    expect(mayFill(picture, wide)).toBe(fills);
  });

  test("of a phone fills an upright tile", () => {
    expect(mayFill(9 / 16, { width: 90, height: 160 })).toBe(true);
    expect(mayFill(WIDE, { width: 90, height: 160 })).toBe(false);
  });
});

describe("the shape of the tiles", () => {
  const phone = area([344, 420]);
  test("is 16:9 for cameras that lie, in any area", () => {
    for (const size of SIZES)
      for (let count = 1; count <= capacity(area(size), GAP); count += 1)
        expect(shapeFor(area(size), Array(count).fill(WIDE), GAP)).toBe(WIDE);
  });

  test("is upright where all cameras are", () => {
    expect(shapeFor(phone, [9 / 16, 9 / 16, 9 / 16], GAP)).toBeLessThan(1);
    expect(shapeFor(area([838, 700]), [9 / 16, 9 / 16, 9 / 16], GAP)).toBe(9 / 16);
  });

  test("stays 16:9 for one upright camera among many", () => {
    expect(shapeFor(area([838, 700]), [9 / 16, WIDE, WIDE, WIDE, WIDE], GAP)).toBe(WIDE);
  });

  test("leaves upright tiles legible", () => {
    const pictures: number[] = Array(12).fill(9 / 16);
    const shape = shapeFor(phone, pictures, GAP);
    const [{ width }] = tiled(phone, pictures.length, GAP, shape) as [Box];
    expect(shape === WIDE || width >= 90).toBe(true);
  });
});
