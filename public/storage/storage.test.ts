import { beforeEach, expect, test, vi } from "vitest";
import {
  forgetSession,
  forgetSessions,
  loadCall,
  loadDraft,
  loadReply,
  loadName,
  loadPlainAllowed,
  loadSession,
  saveCall,
  saveDraft,
  saveReply,
  saveName,
  allowPlain,
  NUDGE,
  RECENT,
  REMEMBER,
  saveSession,
  saveLocal,
  loadLocal,
} from "./storage";

const seat = { clientId: "me", user: "Ann", ticket: "t", lastN: 3, former: ["old"] };

beforeEach(() => {
  sessionStorage.clear();
  localStorage.clear();
});

test("a seat is remembered for its room until it is left", () => {
  saveSession("a", seat);
  expect(loadSession("a")).toEqual(seat);
  expect(loadSession("b")).toBeNull();
  forgetSession("a");
  expect(loadSession("a")).toBeNull();
});

test("a seat goes on counting where it was, and one of an older page has not counted", () => {
  saveSession("a", { ...seat, last: { n: 3, id: "x" } });
  expect(loadSession("a")?.last).toEqual({ n: 3, id: "x" });
  saveSession("a", seat);
  expect(loadSession("a")?.last).toBeUndefined();
});

test("that words may go out plain is remembered for one room, until another user takes over", () => {
  allowPlain("a");
  expect([loadPlainAllowed("a"), loadPlainAllowed("b")]).toEqual([true, false]);
  forgetSessions();
  expect(loadPlainAllowed("a")).toBe(false);
});

test("what is written and not sent is remembered for its room and this tab, until it is sent or another user takes over", () => {
  saveDraft("a", "half a sen");
  expect([loadDraft("a"), loadDraft("b")]).toEqual(["half a sen", ""]);
  expect(localStorage.length).toBe(0);
  saveDraft("a", "");
  expect(sessionStorage.length).toBe(0);
  saveDraft("a", "again");
  forgetSessions();
  expect(loadDraft("a")).toBe("");
});

test("what a draft answers is remembered with it", () => {
  saveReply("a", 7);
  expect([loadReply("a"), loadReply("b")]).toEqual([7, null]);
  saveReply("a", null);
  expect([loadReply("a"), sessionStorage.length]).toEqual([null, 0]);
  saveReply("a", 8);
  forgetSessions();
  expect(loadReply("a")).toBeNull();
  sessionStorage.setItem("parlor.reply.a", "soon");
  expect(loadReply("a")).toBeNull();
});

test("logging out removes the rooms and the choices of the person before", () => {
  const kept = [RECENT, REMEMBER, NUDGE];
  for (const key of kept) saveLocal(key, "keys");
  forgetSessions();
  expect(kept.map(loadLocal)).toEqual([null, null, null]);
});

test("a call is remembered until it or the seat is left", () => {
  saveCall("a", "devices");
  expect([loadCall("a"), loadCall("b")]).toEqual(["devices", null]);
  saveCall("a", null);
  expect(loadCall("a")).toBeNull();
  saveCall("a", "devices");
  forgetSession("a");
  expect(loadCall("a")).toBeNull();
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
    expect(loadSession("a"), text).toBeNull();
  }
});

test("a browser that forbids storage remembers nothing and breaks nothing", () => {
  const forbidden = () => {
    throw new DOMException("forbidden", "SecurityError");
  };
  for (const name of ["localStorage", "sessionStorage"]) vi.stubGlobal(name, { setItem: forbidden });
  saveName("Ann");
  saveSession("a", seat);
  vi.unstubAllGlobals();
  expect(loadName()).toBeNull();
});
