// @vitest-environment node

import { afterEach, expect, test, vi } from "vitest";
import { Invites, withInvite } from "./api";

const expiresAt = "2026-01-03T00:00:00.000Z";
let asked: { url: string; init: RequestInit }[] = [];

function answers(status: number, body: object | null) {
  asked = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    asked.push({ url, init });
    return new Response(body === null ? null : JSON.stringify(body), { status });
  });
}

let ticket = "t1";
const invites = new Invites("röm", () => ticket);
afterEach(() => vi.unstubAllGlobals());

test("an invite is made with the newest ticket, and named by what stands before its first dot", async () => {
  answers(201, { invite: "ab12.cd.ef", url: "https://x.example/r/r?invite=ab12.cd.ef", expiresAt, uses: 3 });
  ticket = "t2";
  const made = await invites.make({ minutes: 60, uses: 3, name: "Eve" });
  expect(made).toEqual({ invite: "ab12.cd.ef", id: "ab12", expiresAt: Date.parse(expiresAt), uses: 3 });
  const [{ url, init }] = asked as [{ url: string; init: RequestInit }];
  expect(url).toBe("/api/rooms/r%C3%B6m/invites");
  expect(init).toMatchObject({
    method: "POST",
    headers: { Authorization: "Bearer t2" },
    body: JSON.stringify({ minutes: 60, uses: 3, name: "Eve" }),
  });
});

test("those that still pass are listed, the newest first", async () => {
  answers(200, {
    invites: [
      { id: "a", expiresAt, left: 1, uses: 1 },
      { id: "b", expiresAt, left: 2, uses: 5, name: "Eve" },
    ],
  });
  const at = Date.parse(expiresAt);
  expect(await invites.list()).toEqual([
    { id: "b", expiresAt: at, left: 2, name: "Eve" },
    { id: "a", expiresAt: at, left: 1 },
  ]);
});

test("one is revoked by its id", async () => {
  answers(204, null);
  expect(await invites.revoke("ab12")).toBeNull();
  expect(asked[0]).toMatchObject({ url: "/api/rooms/r%C3%B6m/invites/ab12", init: { method: "DELETE" } });
});

test("a refusal is told by its code, and anything else as no answer", async () => {
  answers(403, { code: "not_host", message: "only the host" });
  expect(await invites.list()).toEqual({ code: "not_host", message: "only the host" });
  answers(200, { invites: "none" });
  expect(await invites.list()).toMatchObject({ code: "unconfirmed" });
  vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("no network")));
  expect(await invites.revoke("a")).toMatchObject({ code: "unconfirmed" });
});

test("the link of an invite has the room's key", () => {
  expect(withInvite("https://x.example/r/a#KEY", "a.b")).toBe("https://x.example/r/a?invite=a.b#KEY");
  expect(withInvite("https://x.example/r/a", "a.b")).toBe("https://x.example/r/a?invite=a.b");
});
