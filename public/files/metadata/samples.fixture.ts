// Pictures of a few bytes, with and without what tells of their making.

import { concat } from "./exif";

export const ascii = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
export const bytes = (...parts: (string | number[] | Uint8Array)[]) =>
  concat(parts.map((part) => (typeof part === "string" ? ascii(part) : Uint8Array.from(part))));

/** A TIFF structure as a camera writes it: the orientation among other fields, and a place behind them. */
export function cameraTiff(orientation: number, little: boolean): Uint8Array {
  const tiff = new Uint8Array(38);
  const view = new DataView(tiff.buffer);
  tiff.set(ascii(little ? "II" : "MM"));
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  view.setUint16(8, 2, little);
  // The maker, and then the orientation.
  [0x010f, 2].forEach((value, at) => view.setUint16(10 + at * 2, value, little));
  view.setUint32(14, 4, little);
  tiff.set(ascii("CAM\0"), 18);
  [0x0112, 3].forEach((value, at) => view.setUint16(22 + at * 2, value, little));
  view.setUint32(26, 1, little);
  view.setUint16(30, orientation, little);
  return bytes(tiff, "GPS 48.8584 2.2945");
}

const word = (n: number) => [n >> 8, n & 0xff];
const long = (n: number) => [...word(n >>> 16), ...word(n & 0xffff)];
const littleLong = (n: number) => long(n).toReversed();

export const jpegSegment = (marker: number, data: Uint8Array) => bytes([0xff, marker], word(data.length + 2), data);
/** Two scans, with a restart, a zero that is no marker, and a table between them. */
export const JPEG_BODY = bytes(
  jpegSegment(0xdb, bytes("table")),
  jpegSegment(0xc2, bytes("frame")),
  jpegSegment(0xda, bytes("scan1")),
  [1, 2, 0xff, 0x00, 3, 0xff, 0xd0, 4],
  jpegSegment(0xc4, bytes("codes")),
  jpegSegment(0xda, bytes("scan2")),
  [5, 6, 0xff, 0x00],
);
export const jpeg = (...segments: Uint8Array[]) => bytes([0xff, 0xd8], ...segments, JPEG_BODY, [0xff, 0xd9]);

/** The check is not looked at. */
export const pngChunk = (type: string, data: Uint8Array = new Uint8Array()) =>
  bytes(long(data.length), type, data, "crc!");
export const png = (...chunks: Uint8Array[]) => bytes("\x89PNG\r\n\x1a\n", ...chunks);

export const riff = (type: string, data: Uint8Array) =>
  bytes(type, littleLong(data.length), data, new Uint8Array(data.length % 2));
export const webp = (...chunks: Uint8Array[]) => riff("RIFF", bytes("WEBP", ...chunks));

export const gifBlocks = (...blocks: Uint8Array[]) => bytes(...blocks.flatMap((block) => [[block.length], block]), [0]);
export const GIF_HEAD = bytes("GIF89a", [2, 0, 2, 0, 0x80, 0, 0], "tables");
