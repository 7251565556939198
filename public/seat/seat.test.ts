import { beforeEach, expect, test, vi } from "vitest";
import {
  forgetSeat,
  forgetSeats,
  loadCalling,
  loadDraft,
  loadName,
  loadPlain,
  loadSeat,
  saveCalling,
  saveDraft,
  saveName,
  savePlain,
  saveSeat,
} from "./seat";

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

test("that words may go out plain is remembered for one room, until somebody else sits here", () => {
  savePlain("a");
  expect([loadPlain("a"), loadPlain("b")]).toEqual([true, false]);
  forgetSeats();
  expect(loadPlain("a")).toBe(false);
});

test("what is written and not sent is remembered for its room and this tab, until it is sent or somebody else sits here", () => {
  saveDraft("a", "half a sen");
  expect([loadDraft("a"), loadDraft("b")]).toEqual(["half a sen", ""]);
  expect(localStorage.length).toBe(0);
  saveDraft("a", "");
  expect(sessionStorage.length).toBe(0);
  saveDraft("a", "again");
  forgetSeats();
  expect(loadDraft("a")).toBe("");
});

test("a call is remembered until it or the seat is left", () => {
  saveCalling("a", true);
  expect([loadCalling("a"), loadCalling("b")]).toEqual([true, false]);
  saveCalling("a", false);
  expect(loadCalling("a")).toBe(false);
  saveCalling("a", true);
  forgetSeat("a");
  expect(loadCalling("a")).toBe(false);
});

test("what is not a seat is not taken for one", () => {
  for (const text of [
    "{",
    "null",
    "[]",
    '{"clientId":1}',
    JSON.stringify({ ...seat, former: null }),
    JSON.stringify({ ...seat, last: 3 }),
    JSON.stringify({ ...seat, last: { n: 1 } }),
    JSON.stringify({ ...seat, last: null }),
  ]) {
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
