// @vitest-environment node

import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { readReceipt } from "./receipt";
import { CLAIMS, Signer } from "./receipt.fixture";
import { verify } from "./verify";

let server: Signer;
let other: Signer;
beforeAll(async () => {
  [server, other] = [await Signer.make(), await Signer.make()];
});
afterEach(() => vi.unstubAllGlobals());

function publishes(...signers: Signer[]) {
  vi.stubGlobal("fetch", async (path: string) => {
    expect(path).toBe("/.well-known/parlor-receipt-key");
    return Response.json({ keys: signers.map(({ jwk, kid }) => ({ ...jwk, kid })) });
  });
}

const verdictOf = async (jws: string, room = "r") => verify(readReceipt(jws), room);

test("a receipt says what was deleted, when, and with which key it is signed", async () => {
  const { claims, kid } = readReceipt(await server.sign())!;
  expect(kid).toBe(server.kid);
  expect(claims).toEqual({
    room: "r",
    cause: "burned",
    entries: 12,
    bytes: 3450,
    members: 2,
    files: 1,
    video: "removed",
    keysLeft: 0,
    at: 1_790_000_000_000,
  });
});

test("a room's name in other letters is read as it was signed", async () => {
  expect(readReceipt(await server.sign({ ...CLAIMS, room: "комната" }))?.claims.room).toBe("комната");
});

test("what is no receipt is not taken for one", async () => {
  for (const jws of ["", "a.b.c", "a.b", `${await server.sign()}.x`]) expect(readReceipt(jws), jws).toBeNull();
  for (const header of [{ alg: "none" }, { typ: "JWT" }, { crit: ["b64"], b64: false }, { jwk: { kty: "RSA" } }])
    expect(readReceipt(await server.sign(CLAIMS, header)), JSON.stringify(header)).toBeNull();
  for (const claim of [
    { iss: "other" },
    { cause: "bored" },
    { video: "on" },
    { entries: -1 },
    { bytes: "3" },
    { iat: null },
    { room: 7 },
  ])
    expect(readReceipt(await server.sign({ ...CLAIMS, ...claim })), JSON.stringify(claim)).toBeNull();
});

test("a receipt is good that the server's own key has signed", async () => {
  publishes(other, server);
  expect(await verdictOf(await server.sign())).toBe("good");
});

test("one of a key that the server does not publish is only whole", async () => {
  publishes(other);
  expect(await verdictOf(await server.sign())).toBe("unknown");
});

test("without the server's key a receipt is not called good", async () => {
  vi.stubGlobal("fetch", async () => new Response("", { status: 503 }));
  expect(await verdictOf(await server.sign())).toBe("unreachable");
  vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("no network")));
  expect(await verdictOf(await server.sign())).toBe("unreachable");
});

test("a receipt that was changed, is of another room or names another key is wrong", async () => {
  publishes(server, other);
  const [head, , signature] = (await server.sign()).split(".");
  const changed = (await server.sign({ ...CLAIMS, entries: 0 })).split(".")[1];
  expect(await verdictOf(`${head}.${changed}.${signature}`)).toBe("wrong");
  expect(await verdictOf(await server.sign(), "another")).toBe("wrong");
  expect(await verdictOf(await server.sign(CLAIMS, { kid: other.kid }))).toBe("wrong");
  expect(await verdictOf(await server.sign(CLAIMS, { kid: other.kid, jwk: other.jwk }))).toBe("wrong");
  expect(await verify(null, "r")).toBe("wrong");
});

test("a browser without Ed25519, and a page without HTTPS, say that they cannot check", async () => {
  publishes(server);
  const jws = await server.sign();
  const { subtle } = crypto;
  vi.stubGlobal("crypto", {
    subtle: {
      digest: (...args: Parameters<SubtleCrypto["digest"]>) => subtle.digest(...args),
      importKey: async () => Promise.reject(new DOMException("unknown", "NotSupportedError")),
    },
  });
  expect(await verdictOf(jws)).toBe("unsupported");
  vi.stubGlobal("crypto", {});
  expect(await verdictOf(jws)).toBe("unsupported");
});
