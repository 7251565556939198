// What is sealed of a line: its text, and its claims about author and order, so that the server cannot rename, repeat
// or reorder it.

import { base64url, unbase64url } from "./base64url";
import { type Bonds, HEADER_BYTES, LINK_BYTES, SEQ_BYTES } from "./sealed-text";

/** The position of a line among its author's lines. */
export type ChainPosition = {
  /** The author's own count of lines, as the `n` of the frame. */
  n: number;
  /** The `n` of the author's line before it, the last one known to have arrived; 0 for none. */
  after: number;
  /** The id of that line: 16 bytes in base64url; empty for none. */
  link: string;
};

/** What is sealed of a reaction has no place among its author's lines: 0 in all three. */
export const NO_POSITION: ChainPosition = { n: 0, after: 0, link: "" };

export type Line = ChainPosition & Bonds & { text: string; user: string; verified: boolean };

/** An opened line's claims; `id` is what the author's next line names it by. */
export type LineClaims = Omit<Line, "text"> & { id: string };

const VERIFIED = 1;
const REPLY = 2;
const EDIT = 4;

export function encodePayload({ n, after, link, user, verified, replyTo, edits, text }: Line): Uint8Array<ArrayBuffer> {
  const [name, body] = [new TextEncoder().encode(user), new TextEncoder().encode(text)];
  const bonds = [replyTo, edits].filter((seq) => seq !== undefined);
  const start = HEADER_BYTES + name.length + bonds.length * SEQ_BYTES;
  const bytes = new Uint8Array(start + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, (verified ? VERIFIED : 0) | (replyTo === undefined ? 0 : REPLY) | (edits === undefined ? 0 : EDIT));
  view.setBigUint64(1, BigInt(n));
  view.setBigUint64(9, BigInt(after));
  bytes.set(unbase64url(link), 17);
  view.setUint8(HEADER_BYTES - 1, name.length);
  bytes.set(name, HEADER_BYTES);
  bonds.forEach((seq, at) => view.setBigUint64(HEADER_BYTES + name.length + at * SEQ_BYTES, BigInt(seq)));
  bytes.set(body, start);
  return bytes;
}

/** Throws when it cannot be read: then the author had the key and wrote it wrong. */
export function decodePayload(bytes: Uint8Array): Line {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const decode = (from: number, to?: number) =>
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(from, to));
  const [n, after] = [Number(view.getBigUint64(1)), Number(view.getBigUint64(9))];
  const flags = view.getUint8(0);
  const name = HEADER_BYTES + view.getUint8(HEADER_BYTES - 1);
  if (name > bytes.length) throw new RangeError("a name longer than its line");
  let body = name;
  const bond = (flag: number) => {
    if ((flags & flag) === 0) return undefined;
    body += SEQ_BYTES;
    return Number(view.getBigUint64(body - SEQ_BYTES));
  };
  return {
    n,
    after,
    link: after === 0 ? "" : base64url(bytes.subarray(17, 17 + LINK_BYTES)),
    user: decode(HEADER_BYTES, name),
    verified: (flags & VERIFIED) !== 0,
    // In this order, and before the text: each moves the text's beginning.
    replyTo: bond(REPLY),
    edits: bond(EDIT),
    text: decode(body),
  };
}
