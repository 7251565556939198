// The page removes what a picture's file says of its making: place, time, camera, author.

import { startsWith } from "./metadata/exif";
import { cleanGif } from "./metadata/gif";
import { cleanJpeg } from "./metadata/jpeg";
import { cleanPng } from "./metadata/png";
import { cleanWebp } from "./metadata/webp";

type Format = {
  type: string;
  is: (bytes: Uint8Array) => boolean;
  clean: (bytes: Uint8Array) => Uint8Array<ArrayBuffer>;
};

/** By how they begin: a name or a type may be wrong. */
const FORMATS: readonly Format[] = [
  { type: "image/jpeg", is: (b) => startsWith(b, "\xff\xd8\xff"), clean: cleanJpeg },
  { type: "image/png", is: (b) => startsWith(b, "\x89PNG\r\n\x1a\n"), clean: cleanPng },
  { type: "image/webp", is: (b) => startsWith(b, "RIFF") && startsWith(b, "WEBP", 8), clean: cleanWebp },
  { type: "image/gif", is: (b) => startsWith(b, "GIF8"), clean: cleanGif },
];
/** Pictures whose metadata this page cannot remove, where the browser does not know the type. */
const PICTURE_NAME = /\.(avif|hei[cf]s?|tiff?|dng|jxl|svg)$/i;

/** Null for a picture that cannot be cleaned: the person has to decide. Other files are as they were. */
export async function clean(given: File): Promise<File | null> {
  const head = new Uint8Array(await given.slice(0, 16).arrayBuffer());
  const format = FORMATS.find(({ is }) => is(head));
  if (!format) return given.type.startsWith("image/") || PICTURE_NAME.test(given.name) ? null : given;
  const bytes = new Uint8Array(await given.arrayBuffer());
  try {
    return new File([format.clean(bytes)], given.name, { type: format.type });
  } catch {
    return null;
  }
}
