// Checks a receipt in the browser, against the key that the server publishes.

import { base64url, unbase64url } from "../e2ee/base64url";
import type { Receipt } from "./receipt";

/**
 * - `good`: signed with a key that the server publishes
 * - `unknown`: whole, but signed with a key that the server does not publish
 * - `wrong`: not signed with the key that it names, or of another room
 * - `unsupported`: this browser has no Ed25519, or the page came without HTTPS
 * - `unreachable`: the server's key could not be fetched
 */
export type Verdict = "good" | "unknown" | "wrong" | "unsupported" | "unreachable";

const KEYS = "/.well-known/parlor-receipt-key";

export async function verify(receipt: Receipt | null, room: string): Promise<Verdict> {
  if (!receipt || receipt.claims.room !== room) return "wrong";
  // Without HTTPS there is none.
  const subtle = crypto.subtle as SubtleCrypto | undefined;
  if (!subtle) return "unsupported";
  const jwk = { kty: "OKP", crv: "Ed25519", x: receipt.x };
  if ((await thumbprint(subtle, receipt.x)) !== receipt.kid) return "wrong";
  let key: CryptoKey;
  try {
    key = await subtle.importKey("jwk", jwk, "Ed25519", false, ["verify"]);
  } catch {
    // A browser without Ed25519 and a key that is none fail alike.
    return unbase64url(receipt.x).length === 32 ? "unsupported" : "wrong";
  }
  if (!(await subtle.verify("Ed25519", key, receipt.signature, receipt.signed))) return "wrong";
  const published = await publishedKeys();
  if (!published) return "unreachable";
  return published.includes(receipt.x) ? "good" : "unknown";
}

/** RFC 7638. */
async function thumbprint(subtle: SubtleCrypto, x: string): Promise<string> {
  const text = JSON.stringify({ crv: "Ed25519", kty: "OKP", x });
  return base64url(new Uint8Array(await subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

async function publishedKeys(): Promise<unknown[] | null> {
  try {
    const answer = await fetch(KEYS, { cache: "no-store" });
    if (!answer.ok) return null;
    const { keys } = (await answer.json()) as { keys: { x?: unknown }[] };
    return keys.map(({ x }) => x);
  } catch {
    return null;
  }
}
