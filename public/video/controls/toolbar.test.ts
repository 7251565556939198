import { expect, test } from "vitest";
import { arrange, type Control, IN_MENU } from "./toolbar";

const control = (id: string, rank?: number): Control => ({
  id,
  name: id,
  word: id,
  shape: "mic",
  act() {},
  ...(rank === undefined ? {} : { rank }),
});
const ids = (controls: Control[]) => controls.map(({ id }) => id).join(" ");
const laidOut = (controls: Control[], places: number) => {
  const { bar, menu } = arrange(controls, places);
  return [ids(bar), ids(menu)];
};

const CONTROLS = [control("mic"), control("screen", 4), control("chat"), control("grid", 2), control("leave")];

test("where all fit there is no menu", () => {
  expect(laidOut(CONTROLS, 5)).toEqual(["mic screen chat grid leave", ""]);
});

test("the lowest ranks go to the menu, whose button takes a place as well", () => {
  expect(laidOut(CONTROLS, 4)).toEqual(["mic chat leave", "screen grid"]);
  const more = [...CONTROLS, control("devices", 1)];
  expect(laidOut(more, 5)).toEqual(["mic screen chat leave", "grid devices"]);
});

test("what has no rank stays, however little room there is", () => {
  expect(laidOut(CONTROLS, 1)).toEqual(["mic chat leave", "screen grid"]);
});

test("what stands only in the menu brings the menu", () => {
  expect(laidOut([...CONTROLS, control("statistics", IN_MENU)], 6)).toEqual([
    "mic screen chat grid leave",
    "statistics",
  ]);
  expect(laidOut([...CONTROLS, control("statistics", IN_MENU)], 5)).toEqual([
    "mic screen chat leave",
    "grid statistics",
  ]);
});
