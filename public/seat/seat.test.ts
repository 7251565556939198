import { beforeEach, expect, test, vi } from "vitest";
import { forgetSeat, loadName, loadPlain, loadSeat, saveName, savePlain, saveSeat } from "./seat";

const seat = { clientId: "me", user: "Ann", ticket: "t", lastN: 3, former: ["old"] };

beforeEach(() => {
  sessionStorage.clear();
  localStorage.clear();
});

test("a seat is remembered for its room until it is left", () => {
  saveSeat("a", seat);
  expect(loadSeat("a")).toEqual(seat);
  expect(loadSeat("b")).toBeNull();
  forgetSeat("a");
  expect(loadSeat("a")).toBeNull();
});

test("a seat goes on counting where it was, and one of an older page has not counted", () => {
  saveSeat("a", { ...seat, last: { n: 3, id: "x" } });
  expect(loadSeat("a")?.last).toEqual({ n: 3, id: "x" });
  saveSeat("a", seat);
  expect(loadSeat("a")?.last).toBeUndefined();
});

test("that words may go out plain is remembered for one room", () => {
  savePlain("a");
  expect([loadPlain("a"), loadPlain("b")]).toEqual([true, false]);
});

test("what is not a seat is not taken for one", () => {
  for (const text of ["{", "null", "[]", '{"clientId":1}', JSON.stringify({ ...seat, former: null }), JSON.stringify({ ...seat, last: 3 }), JSON.stringify({ ...seat, last: { n: 1 } }), JSON.stringify({ ...seat, last: null })]) {
    sessionStorage.setItem("parlor.seat.a", text);
    expect(loadSeat("a"), text).toBeNull();
  }
});

test("a browser that forbids storage remembers nothing and breaks nothing", () => {
  const forbidden = vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("forbidden", "SecurityError");
  });
  saveName("Ann");
  saveSeat("a", seat);
  forbidden.mockRestore();
  expect(loadName()).toBeNull();
});
