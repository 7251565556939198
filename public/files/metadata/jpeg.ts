// JPEG (ITU-T T.81) without what tells of its making. The picture's own bytes stay as they are.

import { BrokenPicture, concat, orientationOf, orientationOnly, startsWith } from "./exif";

const [TEM, RST0, SOI, EOI, SOS] = [0x01, 0xd0, 0xd8, 0xd9, 0xda];
const [APP0, APP1, APP2, APP14] = [0xe0, 0xe1, 0xe2, 0xee];

/**
 * Kept: the tables and scans, JFIF without its thumbnail, the colour profile, Adobe's colour transform, and the
 * orientation. What follows the picture is cut off: phones put videos and further pictures there.
 */
export function cleanJpeg(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const kept: Uint8Array[] = [];
  let orientation = 1;
  let at = 2;
  for (;;) {
    if (bytes[at] !== 0xff) throw new BrokenPicture();
    // Any number of these may stand before a marker.
    while (bytes[at + 1] === 0xff) at += 1;
    const marker = bytes[at + 1];
    if (marker === undefined || marker === 0 || marker === SOI) throw new BrokenPicture();
    if (marker === EOI) break;
    if (marker === TEM || (marker >= RST0 && marker < SOI)) {
      at += 2;
      continue;
    }
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const end = at + 2 + length;
    if (!(length >= 2) || end > bytes.length) throw new BrokenPicture();
    const data = bytes.subarray(at + 4, end);
    if (marker === APP1 && startsWith(data, "Exif\0\0") && orientation === 1)
      orientation = orientationOf(data.slice(6));
    if (marker === APP0 && startsWith(data, "JFIF\0")) kept.push(jfif(data));
    else if (isNeeded(marker, data)) kept.push(bytes.subarray(at, end));
    at = end;
    if (marker === SOS) {
      const scan = endOfScan(bytes, at);
      kept.push(bytes.subarray(at, scan));
      at = scan;
    }
  }
  const exif = orientation === 1 ? [] : [segment(APP1, [ascii("Exif\0\0"), orientationOnly(orientation)])];
  return concat([bytes.subarray(0, 2), ...exif, ...kept, new Uint8Array([0xff, EOI])]);
}

function isNeeded(marker: number, data: Uint8Array): boolean {
  if (marker === APP2) return startsWith(data, "ICC_PROFILE\0");
  if (marker === APP14) return startsWith(data, "Adobe");
  return marker < APP0;
}

/** The compressed bytes of a scan end at the first marker that is no restart. */
function endOfScan(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== undefined && next !== 0 && next !== 0xff && !(next >= RST0 && next < SOI)) return at;
  }
  throw new BrokenPicture();
}

/** Version, unit and density; no thumbnail. */
function jfif(data: Uint8Array): Uint8Array {
  if (data.length < 14) throw new BrokenPicture();
  return segment(APP0, [data.subarray(0, 12), new Uint8Array(2)]);
}

function segment(marker: number, parts: readonly Uint8Array[]): Uint8Array {
  const data = concat(parts);
  const length = data.length + 2;
  return concat([new Uint8Array([0xff, marker, length >> 8, length & 0xff]), data]);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
