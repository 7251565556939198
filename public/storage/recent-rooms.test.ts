import { beforeEach, expect, test, vi } from "vitest";
import {
  DAYS_KEPT,
  forgetRoom,
  forgetRooms,
  loadRemembering,
  noteRoom,
  recentRooms,
  ROOMS_MAX,
  saveRemembering,
} from "./recent-rooms";
import { forgetSessions, RECENT } from "./storage";

const KEY = "A".repeat(43);
const DAY = 86_400_000;

beforeEach(() => localStorage.clear());

test("rooms are remembered once, the newest first, and no more than a few", () => {
  for (let i = 1; i <= ROOMS_MAX + 3; i += 1) noteRoom(`room-${i}`, null, i);
  noteRoom("room-9", null, 100);
  const rooms = recentRooms(101).map(({ room }) => room);
  expect(rooms.slice(0, 3)).toEqual(["room-9", `room-${ROOMS_MAX + 3}`, `room-${ROOMS_MAX + 2}`]);
  expect(rooms).toHaveLength(ROOMS_MAX);
});

test("a key is not kept unless the person chose that, and goes when the person changes the mind", () => {
  noteRoom("a", KEY, 1);
  expect(recentRooms(2)).toEqual([{ room: "a", at: 1, sealed: true }]);
  expect(localStorage.getItem(RECENT)).not.toContain(KEY);
  saveRemembering("keys", 2);
  noteRoom("a", KEY, 3);
  expect(recentRooms(4)).toEqual([{ room: "a", at: 3, sealed: true, secret: KEY }]);
  saveRemembering("rooms", 5);
  expect(recentRooms(6)).toEqual([{ room: "a", at: 3, sealed: true }]);
  expect(localStorage.getItem(RECENT)).not.toContain(KEY);
});

test("a visit without the key takes none away from a room that has one", () => {
  noteRoom("a", KEY, 1);
  noteRoom("a", null, 2);
  expect(recentRooms(3)).toEqual([{ room: "a", at: 2, sealed: true }]);
  saveRemembering("keys", 3);
  noteRoom("a", KEY, 4);
  noteRoom("a", null, 5);
  expect(recentRooms(6)).toEqual([{ room: "a", at: 5, sealed: true, secret: KEY }]);
  const other = "B".repeat(42) + "A";
  noteRoom("a", other, 7);
  expect(recentRooms(8)).toEqual([{ room: "a", at: 7, sealed: true, secret: other }]);
});

test("one is forgotten, or all, or none is remembered from now on", () => {
  noteRoom("a", null, 1);
  noteRoom("b", null, 2);
  forgetRoom("a", 3);
  expect(recentRooms(3).map(({ room }) => room)).toEqual(["b"]);
  forgetRooms();
  expect(localStorage.getItem(RECENT)).toBeNull();
  noteRoom("c", null, 4);
  saveRemembering("off", 5);
  noteRoom("d", null, 6);
  expect([recentRooms(7), loadRemembering()]).toEqual([[], "off"]);
  saveRemembering("rooms", 8);
  expect(loadRemembering()).toBe("rooms");
});

test("after some weeks a room is forgotten by itself", () => {
  noteRoom("a", null, DAY);
  expect(recentRooms(DAY * DAYS_KEPT)).toHaveLength(1);
  expect(recentRooms(DAY * (DAYS_KEPT + 1))).toEqual([]);
});

test("another user's rooms go with that user", () => {
  noteRoom("a", null, 1);
  forgetSessions();
  expect(recentRooms(2)).toEqual([]);
});

test("what is not a room is not taken for one, and a browser that forbids storage breaks nothing", () => {
  const kept = (text: string) => localStorage.setItem(RECENT, text);
  for (const text of ["{", "null", "{}", '[1,null,"a"]', '[{"room":"a"}]', '[{"room":"a b","at":1}]']) {
    kept(text);
    expect(recentRooms(2), text).toEqual([]);
  }
  kept(JSON.stringify([{ room: "a", at: 1, sealed: true, secret: "no key" }]));
  expect(recentRooms(2)).toEqual([]);
  localStorage.clear();
  vi.stubGlobal("localStorage", {
    getItem: () => null,
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  });
  noteRoom("a", null, 1);
  expect(recentRooms(2)).toEqual([]);
  vi.unstubAllGlobals();
});
