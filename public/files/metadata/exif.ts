// EXIF, of which only the orientation is kept: without it a picture would stand on its side.

/** Where the first directory of a TIFF structure says how the picture is turned: 1 to 8, and 1 where it does not. */
export function orientationOf(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  try {
    const little = view.getUint16(0) === 0x4949;
    const at = view.getUint32(4, little);
    const count = view.getUint16(at, little);
    for (let entry = 0; entry < count; entry += 1) {
      const field = at + 2 + entry * 12;
      if (view.getUint16(field, little) !== ORIENTATION) continue;
      const value = view.getUint16(field + 8, little);
      return value >= 1 && value <= 8 ? value : 1;
    }
  } catch {
    // A directory that leads nowhere turns nothing.
  }
  return 1;
}

const ORIENTATION = 0x0112;

/** A TIFF structure that says this and nothing else. */
export function orientationOnly(orientation: number): Uint8Array<ArrayBuffer> {
  const tiff = new Uint8Array(26);
  const view = new DataView(tiff.buffer);
  view.setUint32(0, 0x4d4d002a);
  view.setUint32(4, 8);
  view.setUint16(8, 1);
  view.setUint16(10, ORIENTATION);
  // A short, one of them.
  view.setUint16(12, 3);
  view.setUint32(14, 1);
  view.setUint16(18, orientation);
  return tiff;
}

/** The structure is not that of its format: what it holds is not known. */
export class BrokenPicture extends Error {
  override name = "BrokenPicture";
}

export function startsWith(bytes: Uint8Array, text: string, at = 0): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
