// What a long log costs: to open it, to scroll it, and for each line that comes to it.

import { inRoom, log, remember } from "../../tests/browser/people.mjs";
import { median, spokenIn } from "./room.mjs";

const LINES = 5_000;
const NEWS = 50;
/** Milliseconds between two of them: each is drawn by itself. */
const APART = 60;
/** Pixels a frame, as a hard flick does. */
const FLICK = 120;
const FRAMES = 400;
/** A task longer than this is felt. */
const FELT = 50;

const WORDS = "the kettle is on and whoever comes in late can read along until the last of us has gone home ".split(
  " ",
);
const sentence = (n) =>
  `${n}: ${Array.from({ length: 3 + ((n * 7) % 23) }, (_, i) => WORDS[(n + i) % WORDS.length]).join(" ")}`;

/** Milliseconds that the page's thread has worked, and what for. */
async function work(wire) {
  const { metrics } = await wire.send("Performance.getMetrics");
  const of = (name) => metrics.find((metric) => metric.name === name).value * 1000;
  return {
    all: of("TaskDuration"),
    script: of("ScriptDuration"),
    style: of("RecalcStyleDuration"),
    layout: of("LayoutDuration"),
  };
}

/** From where the log stands upwards, a step a frame; the milliseconds between frames, and every task that was felt. */
function flick(box, [step, frames]) {
  return new Promise((tell) => {
    const gaps = [];
    const felt = [];
    const watch = new PerformanceObserver((list) => felt.push(...list.getEntries().map((task) => task.duration)));
    watch.observe({ type: "longtask" });
    let last = performance.now();
    const next = () => {
      const now = performance.now();
      gaps.push(now - last);
      last = now;
      box.scrollTop -= step;
      if (gaps.length < frames) requestAnimationFrame(next);
      else setTimeout(() => tell({ gaps: gaps.slice(1), felt }), 100);
    };
    requestAnimationFrame(next);
  });
}

/** Measures logs of several lengths in a window of a phone's size; a table in Markdown. */
export async function fillLog(browser, server) {
  console.log(
    "| messages sent | messages in the log | elements in it | opening | a new message | of it script, style, layout | frames while scrolling: median, 99th, longest | tasks over 50 ms |\n|---|---|---|---|---|---|---|---|",
  );
  for (const lines of [100, 1_000, LINES]) {
    const { link, say } = await spokenIn(
      server.url,
      Array.from({ length: lines }, (_, n) => sentence(n)),
    );
    const context = await browser.newContext({ viewport: { width: 412, height: 823 } });
    await remember(context, "Ann");
    const page = await context.newPage();
    const wire = await context.newCDPSession(page);
    await wire.send("Performance.enable");
    await page.goto(link);
    await inRoom(page);
    await page
      .getByText(`${lines - 1}: `)
      .first()
      .waitFor();
    await page.waitForTimeout(1_000);
    const opened = await work(wire);
    const size = await log(page).evaluate((box) => [
      box.querySelectorAll(".message").length,
      box.querySelectorAll("*").length,
    ]);

    const runs = [];
    for (let run = 0; run < 3; run += 1) {
      const before = await work(wire);
      for (let n = 0; n < NEWS; n += 1) {
        await say(sentence(lines + run * NEWS + n));
        await new Promise((then) => setTimeout(then, APART));
      }
      await page
        .getByText(`${lines + run * NEWS + NEWS - 1}: `)
        .first()
        .waitFor();
      const after = await work(wire);
      runs.push(Object.fromEntries(Object.entries(after).map(([name, ms]) => [name, (ms - before[name]) / NEWS])));
    }
    const news = (what) => median(runs.map((run) => run[what])).toFixed(1);
    const { gaps, felt } = await log(page).evaluate(flick, [FLICK, FRAMES]);
    gaps.sort((a, b) => a - b);
    const at = (part) => gaps[Math.floor((gaps.length - 1) * part)].toFixed(0);
    console.log(
      `| ${lines} | ${size[0]} | ${size[1]} | ${opened.all.toFixed(0)} ms | ${news("all")} ms | ${news("script")}, ${news("style")}, ${news("layout")} ms | ${at(0.5)}, ${at(0.99)}, ${at(1)} ms | ${felt.filter((ms) => ms > FELT).length} |`,
    );
    await context.close();
  }
}
