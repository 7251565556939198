// PNG and APNG (W3C, third edition) without what tells of their making.

import { BrokenPicture, concat, orientationOf, orientationOnly } from "./exif";

/** What says how the picture looks. All else, known or not, may say who made it, where and when. */
const KEPT = new Set(
  "IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV mDCv cLLI cLLi sBIT bKGD hIST pHYs sPLT acTL fcTL fdAT".split(
    " ",
  ),
);
const HEAD = 8;

export function cleanPng(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const kept: Uint8Array[] = [bytes.subarray(0, HEAD)];
  for (let at = HEAD; ;) {
    if (at + 12 > bytes.length) throw new BrokenPicture();
    const end = at + 12 + view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (end > bytes.length || (at === HEAD) !== (type === "IHDR")) throw new BrokenPicture();
    if (KEPT.has(type)) kept.push(bytes.subarray(at, end));
    else if (type === "eXIf") {
      const orientation = orientationOf(bytes.slice(at + 8, end - 4));
      if (orientation !== 1) kept.push(chunk("eXIf", orientationOnly(orientation)));
    }
    // A viewer must know every chunk whose name begins with a capital, or refuse the picture.
    else if (/^[A-Z]/.test(type)) throw new BrokenPicture();
    if (type === "IEND") return concat(kept);
    at = end;
  }
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const named = concat([new TextEncoder().encode(type), data]);
  const [length, check] = [new Uint8Array(4), new Uint8Array(4)];
  new DataView(length.buffer).setUint32(0, data.length);
  new DataView(check.buffer).setUint32(0, crc32(named));
  return concat([length, named, check]);
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
