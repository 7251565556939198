import { describe, expect, test } from "vitest";
import { generateRoomId, isGuessable, parseRoomId, proquint, roomOfPath, roomPath } from "./room-id";

describe("a room id", () => {
  test("may be of any script and is normalised", () => {
    for (const id of ["a", "general", "комната-7", "部屋", "a.b_c-d~e", "हिन्दी", "x".repeat(64)]) {
      expect(parseRoomId(id)).toBe(id.normalize("NFC"));
    }
    expect(parseRoomId("cafe\u0301")).toBe("café");
  });

  test("is refused when no room could be called that", () => {
    for (const id of [
      "",
      ".",
      "..",
      "a b",
      "a/b",
      "a{b}",
      "a\n",
      "a?b",
      "😀",
      "a\u200b",
      "%41",
      "x".repeat(65),
      "\u0301",
      "-\u0301",
      "a.\u0301b",
    ]) {
      expect(parseRoomId(id), JSON.stringify(id)).toBeNull();
    }
  });

  test("survives the way through an address", () => {
    for (const id of ["lusab-babad-gutih-tugad", "комната-7", "a.b~c", "部屋", "team.", "a._~-", "~", "..."]) {
      expect(roomOfPath(roomPath(id))).toEqual({ id, given: id });
    }
    expect(roomPath("a.b_c._~-")).toBe("/r/a.b_c%2E%5F%7E%2D");
    expect(roomOfPath("/")).toBeNull();
    expect(roomOfPath("/r/")).toBeNull();
    expect(roomOfPath("/r/a%20b")).toEqual({ id: null, given: "a b" });
    expect(roomOfPath("/r/%E0%A4%A")).toEqual({ id: null, given: "%E0%A4%A" });
  });
});

describe("a generated id", () => {
  test("is four proquints, all different and all valid", () => {
    const ids = new Set(Array.from({ length: 500 }, generateRoomId));
    expect(ids.size).toBe(500);
    for (const id of ids) {
      expect(id).toMatch(/^([bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz](-|$)){4}$/);
      expect(parseRoomId(id)).toBe(id);
    }
  });

  test("spells its bits as the proposal does", () => {
    // 127.0.0.1 is the example that the proposal itself gives.
    expect(`${proquint(0x7f00)}-${proquint(0x0001)}`).toBe("lusab-babad");
    expect(`${proquint(0x3f54)}-${proquint(0xdcc1)}`).toBe("gutih-tugad");
  });
});

test("a name that people think of is guessable, a random one is not", () => {
  for (const id of ["general", "team-standup-2024", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "комната-7", "lusab"])
    expect(isGuessable(id), id).toBe(true);
  for (const id of ["lusab-babad-gutih-tugad", "5f0c7a52-9c1e-4b7e-8f11-2d93a1c0be47", "Xk92jQpL7vTz81mWc0Rb4"])
    expect(isGuessable(id), id).toBe(false);
});
