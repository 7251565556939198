import { beforeEach, expect, test, vi } from "vitest";
import { forgetSeat, forgetSeats, loadCalling, loadDraft, loadName, loadSeat, saveCalling, saveDraft, saveName, saveSeat } from "./seat";

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
  for (const text of ["{", "null", "[]", '{"clientId":1}', JSON.stringify({ ...seat, former: null })]) {
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
