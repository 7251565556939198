// Pixels out of the PNGs of screenshots, and a moving PNG out of pixels. Of each frame only the part is kept that
// differs from the one before.

import { crc32, deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
/** Red, green and blue: the pictures have no holes. */
const DEPTH = 3;

/** An 8-bit PNG without interlacing, as browsers write them. */
export function decode(png) {
  const parts = chunks(png);
  const header = parts.find(({ type }) => type === "IHDR").data;
  const [width, height, given] = [header.readUInt32BE(0), header.readUInt32BE(4), { 2: 3, 6: 4 }[header[9]]];
  if (header[8] !== 8 || !given || header[12] !== 0) throw new Error("not a PNG as browsers write them");
  const raw = inflateSync(Buffer.concat(parts.filter(({ type }) => type === "IDAT").map(({ data }) => data)));
  const line = width * given;
  let above = Buffer.alloc(line);
  const pixels = Buffer.alloc(width * height * DEPTH);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (line + 1)];
    const row = raw.subarray(y * (line + 1) + 1, (y + 1) * (line + 1));
    for (let x = 0; x < line; x += 1) {
      const left = x < given ? 0 : row[x - given];
      const corner = x < given ? 0 : above[x - given];
      row[x] += [0, left, above[x], (left + above[x]) >> 1, paeth(left, above[x], corner)][filter];
    }
    for (let x = 0; x < width; x += 1) row.copy(pixels, (y * width + x) * DEPTH, x * given, x * given + DEPTH);
    above = row;
  }
  return { width, height, pixels };
}

function paeth(left, above, corner) {
  const guess = left + above - corner;
  const [toLeft, toAbove, toCorner] = [left, above, corner].map((value) => Math.abs(guess - value));
  return toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner;
}

/** One beside the other, on a ground of this colour and with so many pixels of it around each. */
export function beside(pictures, ground, gap) {
  const width = pictures.reduce((sum, picture) => sum + picture.width + gap, gap);
  const height = Math.max(...pictures.map((picture) => picture.height)) + 2 * gap;
  const pixels = Buffer.alloc(width * height * DEPTH, Buffer.from(ground));
  let at = gap;
  for (const picture of pictures) {
    for (let y = 0; y < picture.height; y += 1)
      picture.pixels.copy(
        pixels,
        ((y + gap) * width + at) * DEPTH,
        y * picture.width * DEPTH,
        (y + 1) * picture.width * DEPTH,
      );
    at += picture.width + gap;
  }
  return { width, height, pixels };
}

/** What differs, as the smallest rectangle around it; null where nothing does. */
function difference(before, now) {
  const { width, height } = now;
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y += 1) {
    const [from, to] = [y * width * DEPTH, (y + 1) * width * DEPTH];
    const [was, is] = [before.pixels.subarray(from, to), now.pixels.subarray(from, to)];
    if (was.equals(is)) continue;
    top = Math.min(top, y);
    bottom = y;
    const differs = (x) => was.compare(is, x * DEPTH, (x + 1) * DEPTH, x * DEPTH, (x + 1) * DEPTH) !== 0;
    let x = 0;
    while (x < left && !differs(x)) x += 1;
    left = Math.min(left, x);
    x = width - 1;
    while (x > right && !differs(x)) x -= 1;
    right = Math.max(right, x);
  }
  return right < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** Two ways to write rows down; of a page, now one is shorter and now the other. */
function squeeze({ width: whole, pixels }, { x, y, width, height }) {
  const ways = [0, 2].map((filter) => {
    const rows = Buffer.alloc(height * (width * DEPTH + 1));
    for (let row = 0; row < height; row += 1) {
      const at = row * (width * DEPTH + 1);
      const from = ((y + row) * whole + x) * DEPTH;
      rows[at] = filter;
      for (let i = 0; i < width * DEPTH; i += 1)
        rows[at + 1 + i] = pixels[from + i] - (filter === 2 && row > 0 ? pixels[from + i - whole * DEPTH] : 0);
    }
    return deflateSync(rows, { level: 9, memLevel: 9 });
  });
  return ways.sort((a, b) => a.length - b.length)[0];
}

/** Frames are pictures of one size, each with how long it stands, in milliseconds. It is shown again and again. */
export function encode(frames) {
  const { width, height } = frames[0].picture;
  const shown = [];
  for (const { picture, stands } of frames) {
    const last = shown.at(-1);
    const part = last ? difference(last.picture, picture) : { x: 0, y: 0, width, height };
    if (part) shown.push({ picture, stands, part });
    else last.stands += stands;
  }
  let sequence = 0;
  const body = shown.flatMap(({ picture, stands, part }, at) => {
    const data = squeeze(picture, part);
    const control = Buffer.alloc(26);
    for (const [i, value] of [sequence++, part.width, part.height, part.x, part.y].entries())
      control.writeUInt32BE(value, i * 4);
    control.writeUInt16BE(stands, 20);
    control.writeUInt16BE(1_000, 22);
    if (at === 0) return [chunk("fcTL", control), chunk("IDAT", data)];
    const number = Buffer.alloc(4);
    number.writeUInt32BE(sequence++);
    return [chunk("fcTL", control), chunk("fdAT", Buffer.concat([number, data]))];
  });
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const animation = Buffer.alloc(8);
  animation.writeUInt32BE(shown.length, 0);
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("acTL", animation),
    ...body,
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** The browser compresses a PNG in a hurry: the same pixels take less. */
export function squeezed(png) {
  const parts = chunks(png);
  const pixels = inflateSync(Buffer.concat(parts.filter(({ type }) => type === "IDAT").map(({ data }) => data)));
  const header = parts.find(({ type }) => type === "IHDR");
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header.data),
    chunk("IDAT", deflateSync(pixels, { level: 9, memLevel: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunks(png) {
  const found = [];
  for (let at = SIGNATURE.length; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const length = png.readUInt32BE(at);
    found.push({ type: png.toString("latin1", at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) });
  }
  return found;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
