import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { control, guest, joins, MEDIA, stage, until } from "./call.mjs";
import { callTest as test, expect } from "./fixtures.mjs";
import { newRoom } from "./people.mjs";
import { publish, publishersPage, share } from "./publishers.mjs";

const NAMES = ["Ben", "Cy", "Dan", "Eve", "Flo", "Gus", "Hal", "Ivy", "Jan", "Kim", "Lou with a rather long name"];
const COUNTS = [1, 2, 3, 5, 12];
const SIZES = [
  [1280, 800],
  [1024, 768],
  [768, 1024],
  [360, 740],
  [740, 360],
  [360, 400],
];
/** The part of a 16:9 picture that has to be seen. */
const LEAST_SHARE = 0.95;
/** Below this many pixels a face says nothing. */
const LEAST_WIDTH = 119;

test.describe("the stage", () => {
  test("shows faces whole, legible and apart in any window, and gets no video of other pages", async ({
    visitors,
    base,
  }) => {
    const room = newRoom(base);
    const others = await publishersPage(visitors, base);
    const page = await guest(visitors, "Ann", room);
    await joins(page);
    let joined = 0;
    const [table, problems] = [[], []];
    const pictures = process.env.STAGE_PICTURES ? await mkdtemp(join(tmpdir(), "stage-")) : null;

    for (const count of COUNTS) {
      const joining = NAMES.slice(joined, count - 1);
      await Promise.all(joining.map((name) => publish(others, room, name)));
      joined += joining.length;
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        const seen = await settled(page, count);
        const where = `${count} at ${width}x${height}`;
        problems.push(...problemsOf(seen).map((problem) => `${where}: ${problem}`));
        table.push({ where, ...summary(seen) });
        if (pictures) await photograph(page, pictures, `${count}-${width}x${height}`);
      }
      if (count === 2) await movesAndPins(page);
      if (count === 5) await showsScreenLarge(page, others);
    }
    console.log(asTable(table));
    if (pictures) console.log(`     pictures in ${pictures}`);
    assert.deepEqual(problems, []);

    await getsOnlyWhatIsShown(page);
    await turnsPages(page);
    await showsSpeakerLarge(page);
  });
});

/** Two people: the small tile goes to each corner by keys, button and pointer, and each can be pinned. */
async function movesAndPins(page) {
  await page.setViewportSize({ width: 1280, height: 800 });
  const floating = stage(page).locator(".tile.floating");
  const large = stage(page).locator(".tile.large");
  await expect(floating, "oneself is small").toContainText("Ann");
  await expect(large, "the other is large").toContainText("Ben");
  const mover = floating.getByRole("button", { name: /^Move to another corner/ });
  const corner = async () => {
    await settled(page, 2);
    const [area, box] = [await stage(page).locator(".area").boundingBox(), await floating.boundingBox()];
    const y = box.y + box.height / 2 < area.y + area.height / 2 ? "top" : "bottom";
    return `${y} ${box.x + box.width / 2 < area.x + area.width / 2 ? "left" : "right"}`;
  };
  assert.equal(await corner(), "bottom right");
  await mover.press("ArrowUp");
  assert.equal(await corner(), "top right");
  await page.getByText("Moved to the top right").waitFor({ state: "attached" });
  await mover.press("ArrowLeft");
  assert.equal(await corner(), "top left");
  await mover.press("Enter");
  assert.equal(await corner(), "top right", "the button goes round");

  const [area, from] = [await stage(page).locator(".area").boundingBox(), await floating.boundingBox()];
  await page.mouse.move(from.x + 10, from.y + from.height - 10);
  await page.mouse.down();
  await page.mouse.move(area.x - 300, area.y + area.height + 300, { steps: 4 });
  const held = await floating.boundingBox();
  assert.ok(held.x >= area.x && held.y + held.height <= area.y + area.height + 1, "it stays within the stage");
  await page.mouse.up();
  assert.equal(await corner(), "bottom left", "where it is let go");
  assert.equal(await page.evaluate(() => localStorage.getItem("parlor.corner")), "bottom-left", "it is remembered");

  await floating.getByRole("button", { name: "Pin: Ann (you)" }).click();
  await expect(large).toContainText("Ann");
  await page.getByText("Pinned: Ann (you)", { exact: true }).waitFor({ state: "attached" });
  await settled(page, 2);
  await large.dblclick({ position: { x: 200, y: 200 } });
  await page.getByText("No longer pinned: Ann (you)", { exact: true }).waitFor({ state: "attached" });
  await expect(large).toContainText("Ben");
}

async function showsScreenLarge(page, others) {
  await page.setViewportSize({ width: 1280, height: 800 });
  await share(others, "Cy", true);
  const screen = stage(page).locator(".tile.large[data-screen=true]");
  await screen.locator("video").waitFor({ timeout: MEDIA });
  const seen = await settled(page, 6);
  assert.deepEqual(seen.problems, []);
  const [first, ...small] = seen.tiles.map(({ width }) => width).sort((a, b) => b - a);
  assert.ok(first > 2 * Math.max(...small), "the screen is large");
  await share(others, "Cy", false);
  await expect(stage(page).locator(".tile.large"), "without it there is a grid again").toHaveCount(0, {
    timeout: MEDIA,
  });
}

async function showsSpeakerLarge(page) {
  await page.setViewportSize({ width: 1280, height: 800 });
  await control(page, "Speaker view").click();
  await expect(stage(page).locator(".tile.large")).toHaveCount(1);
  assert.deepEqual(problemsOf(await settled(page, NAMES.length + 1)), []);
  await control(page, "Grid view").click();
  await expect(stage(page).locator(".tile.large"), "all are of one size").toHaveCount(0);
}

/** A window in which twelve people need several pages of several tiles. */
async function withPages(page) {
  for (const [width, height] of SIZES.toReversed()) {
    await page.setViewportSize({ width, height });
    const seen = await settled(page, NAMES.length + 1);
    if (seen.pages > 1 && seen.tiles.length > 2) return seen;
  }
  throw new Error("no window has several pages");
}

/** LiveKit sends the pictures of this page of tiles, and of no other. */
async function getsOnlyWhatIsShown(page) {
  await withPages(page);
  const here = await page.evaluate(() =>
    [...document.querySelectorAll(".tile video:not(.mirrored)")].map((video) => video.srcObject.getVideoTracks()[0].id),
  );
  let before = await videoPackets(page);
  await until("pictures here move while nothing comes of the others", async () => {
    const now = await videoPackets(page);
    const more = (id) => now.get(id) - (before.get(id) ?? 0);
    const elsewhere = [...now.keys()].filter((id) => !here.includes(id));
    if (elsewhere.some((id) => more(id) > 0)) before = now;
    return elsewhere.length >= 2 && here.every((id) => more(id) >= 10);
  });
}

/** Packets of each received picture so far, by the id of its track. */
async function videoPackets(page) {
  const all = await page.evaluate(async () => {
    const found = [];
    for (const connection of globalThis.connections)
      if (connection.connectionState !== "closed")
        for (const stat of (await connection.getStats()).values())
          if (stat.type === "inbound-rtp" && stat.kind === "video")
            found.push([stat.trackIdentifier, stat.packetsReceived]);
    return found;
  });
  return new Map(all);
}

async function turnsPages(page) {
  const shown = async () => (await settled(page, NAMES.length + 1)).tiles.map(({ identity }) => identity);
  const first = await shown();
  const next = stage(page).getByRole("button", { name: "Next page" });
  const { width, height } = await next.boundingBox();
  assert.ok(width >= 44 && height >= 44, "a finger hits it");
  await next.click();
  await stage(page)
    .getByText(/^Page 2 of \d$/)
    .waitFor({ state: "attached" });
  const second = await shown();
  assert.ok(second.length > 1 && second.every((identity) => !first.includes(identity)), "others are shown");
  await stage(page).getByRole("button", { name: "Previous page" }).click();
  assert.deepEqual(await shown(), first);
}

/** What the stage shows once nothing moves any more and each picture has arrived. */
async function settled(page, count) {
  const handle = await page.waitForFunction(look, count, { polling: "raf", timeout: MEDIA });
  return handle.jsonValue();
}

/** In the page, each frame: what is seen, once it has been the same for three frames; until then null. */
function look(count) {
  const area = document.querySelector(".stage .area");
  const all = [...area.querySelectorAll(".tile")];
  const [, pages = 1] = (area.querySelector(".pages span")?.textContent ?? "").split("/").map(Number);
  const complete = pages > 1 ? all.length > 0 : all.length === count;
  const videos = all.flatMap((tile) => tile.querySelector("video") ?? []);
  const still = document.getAnimations().every((one) => one.playState !== "running");
  if (!complete || !still || videos.length < all.length || videos.some((video) => video.videoWidth === 0)) return null;

  const rect = (element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return { x, y, width, height };
  };
  const extent = ({ width, height }) => width * height;
  const common = (a, b) => {
    const [x, y] = [Math.max(a.x, b.x), Math.max(a.y, b.y)];
    const width = Math.max(0, Math.min(a.x + a.width, b.x + b.width) - x);
    const height = Math.max(0, Math.min(a.y + a.height, b.y + b.height) - y);
    return { x, y, width, height };
  };
  const inside = (a, b) => extent(common(a, b)) > extent(a) - 1;
  const apart = (a, b) => extent(common(a, b)) < 1;
  const window = { x: 0, y: 0, width: innerWidth, height: innerHeight };
  const stage = rect(area);
  const floating = all.filter((tile) => tile.matches(".floating"));

  const tiles = all.map((tile) => {
    const video = tile.querySelector("video");
    const [box, frame] = [rect(tile), rect(video)];
    const fit = getComputedStyle(video).objectFit === "cover" ? Math.max : Math.min;
    const scale = fit(frame.width / video.videoWidth, frame.height / video.videoHeight);
    const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
    const picture = { x: frame.x + (frame.width - width) / 2, y: frame.y + (frame.height - height) / 2, width, height };
    const seen = [frame, box, stage, window].reduce(common, picture);
    const covered = floating.filter((other) => other !== tile).map((other) => extent(common(rect(other), seen)));
    return {
      name: tile.querySelector("bdi").textContent,
      identity: tile.dataset.identity,
      width: box.width,
      box,
      uncut: extent(seen) / extent(picture),
      share: (extent(seen) - covered.reduce((sum, one) => sum + one, 0)) / extent(picture),
    };
  });

  const problems = [];
  const lying = all.filter((tile) => !floating.includes(tile));
  const pager = area.querySelector(".pager");
  const solid = [...lying, ...(pager ? [pager] : [])];
  solid.forEach((one, index) => {
    for (const other of solid.slice(index + 1))
      if (!apart(rect(one), rect(other))) problems.push(`${one.textContent} lies over ${other.textContent}`);
  });
  for (const one of [...all, ...(pager ? [pager] : [])]) {
    const box = rect(one);
    if (!inside(box, stage) || !inside(box, window)) problems.push(`${one.textContent} leaves the stage`);
    const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    if (!one.contains(at)) problems.push(`${one.textContent} is covered`);
  }
  for (const tile of all) {
    const name = tile.querySelector("bdi");
    const cut = name.scrollWidth > name.clientWidth && name.clientWidth < 40;
    if (cut || parseFloat(getComputedStyle(name).fontSize) < 12)
      problems.push(`the name ${name.textContent} is not readable`);
  }

  const result = { tiles, problems, pages, stage };
  const text = JSON.stringify(result);
  const [before, frames] = globalThis.lastLook ?? ["", 0];
  globalThis.lastLook = [text, before === text ? frames + 1 : 0];
  return globalThis.lastLook[1] >= 2 ? result : null;
}

function problemsOf({ tiles, problems }) {
  const narrow = tiles.filter(({ width }) => width < LEAST_WIDTH);
  return [
    ...problems,
    ...tiles.filter(({ share }) => share < LEAST_SHARE).map(({ name, share }) => `${share} of ${name} is seen`),
    ...narrow.map(({ name, width }) => `${name} is ${width} wide`),
  ];
}

function summary({ tiles, pages, stage }) {
  const widths = tiles.map(({ width }) => Math.round(width));
  const percent = (share) => `${(Math.min(...tiles.map(share)) * 100).toFixed(1)} %`;
  return {
    stage: `${Math.round(stage.width)}x${Math.round(stage.height)}`,
    tiles: tiles.length,
    pages,
    widths: [...new Set(widths)].sort((a, b) => b - a).join(", "),
    uncut: percent(({ uncut }) => uncut),
    share: percent(({ share }) => share),
  };
}

function asTable(rows) {
  const head =
    "| people at window | stage | tiles | pages | widths | not cut off | seen |\n|---|---|---|---|---|---|---|";
  return [head, ...rows.map((row) => `| ${Object.values(row).join(" | ")} |`)].join("\n");
}

async function photograph(page, folder, name) {
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.screenshot({ path: join(folder, `${name}-dark.png`) });
  await page.emulateMedia({ colorScheme: "light" });
}
