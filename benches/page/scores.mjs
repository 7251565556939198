// What Lighthouse thinks of the page, on the phone that it imagines: a slow
// one, on a slow line.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import lighthouse from "lighthouse";
import { chromium } from "@playwright/test";
import { CHROMIUM, FLAGS, remember } from "../../tests/browser/people.mjs";
import { freePort } from "../../tests/browser/server.mjs";
import { median, spokenIn } from "./room.mjs";

const RUNS = 3;
/** On a busy machine Lighthouse may miss a page load; it then says so, and asks to be run again. */
const TRIES = 3;
/** Out of a hundred. */
const LEAST = 95;
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];
/** Whether a search engine would find it: a room is told not to be found. */
const FOUND = "is-crawlable";

/** One load with an empty cache, with a name known to the browser or without. */
async function look(url, name, { skipAudits = null } = {}) {
  const profile = await mkdtemp(join(tmpdir(), "parlor-page-"));
  const port = await freePort();
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: [...FLAGS, `--remote-debugging-port=${port}`],
  });
  try {
    if (name !== null) {
      // Lighthouse opens a page of its own, in the same profile.
      const page = await browser.newPage();
      await remember(page, name);
      await page.goto(new URL("/healthz", url).href);
      await page.close();
    }
    for (let tries = 1; ; tries += 1) {
      const { lhr } = await lighthouse(url, {
        port,
        onlyCategories: CATEGORIES,
        disableStorageReset: true,
        skipAudits,
        logLevel: "error",
      });
      if (!lhr.runtimeError) return lhr;
      if (tries === TRIES) throw new Error(lhr.runtimeError.message);
    }
  } finally {
    await browser.close();
    await rm(profile, { recursive: true });
  }
}

const score = (lhr, category) => Math.round(lhr.categories[category].score * 100);

/** Everything that is not at its best, for mending it. */
function wanting(lhr) {
  const refs = Object.values(lhr.categories).flatMap((category) => category.auditRefs.filter((ref) => ref.weight > 0));
  return refs
    .map((ref) => lhr.audits[ref.id])
    .filter((audit) => audit.score !== null && audit.score < 0.9)
    .map((audit) => `${audit.id} (${audit.displayValue ?? audit.title})`);
}

/** Lighthouse on the landing page, the name prompt and the room; a table in Markdown. False if a score is too low. */
export async function scorePages(_, server) {
  const { link } = await spokenIn(server.url, ["Good evening.", "The kettle is on.", "https://example.org/tea"]);
  const pages = {
    landing: [`${server.url}/`, null],
    "a room’s link, no name known": [link, null],
    "a room’s link, a name known": [link, "Ann"],
  };
  const notes = [];
  let good = true;
  console.log(
    `| page | ${CATEGORIES.join(" | ")} | first paint | largest paint | blocked |\n|---|${"---|".repeat(CATEGORIES.length + 3)}`,
  );
  for (const [what, [url, name]] of Object.entries(pages)) {
    const isRoom = url === link;
    const looks = [];
    for (let run = 0; run < RUNS; run += 1) looks.push(await look(url, name, { skipAudits: isRoom ? [FOUND] : null }));
    const scores = CATEGORIES.map((category) => median(looks.map((lhr) => score(lhr, category))));
    const of = (audit) => `${Math.round(median(looks.map((lhr) => lhr.audits[audit].numericValue)))} ms`;
    console.log(
      `| ${what} | ${scores.join(" | ")} | ${of("first-contentful-paint")} | ${of("largest-contentful-paint")} | ${of("total-blocking-time")} |`,
    );
    good &&= scores.every((score) => score >= LEAST);
    notes.push([what, new Set(looks.flatMap(wanting))]);
    if (isRoom && name !== null) {
      const all = await look(url, name);
      console.log(
        `\nWith the audit that wants a room to be found by search engines (${FOUND}), which it must not be: seo ${score(all, "seo")}.`,
      );
    }
  }
  for (const [what, audits] of notes) if (audits.size > 0) console.log(`${what}: ${[...audits].join(", ")}`);
  if (!good) console.log(`A score is below ${LEAST}.`);
  return good;
}
