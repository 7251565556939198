// @vitest-environment node

import { afterEach, expect, test, vi } from "vitest";
import { askDoor, readDoor } from "./door";

const { signal } = new AbortController();
afterEach(() => vi.unstubAllGlobals());

test("a room says how many are inside and which rules it has", () => {
  const endsAt = "2026-01-03T00:00:00.000Z";
  expect(readDoor({ room: "r", members: 2, lock: "knock", history: "since_join", endsAt, inviteOnly: true })).toEqual({
    members: 2,
    lock: "knock",
    history: "since_join",
    endsAt: Date.parse(endsAt),
    inviteOnly: true,
  });
});

test("a server without hosts says how many, and a rule that is not known is left out", () => {
  expect(readDoor({ room: "r", members: 0 })).toEqual({ members: 0 });
  expect(readDoor({ room: "r", members: 0, lock: "sealed", history: "some" })).toEqual({ members: 0 });
});

test("a room that does not answer says nothing", async () => {
  vi.stubGlobal("fetch", async () => Response.json({ room: "r", members: 1 }));
  expect(await askDoor("r", signal)).toEqual({ members: 1 });
  vi.stubGlobal("fetch", async () => Response.json({ code: "rate_limited" }, { status: 429 }));
  expect(await askDoor("r", signal)).toBeNull();
  vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("no network")));
  expect(await askDoor("r", signal)).toBeNull();
});
