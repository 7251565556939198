// What is sealed of a line: its text, and its claims about author and order, so that the server cannot rename, repeat
// or reorder it.

import { utf8Length } from "../protocol/text";
import { base64url, unbase64url } from "./base64url";

/** The position of a line among its author's lines. */
export type ChainPosition = {
  /** The author's own count of lines, as the `n` of the frame. */
  n: number;
  /** The `n` of the author's line before it, the last one known to have arrived; 0 for none. */
  after: number;
  /** The id of that line: 16 bytes in base64url; empty for none. */
  link: string;
};

export type Line = ChainPosition & { text: string; user: string; verified: boolean };

/** An opened line's claims; `id` is what the author's next line names it by. */
export type LineClaims = ChainPosition & { user: string; verified: boolean; id: string };

const VERIFIED = 1;
const LINK = 16;
/** Flags, n, after, link, the length of the name. */
export const HEADER_BYTES = 1 + 8 + 8 + LINK + 1;

/** How many bytes of a payload are not text. */
export function payloadOverhead(user: string): number {
  return HEADER_BYTES + utf8Length(user);
}

export function encodePayload({ n, after, link, user, verified, text }: Line): Uint8Array<ArrayBuffer> {
  const [name, body] = [new TextEncoder().encode(user), new TextEncoder().encode(text)];
  const bytes = new Uint8Array(HEADER_BYTES + name.length + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, verified ? VERIFIED : 0);
  view.setBigUint64(1, BigInt(n));
  view.setBigUint64(9, BigInt(after));
  bytes.set(unbase64url(link), 17);
  view.setUint8(HEADER_BYTES - 1, name.length);
  bytes.set(name, HEADER_BYTES);
  bytes.set(body, HEADER_BYTES + name.length);
  return bytes;
}

/** Throws when it cannot be read: then the author had the key and wrote it wrong. */
export function decodePayload(bytes: Uint8Array): Line {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const decode = (from: number, to?: number) =>
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(from, to));
  const [n, after] = [Number(view.getBigUint64(1)), Number(view.getBigUint64(9))];
  const body = HEADER_BYTES + view.getUint8(HEADER_BYTES - 1);
  if (body > bytes.length) throw new RangeError("a name longer than its line");
  return {
    n,
    after,
    link: after === 0 ? "" : base64url(bytes.subarray(17, 17 + LINK)),
    user: decode(HEADER_BYTES, body),
    verified: (view.getUint8(0) & VERIFIED) !== 0,
    text: decode(body),
  };
}
