import { describe, expect, test } from "vitest";
import { BrokenPicture, orientationOf, orientationOnly } from "./exif";
import { cleanGif } from "./gif";
import { cleanJpeg } from "./jpeg";
import { cleanPng } from "./png";
import {
  ascii,
  bytes,
  cameraTiff,
  GIF_HEAD,
  gifBlocks,
  jpeg,
  jpegSegment,
  png,
  pngChunk,
  riff,
  webp,
} from "./samples.fixture";
import { cleanWebp } from "./webp";

const text = (of: Uint8Array) => String.fromCharCode(...of);
const CRC_OF_EIGHT = 0x86583034;
const SECRETS = /48\.8584|CAM|Ann|Photoshop|trailer/;

describe("the orientation", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("%i is read, in both orders of bytes, and written alone", (orientation) => {
    expect(orientationOf(cameraTiff(orientation, true))).toBe(orientation);
    expect(orientationOf(cameraTiff(orientation, false))).toBe(orientation);
    expect(orientationOf(orientationOnly(orientation))).toBe(orientation);
  });

  test("that is none, or leads nowhere, is upright", () => {
    for (const wrong of [
      cameraTiff(0, true),
      cameraTiff(9, false),
      new Uint8Array(3),
      bytes("II*\0", [255, 255, 255, 255]),
    ])
      expect(orientationOf(wrong)).toBe(1);
  });
});

describe("JPEG", () => {
  const jfif = (thumbnail: number[]) =>
    jpegSegment(0xe0, bytes("JFIF\0", [1, 2, 0, 0, 1, 0, 1], thumbnail.length > 0 ? [1, 1] : [0, 0], thumbnail));
  const profile = jpegSegment(0xe2, bytes("ICC_PROFILE\0", [1, 1], "colours"));
  const adobe = jpegSegment(0xee, bytes("Adobe", [0, 100, 0, 0, 0, 0, 1]));
  const secrets = [
    jpegSegment(0xe1, bytes("Exif\0\0", cameraTiff(1, true))),
    jpegSegment(0xe1, bytes("http://ns.adobe.com/xap/1.0/\0<x>Ann</x>")),
    jpegSegment(0xe2, bytes("MPF\0 Ann")),
    jpegSegment(0xed, bytes("Photoshop 3.0\0 by Ann")),
    jpegSegment(0xfe, bytes("Ann was here")),
    jpegSegment(0xeb, bytes("JP Ann")),
  ];

  test("keeps its bytes but for what tells of its making", () => {
    const plain = jpeg(jfif([]), profile, adobe);
    expect(cleanJpeg(plain)).toEqual(plain);
    expect(cleanJpeg(jpeg(jfif([1, 2, 3]), ...secrets, profile, adobe))).toEqual(plain);
  });

  test("loses what follows it: further pictures and videos have metadata of their own", () => {
    const plain = jpeg(jfif([]));
    const trailer = bytes(jpeg(secrets[0]!), "trailer");
    expect(cleanJpeg(bytes(plain, trailer))).toEqual(plain);
  });

  test.each([true, false])("keeps how it is turned, and nothing else of its camera (little-endian: %s)", (little) => {
    const cleaned = cleanJpeg(jpeg(jpegSegment(0xe1, bytes("Exif\0\0", cameraTiff(6, little))), profile));
    expect(cleaned).toEqual(jpeg(jpegSegment(0xe1, bytes("Exif\0\0", orientationOnly(6))), profile));
    expect(text(cleaned)).not.toMatch(SECRETS);
  });

  test("may have any number of fill bytes before a marker", () => {
    const filled = bytes([0xff, 0xd8, 0xff, 0xff], secrets[4]!, jpeg().subarray(2));
    expect(cleanJpeg(filled)).toEqual(jpeg());
  });

  test.each([
    ["cut in a segment", jpeg(...secrets).subarray(0, 40)],
    ["cut in a scan", jpeg().subarray(0, -6)],
    ["without an end", jpeg().subarray(0, -2)],
    ["with bytes between its segments", bytes([0xff, 0xd8], "Ann", jpeg().subarray(2))],
    ["with a segment shorter than its length", bytes([0xff, 0xd8, 0xff, 0xe1, 0, 1], jpeg().subarray(2))],
    ["with a picture within it", bytes([0xff, 0xd8], jpeg())],
  ])("that is broken is not taken for clean: %s", (_, broken) => {
    expect(() => cleanJpeg(broken)).toThrow(BrokenPicture);
  });
});

describe("PNG", () => {
  const picture = [pngChunk("IHDR", bytes("head")), pngChunk("iCCP", bytes("colours")), pngChunk("acTL")];
  const data = [pngChunk("IDAT", bytes("pixels")), pngChunk("IEND")];
  const secrets = ["tEXt", "zTXt", "iTXt", "tIME", "caBX", "prVt"].map((type) => pngChunk(type, bytes("Ann")));

  test("keeps its bytes but for what tells of its making", () => {
    const plain = png(...picture, ...data);
    expect(cleanPng(plain)).toEqual(plain);
    const full = png(...picture, ...secrets, pngChunk("eXIf", cameraTiff(1, false)), ...data);
    expect(cleanPng(bytes(full, "trailer"))).toEqual(plain);
  });

  test("keeps how it is turned, under a check that is right", () => {
    const cleaned = cleanPng(png(...picture, pngChunk("eXIf", cameraTiff(8, true)), ...data));
    expect(text(cleaned)).not.toMatch(SECRETS);
    const at = text(cleaned).indexOf("eXIf") + 4;
    expect(orientationOf(cleaned.slice(at, at + 26))).toBe(8);
    // Of "eXIf" and these 26 bytes, as zlib counts it.
    expect(new DataView(cleaned.buffer).getUint32(at + 26)).toBe(CRC_OF_EIGHT);
  });

  test.each([
    ["cut", png(...picture, ...data).subarray(0, -5)],
    ["with a length beyond its end", bytes(png(...picture), [255, 255, 255, 255], "tEXt")],
    ["without a head", png(...data)],
    ["with a needed chunk of an unknown kind", png(...picture, pngChunk("ANNx"), ...data)],
  ])("that is broken is not taken for clean: %s", (_, broken) => {
    expect(() => cleanPng(broken)).toThrow(BrokenPicture);
  });
});

describe("WebP", () => {
  const head = (flags: number) => riff("VP8X", bytes([flags, 0, 0, 0, 1, 0, 0, 1, 0, 0]));
  const picture = riff("VP8 ", bytes("pixels!"));
  const secrets = [riff("EXIF", cameraTiff(1, true)), riff("XMP ", bytes("<x>Ann</x>")), riff("ann ", bytes("Ann"))];
  const frame = (...parts: Uint8Array[]) => riff("ANMF", bytes(new Uint8Array(16), ...parts));

  test("keeps its bytes but for what tells of its making", () => {
    const plain = webp(head(0x20), riff("ICCP", bytes("colours")), frame(picture));
    expect(cleanWebp(plain)).toEqual(plain);
    const full = webp(head(0x2c), riff("ICCP", bytes("colours")), frame(picture, secrets[2]!), ...secrets);
    expect(cleanWebp(bytes(full, "trailer"))).toEqual(plain);
    expect(cleanWebp(webp(picture))).toEqual(webp(picture));
  });

  test.each([
    ["as it is", cameraTiff(3, false)],
    ["after what JPEG has before it", bytes("Exif\0\0", cameraTiff(3, true))],
  ])("keeps how it is turned, which stands there %s", (_, exif) => {
    const cleaned = cleanWebp(webp(head(0x0c), picture, riff("EXIF", exif), secrets[1]!));
    expect(cleaned).toEqual(webp(head(0x08), picture, riff("EXIF", orientationOnly(3))));
  });

  test.each([
    ["cut", webp(head(0), picture).subarray(0, -3)],
    ["with a chunk beyond its end", webp(head(0), bytes("VP8 ", [99, 0, 0, 0], "short"))],
    ["with a frame that has no place", webp(head(2), riff("ANMF", bytes("short")))],
  ])("that is broken is not taken for clean: %s", (_, broken) => {
    expect(() => cleanWebp(broken)).toThrow(BrokenPicture);
  });
});

describe("GIF", () => {
  const extension = (label: number, ...blocks: Uint8Array[]) => bytes([0x21, label], gifBlocks(...blocks));
  const control = extension(0xf9, bytes([4, 0, 0, 0]));
  const loop = extension(0xff, ascii("NETSCAPE2.0"), bytes([1, 0, 0]));
  const image = bytes([0x2c, 0, 0, 0, 0, 2, 0, 2, 0, 0x80], "colour", [2], gifBlocks(bytes("pixels"), bytes("more")));
  const secrets = [
    extension(0xfe, ascii("Ann")),
    extension(0xff, ascii("XMP DataXMP"), ascii("<x>Ann</x>")),
    extension(0x01, new Uint8Array(12), ascii("Ann")),
  ];

  test("keeps its bytes but for what tells of its making", () => {
    const plain = bytes(GIF_HEAD, loop, control, image, control, image, [0x3b]);
    expect(cleanGif(plain)).toEqual(plain);
    const full = bytes(GIF_HEAD, ...secrets, loop, control, image, ...secrets, control, image, [0x3b], "trailer");
    expect(cleanGif(full)).toEqual(plain);
  });

  test.each([
    ["cut", bytes(GIF_HEAD, control, image)],
    ["cut in a block", bytes(GIF_HEAD, control, image).subarray(0, -6)],
    ["with bytes between its blocks", bytes(GIF_HEAD, "Ann", [0x3b])],
    ["without a head", bytes("GIF89a")],
  ])("that is broken is not taken for clean: %s", (_, broken) => {
    expect(() => cleanGif(broken)).toThrow(BrokenPicture);
  });
});
