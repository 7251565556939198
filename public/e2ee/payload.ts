// What is sealed of a line: its text, and its claims about author and order, so that the server cannot rename, repeat
// or reorder it.

import { base64url, unbase64url, uuidBytes, uuidOf } from "./base64url";
import {
  type Bonds,
  FILE_BYTES,
  type FileBond,
  HEADER_BYTES,
  LINK_BYTES,
  payloadOverhead,
  SEQ_BYTES,
} from "./sealed-text";

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
const FILES = 8;

export function encodePayload(line: Line): Uint8Array<ArrayBuffer> {
  const { n, after, link, user, verified, replyTo, edits, files = [], text } = line;
  const [name, body] = [new TextEncoder().encode(user), new TextEncoder().encode(text)];
  const bonds = [replyTo, edits].filter((seq) => seq !== undefined);
  const start = payloadOverhead(user, line);
  const bytes = new Uint8Array(start + body.length);
  const view = new DataView(bytes.buffer);
  const flag = (has: boolean, bit: number) => (has ? bit : 0);
  const bound = flag(replyTo !== undefined, REPLY) | flag(edits !== undefined, EDIT) | flag(files.length > 0, FILES);
  view.setUint8(0, flag(verified, VERIFIED) | bound);
  view.setBigUint64(1, BigInt(n));
  view.setBigUint64(9, BigInt(after));
  bytes.set(unbase64url(link), 17);
  view.setUint8(HEADER_BYTES - 1, name.length);
  bytes.set(name, HEADER_BYTES);
  bonds.forEach((seq, at) => view.setBigUint64(HEADER_BYTES + name.length + at * SEQ_BYTES, BigInt(seq)));
  let at = start - files.length * FILE_BYTES;
  if (files.length > 0) view.setUint8(at - 1, files.length);
  for (const { file, key, size } of files) {
    bytes.set(uuidBytes(file), at);
    bytes.set(unbase64url(key), at + 16);
    view.setBigUint64(at + 48, BigInt(size));
    at += FILE_BYTES;
  }
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
  // In this order, and before the text: each moves the text's beginning.
  const bond = (flag: number) => {
    if ((flags & flag) === 0) return undefined;
    body += SEQ_BYTES;
    return Number(view.getBigUint64(body - SEQ_BYTES));
  };
  const [replyTo, edits] = [bond(REPLY), bond(EDIT)];
  const files: FileBond[] = [];
  if ((flags & FILES) !== 0) {
    body += 1;
    for (let left = view.getUint8(body - 1); left > 0; left -= 1, body += FILE_BYTES) {
      const [id, key] = [bytes.subarray(body, body + 16), bytes.subarray(body + 16, body + 48)];
      files.push({ file: uuidOf(id), key: base64url(key), size: Number(view.getBigUint64(body + 48)) });
    }
  }
  return {
    n,
    after,
    link: after === 0 ? "" : base64url(bytes.subarray(17, 17 + LINK_BYTES)),
    user: decode(HEADER_BYTES, name),
    verified: (flags & VERIFIED) !== 0,
    replyTo,
    edits,
    ...(files.length > 0 ? { files } : {}),
    text: decode(body),
  };
}
