// WebP (RFC 9649) without what tells of its making.

import { BrokenPicture, concat, orientationOf, orientationOnly, startsWith } from "./exif";

const KEPT = new Set(["VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP"]);
/** Flags of VP8X. */
const [HAS_EXIF, HAS_XMP] = [0x08, 0x04];
const RIFF_HEAD = 12;
/** Place, size and time of a frame stand before its chunks. */
const FRAME_HEAD = 16;

export function cleanWebp(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const end = 8 + new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(4, true);
  if (end > bytes.length) throw new BrokenPicture();
  let orientation = 1;
  const kept = chunksOf(bytes.subarray(RIFF_HEAD, end)).flatMap(({ type, data }) => {
    // Some writers put what JPEG has before it.
    if (type === "EXIF") orientation = orientationOf(data.slice(startsWith(data, "Exif\0\0") ? 6 : 0));
    if (!KEPT.has(type)) return [];
    if (type !== "ANMF") return [{ type, data: data.slice() }];
    if (data.length < FRAME_HEAD) throw new BrokenPicture();
    const parts = chunksOf(data.subarray(FRAME_HEAD)).filter((part) => KEPT.has(part.type));
    return [{ type, data: concat([data.subarray(0, FRAME_HEAD), ...parts.map(toBytes)]) }];
  });
  const extended = kept.find(({ type }) => type === "VP8X");
  if (extended) {
    extended.data[0]! &= ~(HAS_EXIF | HAS_XMP);
    if (orientation !== 1) {
      extended.data[0]! |= HAS_EXIF;
      kept.push({ type: "EXIF", data: orientationOnly(orientation) });
    }
  }
  const body = concat([new TextEncoder().encode("WEBP"), ...kept.map(toBytes)]);
  return toBytes({ type: "RIFF", data: body });
}

type Chunk = { type: string; data: Uint8Array };

function chunksOf(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chunks: Chunk[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 8 > bytes.length) throw new BrokenPicture();
    const size = view.getUint32(at + 4, true);
    if (at + 8 + size > bytes.length) throw new BrokenPicture();
    const type = String.fromCharCode(...bytes.subarray(at, at + 4));
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + size) });
    at += 8 + size + (size % 2);
  }
  return chunks;
}

function toBytes({ type, data }: Chunk): Uint8Array<ArrayBuffer> {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, data.length, true);
  return concat([new TextEncoder().encode(type), size, data, new Uint8Array(data.length % 2)]);
}
