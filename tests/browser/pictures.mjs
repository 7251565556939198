// Makes the pictures of the README, the real page on the real server, and the
// icons for those that take no SVG.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { crc32, deflateSync, inflateSync } from "node:zlib";
import { joins, tile, until } from "./call.mjs";
import { startBoth } from "./livekit.mjs";
import { box, Visitors, hears, inRoom, launch, log, remember, say } from "./people.mjs";
import { startServer } from "./server.mjs";

const ASSETS = resolve(import.meta.dirname, "../../assets");
const STATIC = resolve(import.meta.dirname, "../../public/static");
const MOST_BYTES = 150_000;
const DESKTOP = { width: 960, height: 650 };

const TALK = [
  ["Iris", "Evening! Is this where the reading group meets?"],
  ["Tomas", "It is. Take the armchair, it is the good one."],
  ["Wen", "I only got to chapter two, but the part with the lighthouse keeper is lovely."],
  ["Iris", "Same here, I read that page twice."],
  ["Iris", "Here it is again: https://example.org/keeper#page-31"],
  ["Tomas", "“He counted the ships as other people count their blessings.”"],
  ["Wen", "That line!\nLet us start there."],
];

/** What the cameras of the call see: wall, lamplight, clothes, skin, hair. */
const SIGHTS = {
  Iris: ["#5b4636", "#e9b872", "#7a2f2a", "#c98f6b", "#2c1c14"],
  Tomas: ["#3c4a52", "#f0c987", "#d8cdb8", "#8a5a3c", "#120d0a"],
  Wen: ["#6b5b3e", "#ffd98f", "#33524a", "#e3b48f", "#5a4632"],
};

await mkdir(ASSETS, { recursive: true });
const browser = await launch();
const server = await startServer();
const visitors = new Visitors(browser);

try {
  const landing = await visitors.page({ viewport: DESKTOP, colorScheme: "light" });
  await landing.goto(server.url);
  await landing.getByRole("button", { name: "Create a room" }).waitFor();
  await shoot(landing, "landing");

  const room = `${server.url}/r/lusab-babad-gutih-tugad`;
  const iris = await visitors.guest("Iris", room, { viewport: DESKTOP, colorScheme: "light" });
  const tomas = await visitors.guest("Tomas", room, { viewport: DESKTOP, colorScheme: "dark" });
  const phone = {
    viewport: { width: 360, height: 740 },
    deviceScaleFactor: 1.5,
    hasTouch: true,
    isMobile: true,
    colorScheme: "light",
  };
  const wen = await visitors.guest("Wen", room, phone);
  const olga = await visitors.guest("Olga", room);
  const people = { Iris: iris, Tomas: tomas, Wen: wen };
  const pages = Object.values(people);

  for (const [name, text] of TALK) {
    await say(people[name], text);
    await Promise.all(pages.map((page) => hears(page, text.split("\n")[0])));
  }
  await box(olga).pressSequentially("I have it here");
  await Promise.all(pages.map((page) => page.getByText("Olga is typing").waitFor()));
  await shoot(iris, "room");
  await shoot(tomas, "dark");
  await shoot(wen, "phone");

  const both = await startBoth();
  try {
    const evening = `${both.server.url}/r/lusab-babad-gutih-tugod#${"lamp".repeat(10)}low`;
    const seen = {};
    for (const [name, sight] of Object.entries(SIGHTS)) {
      seen[name] = await visitors.page({ viewport: DESKTOP, colorScheme: "light" });
      await seen[name].addInitScript(paint, sight);
      await enter(seen[name], name, evening);
    }
    for (const [name, text] of TALK.slice(0, 4)) {
      await say(seen[name], text);
      await Promise.all(Object.values(seen).map((page) => hears(page, text)));
    }
    for (const page of Object.values(seen)) await joins(page);
    await seen.Wen.getByRole("button", { name: "Raise hand" }).click();
    await tile(seen.Iris, "Wen").getByText("hand raised").waitFor({ state: "attached" });
    for (const name of ["Tomas", "Wen"]) {
      const video = tile(seen.Iris, name).locator("video");
      await until(`${name} is seen`, () =>
        video.evaluate(({ videoWidth, currentTime }) => videoWidth >= 640 && currentTime > 8),
      );
    }
    await shoot(seen.Iris, "call");
  } finally {
    await visitors.closeContexts();
    await both.stop();
  }

  const four = await visitors.page({ viewport: { width: 1240, height: 1000 }, colorScheme: "light" });
  await four.goto(`${server.url}/transports?room=lusab-babad-gutih-tugid`);
  const panes = four.locator("[data-transport]");
  for (const pane of await panes.all()) await pane.getByRole("heading", { name: "4 people here" }).waitFor();
  await four.getByRole("button", { name: "Send a line from all four" }).click();
  for (const pane of await panes.all()) await pane.locator(".text").nth(3).waitFor();
  await four
    .locator("[data-transport=short-poll] [data-count=delay]")
    .getByText(/\sms\s/)
    .waitFor();
  await keep(four.locator(".panes"), ASSETS, "transports");

  const drawing = await readFile(resolve(STATIC, "favicon.svg"), "utf8");
  // A system that takes a maskable PNG cuts the corners itself.
  for (const [name, size, drawn] of [
    ["icon", 512, drawing.replace(' rx="8"', "")],
    ["icon-512", 512, drawing],
    ["icon-192", 192, drawing],
  ]) {
    const icon = await visitors.page({ viewport: { width: size, height: size } });
    await icon.setContent(`<style>body { margin: 0; background: none } svg { display: block }</style>${drawn}`);
    await keep(icon, STATIC, name, { omitBackground: true });
  }
  await visitors.close();
} finally {
  await browser.close();
  await server.stop();
}

async function enter(page, name, room) {
  await remember(page, name);
  await page.goto(room);
  await inRoom(page);
}

/** In the page: a camera with a person before it. */
function paint([wall, light, clothes, skin, hair]) {
  const sight = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
  const pen = sight.getContext("2d");
  const oval = (colour, x, y, wide, high) => {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.ellipse(x, y, wide, high, 0, 0, 2 * Math.PI);
    pen.fill();
  };
  const draw = () => {
    pen.fillStyle = wall;
    pen.fillRect(0, 0, 640, 480);
    oval(light, 560, 90, 70, 70);
    oval(hair, 320, 205, 104, 124);
    oval(clothes, 320, 500, 215, 165);
    oval(skin, 320, 335, 46, 60);
    oval(skin, 320, 225, 88, 104);
    oval(hair, 320, 140, 88, 44);
    for (const x of [290, 350]) oval("#1c120a", x, 222, 7, 8);
    oval("#7a3b2e", 320, 282, 19, 4);
  };
  draw();
  setInterval(draw, 66);
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    if (!wish.video) return real(wish);
    const stream = sight.captureStream(15);
    if (wish.audio) for (const track of (await real({ audio: wish.audio })).getAudioTracks()) stream.addTrack(track);
    return stream;
  };
}

async function shoot(page, name) {
  await page.bringToFront();
  const end = log(page);
  if (await end.count()) await end.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await keep(page, ASSETS, name);
}

/** Of a page, or of a part of one. */
async function keep(what, folder, name, options = {}) {
  const picture = squeezed(await what.screenshot({ animations: "disabled", caret: "hide", ...options }));
  console.log(`${name}.png ${picture.length} bytes`);
  if (picture.length > MOST_BYTES) throw new Error(`${name}.png is larger than ${MOST_BYTES} bytes`);
  await writeFile(resolve(folder, `${name}.png`), picture);
}

/** The browser compresses a PNG in a hurry: the same pixels take less. */
function squeezed(png) {
  const chunks = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const length = png.readUInt32BE(at);
    chunks.push({ type: png.toString("latin1", at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) });
  }
  const pixels = inflateSync(Buffer.concat(chunks.filter((c) => c.type === "IDAT").map((c) => c.data)));
  const idat = { type: "IDAT", data: deflateSync(pixels, { level: 9, memLevel: 9 }) };
  const kept = chunks.filter((c) => c.type === "IHDR" || c.type === "IEND");
  return Buffer.concat([png.subarray(0, 8), ...[kept[0], idat, kept[1]].flatMap(chunk)]);
}

function chunk({ type, data }) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return [length, body, sum];
}
