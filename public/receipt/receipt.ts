// What a server signs when a room ends: a JSON Web Signature in compact form, as docs/protocol.md describes it.

import { unbase64url } from "../e2ee/base64url";

export type Claims = {
  room: string;
  cause: "burned" | "left" | "expired";
  entries: number;
  bytes: number;
  members: number;
  files: number;
  video: "removed" | "absent" | "unreachable" | "off";
  /** Keys that the store still had after the deletion. */
  keysLeft: number;
  /** Milliseconds. */
  at: number;
};

export type Receipt = {
  claims: Claims;
  kid: string;
  /** The public key that it brings along, in base64url. */
  x: string;
  /** What is signed, and the signature. */
  signed: Uint8Array<ArrayBuffer>;
  signature: Uint8Array<ArrayBuffer>;
};

const CAUSES = ["burned", "left", "expired"] as const;
const VIDEO = ["removed", "absent", "unreachable", "off"] as const;
const TYPE = "parlor-receipt+jwt";
/** Any other field might change what the signature means. */
const FIELDS = ["alg", "jwk", "kid", "typ"];

/** Null for what is no receipt. */
export function readReceipt(jws: string): Receipt | null {
  const [head, body, sign, ...more] = jws.split(".");
  if (!head || !body || !sign || more.length > 0) return null;
  try {
    const header = json(head);
    const { kty, crv, x } = header["jwk"] as Record<string, unknown>;
    const claims = readClaims(json(body));
    const isReceipt =
      header["alg"] === "EdDSA" &&
      header["typ"] === TYPE &&
      Object.keys(header).sort().join() === FIELDS.join() &&
      kty === "OKP" &&
      crv === "Ed25519";
    if (!isReceipt || !claims || typeof x !== "string" || typeof header["kid"] !== "string") return null;
    const signed = new TextEncoder().encode(`${head}.${body}`);
    return { claims, kid: header["kid"], x, signed, signature: unbase64url(sign) };
  } catch {
    return null;
  }
}

function json(part: string): Record<string, unknown> {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(unbase64url(part))) as Record<string, unknown>;
}

function readClaims(c: Record<string, unknown>): Claims | null {
  const [entries, bytes, members, files, keysLeft, iat] = [
    "entries",
    "bytes",
    "members",
    "files",
    "keysLeft",
    "iat",
  ].map((name) => (Number.isSafeInteger(c[name]) && (c[name] as number) >= 0 ? (c[name] as number) : null));
  const cause = CAUSES.find((known) => known === c["cause"]);
  const video = VIDEO.find((known) => known === c["video"]);
  if (c["iss"] !== "parlor" || typeof c["room"] !== "string" || !cause || !video) return null;
  if (entries == null || bytes == null || members == null || files == null || keysLeft == null || iat == null)
    return null;
  return { room: c["room"], cause, entries, bytes, members, files, video, keysLeft, at: iat * 1000 };
}
