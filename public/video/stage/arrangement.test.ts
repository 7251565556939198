import { describe, expect, test } from "vitest";
import { arrange, type Arrangement, GAP, type Item } from "./arrangement";
import type { Corner } from "./corner";
import { type Box, seenShare, type Size, WIDE } from "./tiling";

const SIZES: Size[] = [
  [740, 200],
  [340, 500],
  [340, 180],
  [300, 120],
  [200, 100],
  [120, 70],
  [320, 320],
  [640, 240],
  [838, 700],
  [724, 640],
  [1280, 800],
  [3800, 600],
].map(([width = 0, height = 0]) => ({ width, height }));
const PHONE = 9 / 16;

const face = (key: string, aspect: number | null = WIDE): Item => ({ key, aspect, screen: false });
const screen = (key: string, aspect = WIDE): Item => ({ key, aspect, screen: true });
const people = (count: number, aspect: number | null = WIDE) =>
  Array.from({ length: count }, (_, index) => face(`${index}`, aspect));
const of = (size: Size, items: Item[], large: string | null = null, page = 0, corner: Corner = "bottom-right") =>
  arrange(size, items, large, page, corner);
const overlap = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const boxOf = ({ boxes }: Arrangement, key: string): Box => {
  const box = boxes.get(key);
  if (!box) throw new Error(`${key} is not shown`);
  return box;
};

const isInside = ({ x, y, width, height }: Box, size: Size) =>
  x >= 0 && y >= 0 && x + width <= size.width && y + height <= size.height;

/** Tiles and the buttons of pages that leave the stage or overlap, without the floating tile. */
function misplaced(size: Size, shown: Arrangement): unknown[] {
  const pager = shown.pager ? [["pager", shown.pager] as const] : [];
  const all = [...shown.boxes, ...pager];
  const still = all.filter(([key]) => key !== shown.floating);
  return [
    ...all.filter(([, box]) => !isInside(box, size)),
    ...still.flatMap(([key, box], index) =>
      still.slice(index + 1).flatMap(([other, its]) => (overlap(box, its) ? [[key, box, other, its]] : [])),
    ),
  ];
}

describe.each(SIZES)("a stage of $width x $height", (size) => {
  test("keeps everything inside and apart, on the first page and the last", () => {
    for (const aspect of [WIDE, PHONE])
      for (const count of [1, 2, 3, 5, 12, 60])
        for (const large of [null, "0"]) {
          const items = people(count, aspect);
          const first = of(size, items, large);
          expect(misplaced(size, first)).toEqual([]);
          expect(misplaced(size, of(size, items, large, first.pages - 1))).toEqual([]);
        }
  });

  test("shows everybody once over all pages, and the large one on each", () => {
    for (const count of [3, 5, 12, 60])
      for (const large of [null, "1"]) {
        const items = people(count);
        const { pages } = of(size, items, large);
        const seen = Array.from({ length: pages }, (_, page) => [...of(size, items, large, page).boxes.keys()]).flat();
        const small = seen.filter((key) => key !== large);
        expect(new Set(small).size).toBe(small.length);
        if (large === null || small.length > 0) expect(small).toHaveLength(count - (large === null ? 0 : 1));
        expect(seen.filter((key) => key === large)).toHaveLength(large === null ? 0 : pages);
      }
  });

  test("crops no 16:9 picture by more than 5 %", () => {
    for (const count of [1, 2, 3, 5, 12])
      for (const large of [null, "0"])
        for (const { width, height } of of(size, people(count), large).boxes.values())
          expect(seenShare(WIDE, width / height)).toBeGreaterThan(0.95);
  });

  test("has no page beyond the last", () => {
    const { pages } = of(size, people(30));
    expect(of(size, people(30), null, 99).page).toBe(pages - 1);
    expect(of(size, people(30), null, -1).page).toBe(0);
  });
});

test("nobody has no tile, and a stage without a size shows none", () => {
  expect(of({ width: 800, height: 600 }, []).boxes.size).toBe(0);
  expect(of({ width: 0, height: 0 }, people(3)).boxes.size).toBe(0);
});

test("one alone is large, in the shape of the picture", () => {
  expect(boxOf(of({ width: 800, height: 450 }, people(1)), "0")).toEqual({ x: 0, y: 0, width: 800, height: 450 });
  const { width, height } = boxOf(of({ width: 344, height: 500 }, people(1, PHONE)), "0");
  expect(width / height).toBeCloseTo(PHONE, 2);
  expect(height).toBeGreaterThan(495);
});

describe("two people", () => {
  const size = { width: 838, height: 480 };
  const pair = [face("me"), face("ann")];

  test("are side by side or one above the other in a grid", () => {
    const shown = of(size, pair);
    expect(shown.floating).toBeNull();
    expect(boxOf(shown, "me").width).toBe(boxOf(shown, "ann").width);
    expect(misplaced(size, shown)).toEqual([]);
  });

  test.each([
    ["top-left", GAP, GAP],
    ["top-right", 838 - GAP, GAP],
    ["bottom-left", GAP, 480 - GAP],
    ["bottom-right", 838 - GAP, 480 - GAP],
  ] as const)("are one large and one small in the corner %s", (corner, x, y) => {
    const shown = of(size, pair, "ann", 0, corner);
    expect([shown.large, shown.floating]).toEqual(["ann", "me"]);
    const small = boxOf(shown, "me");
    expect(corner.endsWith("left") ? small.x : small.x + small.width).toBe(x);
    expect(corner.startsWith("top") ? small.y : small.y + small.height).toBe(y);
    expect(small.width).toBeLessThan(boxOf(shown, "ann").width / 2);
  });

  test("and a shared screen are three: none floats", () => {
    const shown = of(size, [...pair, screen("ann screen")], "ann screen");
    expect(shown.floating).toBeNull();
    expect(shown.boxes.size).toBe(3);
    expect(of(size, [face("me"), screen("me screen")], "me screen").floating).toBeNull();
  });
});

describe("of two people", () => {
  test.each(SIZES.filter(({ width }) => width >= 300))("the small one hides little at $width x $height", (size) => {
    for (const corner of ["top-left", "top-right", "bottom-left", "bottom-right"] as const)
      for (const aspect of [WIDE, PHONE]) {
        const shown = of(size, people(2, aspect), "1", 0, corner);
        const [small, large] = [boxOf(shown, "0"), boxOf(shown, "1")];
        const width = Math.min(small.x + small.width, large.x + large.width) - Math.max(small.x, large.x);
        const height = Math.min(small.y + small.height, large.y + large.height) - Math.max(small.y, large.y);
        const hidden = Math.max(0, width) * Math.max(0, height);
        expect(hidden / (large.width * large.height)).toBeLessThanOrEqual(0.05);
      }
  });
});

describe("a large tile", () => {
  test("has the others below in a high area, and beside it in a low one", () => {
    const high = of({ width: 838, height: 700 }, people(4), "0");
    const [large, small] = [boxOf(high, "0"), boxOf(high, "1")];
    expect(small.y).toBeGreaterThanOrEqual(large.y + large.height);
    expect(large.width).toBe(838);
    const low = of({ width: 740, height: 200 }, people(3), "0");
    expect(boxOf(low, "1").x).toBeGreaterThanOrEqual(boxOf(low, "0").x + boxOf(low, "0").width);
    expect(boxOf(low, "0").height).toBeGreaterThanOrEqual(199);
  });

  test("has the small ones next to it, all in the middle", () => {
    const shown = of({ width: 724, height: 83 }, people(3), "0");
    const boxes = ["0", "1", "2"].map((key) => boxOf(shown, key)) as [Box, Box, Box];
    expect(boxes[1].x - boxes[0].x - boxes[0].width).toBe(GAP);
    expect(Math.abs(boxes[0].x - (724 - boxes[2].x - boxes[2].width))).toBeLessThanOrEqual(1);
  });

  test("stays alone where small ones have no room", () => {
    const shown = of({ width: 130, height: 75 }, people(4), "0");
    expect([...shown.boxes.keys()]).toEqual(["0"]);
    expect(shown.pages).toBe(1);
  });

  test("of an upright camera takes its shape", () => {
    const { width, height } = boxOf(of({ width: 838, height: 700 }, people(3, PHONE), "0"), "0");
    expect(width / height).toBeCloseTo(PHONE, 2);
  });
});

test("pages are filled evenly", () => {
  const size = { width: 740, height: 200 };
  const { pages } = of(size, people(12));
  expect(pages).toBe(2);
  expect(of(size, people(12), null, 0).boxes.size).toBe(6);
  expect(of(size, people(12), null, 1).boxes.size).toBe(6);
});

test("a page has at most 49 tiles", () => {
  const size = { width: 3800, height: 2100 };
  expect(of(size, people(49)).pager).toBeNull();
  const more = of(size, people(50));
  expect(more.pages).toBe(2);
  expect(more.boxes.size).toBe(25);
});
