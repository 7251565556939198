import { beforeEach, expect, test } from "vitest";
import { cornerAt, cornerByKey, loadCorner, nextCorner, saveCorner } from "./corner";

beforeEach(() => localStorage.clear());

test("the button goes round all corners", () => {
  const round = [1, 2, 3, 4].reduce((seen) => [...seen, nextCorner(seen.at(-1)!)], [loadCorner()]);
  expect(new Set(round).size).toBe(4);
  expect(round.at(-1)).toBe(round[0]);
});

test("arrow keys move up, down and to the sides, and stop at the edge", () => {
  expect(cornerByKey("bottom-right", "ArrowUp")).toBe("top-right");
  expect(cornerByKey("top-right", "ArrowUp")).toBe("top-right");
  expect(cornerByKey("top-right", "ArrowLeft")).toBe("top-left");
  expect(cornerByKey("top-left", "ArrowDown")).toBe("bottom-left");
  expect(cornerByKey("bottom-left", "ArrowRight")).toBe("bottom-right");
  expect(cornerByKey("bottom-left", "Enter")).toBeNull();
});

test("where it is let go it lies in the nearest corner", () => {
  const area = { width: 800, height: 400 };
  expect(cornerAt({ x: 100, y: 100 }, area)).toBe("top-left");
  expect(cornerAt({ x: 401, y: 199 }, area)).toBe("top-right");
  expect(cornerAt({ x: 399, y: 201 }, area)).toBe("bottom-left");
  expect(cornerAt({ x: 800, y: 400 }, area)).toBe("bottom-right");
});

test("the corner is remembered; the ordinary one is kept as nothing, and what is no corner is ignored", () => {
  expect(loadCorner()).toBe("bottom-right");
  saveCorner("top-left");
  expect(loadCorner()).toBe("top-left");
  saveCorner("bottom-right");
  expect(localStorage.length).toBe(0);
  localStorage.setItem("parlor.corner", "middle");
  expect(loadCorner()).toBe("bottom-right");
});
