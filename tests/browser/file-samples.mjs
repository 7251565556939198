// Files that tests send, and the ways that a person gives them to a page.

import { deflateSync } from "node:zlib";

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function chunk(type, data) {
  const named = Buffer.concat([Buffer.from(type), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}

/** A picture of one colour, with a text that tells of its making; `noise` keeps it from being small. */
export function png(width, height, [red, green, blue], { noise = false, note = "Made by Ann at home" } = {}) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(height * (1 + width * 3));
  let seed = 1;
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      const at = y * (1 + width * 3) + 1 + x * 3;
      rows.set(noise ? [seed >> 16, seed >> 8, seed >> 4] : [red, green, blue], at);
    }
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("tEXt", Buffer.from(`Comment\0${note}`)),
    chunk("IDAT", deflateSync(rows, { level: noise ? 0 : 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** What a camera writes: how the picture is turned, and where it was taken. */
function exif(orientation, place) {
  const tiff = Buffer.alloc(26);
  tiff.write("II*\0", "latin1");
  tiff.writeUInt32LE(8, 4);
  tiff.writeUInt16LE(1, 8);
  tiff.writeUInt16LE(0x112, 10);
  tiff.writeUInt16LE(3, 12);
  tiff.writeUInt32LE(1, 14);
  tiff.writeUInt16LE(orientation, 18);
  const data = Buffer.concat([Buffer.from("Exif\0\0"), tiff, Buffer.from(place)]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([head, data]);
}

/** A photo as the browser of this page encodes it, turned and with a place. */
export async function jpeg(page, width, height, orientation, place) {
  const plain = await page.evaluate(
    async ([width, height]) => {
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const pen = canvas.getContext("2d");
      pen.fillStyle = "rgb(200, 90, 40)";
      pen.fillRect(0, 0, width, height);
      const blob = await new Promise((then) => canvas.toBlob(then, "image/jpeg"));
      return [...new Uint8Array(await blob.arrayBuffer())];
    },
    [width, height],
  );
  const bytes = Buffer.from(plain);
  return Buffer.concat([bytes.subarray(0, 2), exif(orientation, place), bytes.subarray(2)]);
}

export const file = (name, mimeType, buffer) => ({ name, mimeType, buffer });

/** The files of a pick, as the composer's button gives them. */
export const pick = (page, ...files) => page.locator("input[type=file]").setInputFiles(files);

/** Pasted into the composer, or dropped on the page. */
export async function give(page, how, ...files) {
  const plain = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, base64: buffer.toString("base64") }));
  await page.evaluate(
    ([how, files]) => {
      const transfer = new DataTransfer();
      for (const { name, mimeType, base64 } of files) {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type: mimeType }));
      }
      const options = { bubbles: true, cancelable: true };
      const at = document.querySelector("textarea") ?? document.body;
      at.dispatchEvent(
        how === "paste"
          ? new ClipboardEvent("paste", { ...options, clipboardData: transfer })
          : new DragEvent("drop", { ...options, dataTransfer: transfer }),
      );
    },
    [how, plain],
  );
}
