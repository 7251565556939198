// GIF89a without comments and what programs have added.

import { BrokenPicture, concat, startsWith } from "./exif";

const [EXTENSION, IMAGE, TRAILER] = [0x21, 0x2c, 0x3b];
const [CONTROL, APPLICATION] = [0xf9, 0xff];
/** How often it repeats, and its colour profile. */
const APPLICATIONS = ["NETSCAPE2.0", "ANIMEXTS1.0", "ICCRGBG1012"];

export function cleanGif(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let at = 13 + tableSize(bytes[10]);
  const kept: Uint8Array[] = [bytes.subarray(0, at)];
  for (;;) {
    const from = at;
    switch (bytes[at]) {
      case TRAILER:
        return concat([...kept, new Uint8Array([TRAILER])]);
      case IMAGE:
        at = blocksEnd(bytes, at + 10 + tableSize(bytes[at + 9]) + 1);
        kept.push(bytes.subarray(from, at));
        break;
      case EXTENSION: {
        const label = bytes[at + 1];
        at = blocksEnd(bytes, at + 2);
        const needed = label === APPLICATION && APPLICATIONS.some((name) => startsWith(bytes, name, from + 3));
        if (label === CONTROL || needed) kept.push(bytes.subarray(from, at));
        break;
      }
      default:
        throw new BrokenPicture();
    }
  }
}

/** Bytes of the colour table that these flags announce. */
function tableSize(flags: number | undefined): number {
  if (flags === undefined) throw new BrokenPicture();
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

/** After a row of blocks, each with its length before it, and the empty one at its end. */
function blocksEnd(bytes: Uint8Array, from: number): number {
  for (let at = from; ;) {
    const size = bytes[at];
    if (size === undefined) throw new BrokenPicture();
    at += size + 1;
    if (size === 0) return at;
  }
}
