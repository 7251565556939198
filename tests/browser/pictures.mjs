// Makes the pictures of the README, the real page on the real server, those of the landing, and the icons for those that
// take no SVG. Reactions are drawn with Debian's fonts-noto-color-emoji.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { encode, squeezed } from "./apng.mjs";
import { PHONE } from "./axe.mjs";
import { joins, tile, until } from "./call.mjs";
import { film } from "./film.mjs";
import { startBoth } from "./livekit.mjs";
import {
  act,
  box,
  comesByLanding,
  Visitors,
  hears,
  inRoom,
  launch,
  log,
  message,
  react,
  remember,
  say,
} from "./people.mjs";

const ASSETS = resolve(import.meta.dirname, "../../assets");
const STATIC = resolve(import.meta.dirname, "../../public/static");
const LANDING = resolve(import.meta.dirname, "../../public/pictures");
const MOST_BYTES = 250_000;
const MOST_BYTES_MOVING = 1_000_000;
/** A visit to the landing loads one of them. */
const MOST_BYTES_LANDING = 30_000;
const KEY = `#${"lamp".repeat(10)}low`;
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

/** The room that the landing shows: the second answers the first, and has a reaction. */
const ARRANGING = {
  en: {
    people: ["Iris", "Tomas", "Wen"],
    talk: ["Reading group tonight?", "Yes! Seven, at the lamp.", "I’ll bring tea and chapter two."],
    reply: "Reply",
    locale: "en-US",
  },
  ru: {
    people: ["Ирина", "Тимур", "Вера"],
    talk: ["Читаем сегодня вечером?", "Да! В семь, у лампы.", "Принесу чай и вторую главу."],
    reply: "Ответить",
    locale: "ru-RU",
  },
};

/** What the cameras of the call see: wall, lamplight, clothes, skin, hair. */
const SIGHTS = {
  Iris: ["#5b4636", "#e9b872", "#7a2f2a", "#c98f6b", "#2c1c14"],
  Tomas: ["#3c4a52", "#f0c987", "#d8cdb8", "#8a5a3c", "#120d0a"],
  Wen: ["#6b5b3e", "#ffd98f", "#33524a", "#e3b48f", "#5a4632"],
};

await mkdir(ASSETS, { recursive: true });
await mkdir(LANDING, { recursive: true });
const browser = await launch();
const both = await startBoth();
const { server } = both;
const visitors = new Visitors(browser);

try {
  for (const [language, { people, talk, reply, locale }] of Object.entries(ARRANGING)) {
    for (const [colorScheme, id] of [
      ["light", "tugad"],
      ["dark", "tugid"],
    ]) {
      const room = `${server.url}/r/lusab-babad-${language === "en" ? "gutih" : "gotih"}-${id}${KEY}`;
      const shown = { ...PHONE, viewport: { width: 400, height: 540 }, deviceScaleFactor: 2, colorScheme, locale };
      const first = await visitors.guest(people[0], room, { locale });
      const second = await visitors.guest(people[1], room, { locale });
      const third = await comesByLanding(await visitors.page(shown), people[2], room);
      await say(first, talk[0]);
      await act(second, talk[0], reply);
      await say(second, talk[1]);
      for (const page of [first, third]) await hears(page, talk[1]);
      await react(first, talk[1], "👍");
      await message(third, talk[1]).getByRole("button", { name: "👍: 1" }).waitFor();
      await say(third, talk[2]);
      await message(third, talk[2]).locator("[data-state=sent]").waitFor({ state: "attached" });
      await keepWebp(third, `room-${language}-${colorScheme}`);
      await visitors.closeContexts();
    }
  }

  const landing = await visitors.page({ viewport: { width: 1120, height: 700 }, colorScheme: "light" });
  await landing.goto(server.url);
  await landing.getByRole("img", { name: "A room:" }).waitFor();
  await landing.waitForLoadState("networkidle");
  await shoot(landing, "landing");

  const room = `${server.url}/r/lusab-babad-gutih-tugad${KEY}`;
  const member = async (name, options) => comesByLanding(await visitors.page(options), name, room);
  const iris = await member("Iris", { viewport: DESKTOP, colorScheme: "light" });
  const tomas = await member("Tomas", { viewport: DESKTOP, colorScheme: "dark" });
  const wen = await member("Wen", { ...PHONE, deviceScaleFactor: 1.5, colorScheme: "light" });
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
  await visitors.closeContexts();

  const talking = encode(await film(visitors, `${server.url}/r/lusab-babad-gutih-tugud${KEY}`));
  await write(ASSETS, "talk.png", talking, MOST_BYTES_MOVING);

  try {
    const evening = `${server.url}/r/lusab-babad-gutih-tugod${KEY}`;
    const seen = {};
    for (const [name, sight] of Object.entries(SIGHTS)) {
      seen[name] = await visitors.page({ viewport: DESKTOP, colorScheme: "light" });
      await seen[name].addInitScript(paint, sight);
      await comesByLanding(seen[name], name, evening);
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
  await both.stop();
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
  await write(folder, `${name}.png`, picture, MOST_BYTES);
}

/** WebP as the browser makes it, as good as its size allows. The landing shows what was there when it was built. */
async function keepWebp(page, name) {
  const png = await page.screenshot({ animations: "disabled", caret: "hide" });
  const drawing = await page.context().newPage();
  const webp = await drawing.evaluate(
    async ([png, most]) => {
      const image = Object.assign(new Image(), { src: `data:image/png;base64,${png}` });
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height);
      canvas.getContext("2d").drawImage(image, 0, 0);
      for (let quality = 0.9; quality > 0.4; quality -= 0.02) {
        const blob = await canvas.convertToBlob({ type: "image/webp", quality });
        if (blob.size <= most) return (await blob.bytes()).toBase64();
      }
      throw new Error(`more than ${most} bytes`);
    },
    [png.toString("base64"), MOST_BYTES_LANDING],
  );
  await drawing.close();
  await write(LANDING, `${name}.webp`, Buffer.from(webp, "base64"), MOST_BYTES_LANDING);
}

async function write(folder, name, bytes, most) {
  console.log(`${name} ${bytes.length} bytes`);
  if (bytes.length > most) throw new Error(`${name} is larger than ${most} bytes`);
  await writeFile(resolve(folder, name), bytes);
}
