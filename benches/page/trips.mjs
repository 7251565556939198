// Counts the round trips from opening a link to reading the first message. A shorter and a longer line tell trips from
// work.

import { remember } from "../../tests/browser/people.mjs";
import { startLine } from "./line.mjs";
import { median, spokenIn } from "./room.mjs";

/** Milliseconds in one direction. */
const [SHORT, LONG] = [100, 500];
const RUNS = 3;
const MESSAGE = "The kettle is on.";

/** When each request began and ended, in milliseconds since the load began. */
async function watched(page) {
  const wire = await page.context().newCDPSession(page);
  await wire.send("Network.enable");
  const requests = new Map();
  let zero = null;
  const begun = (id, url, at) => {
    zero ??= at;
    requests.set(id, { url, from: (at - zero) * 1000, to: null, bytes: 0 });
  };
  const ended = (id, at, bytes = 0) => {
    const request = requests.get(id);
    if (request && request.to === null) Object.assign(request, { to: (at - zero) * 1000, bytes });
  };
  wire.on("Network.requestWillBeSent", (e) => begun(e.requestId, e.request.url, e.timestamp));
  wire.on("Network.loadingFinished", (e) => ended(e.requestId, e.timestamp, e.encodedDataLength));
  wire.on(
    "Network.webSocketWillSendHandshakeRequest",
    (e) => requests.has(e.requestId) || begun(e.requestId, "/ws", e.timestamp),
  );
  wire.on("Network.webSocketFrameReceived", (e) => ended(e.requestId, e.timestamp));
  return requests;
}

/** Milliseconds from the start of the load until this is drawn. */
async function drawn(page, selector, text) {
  const found = page.waitForFunction(
    ([selector, text]) => {
      const there = [...document.querySelectorAll(selector)].some((e) => e.textContent.includes(text));
      return there && new Promise((tell) => requestAnimationFrame(() => tell(performance.now())));
    },
    [selector, text],
    { timeout: 60_000 },
  );
  return (await found).jsonValue();
}

const message = (page) => drawn(page, "[role=log] .text", MESSAGE);
const namePrompt = (page) => drawn(page, "#name", "");

/** From `go` until `shown` is drawn, and what was asked for meanwhile. */
async function timed(page, go, shown = message) {
  const requests = await watched(page);
  await go();
  return { ms: await shown(page), requests };
}

const comes = (page, link) => () => page.goto(link, { waitUntil: "commit" });

const VISITS = {
  async "first visit, a name known to the browser"(context, line, link) {
    await remember(context, "Ann");
    const page = await context.newPage();
    return timed(page, comes(page, link));
  },
  async "second visit, in another tab"(context, line, link) {
    await remember(context, "Ann");
    const before = await context.newPage();
    await before.goto(link);
    await message(before);
    await before.close();
    line.hangUp();
    const page = await context.newPage();
    return timed(page, comes(page, link));
  },
  async "reload, back to the same session"(context, line, link) {
    await remember(context, "Ann");
    const page = await context.newPage();
    await page.goto(link);
    await message(page);
    line.hangUp();
    return timed(page, () => page.reload({ waitUntil: "commit" }));
  },
  async "first visit, nameless: until the page asks for a name"(context, line, link) {
    const page = await context.newPage();
    return timed(page, comes(page, link), namePrompt);
  },
  async "and from the name prompt into the room"(context, line, link) {
    const page = await context.newPage();
    await page.goto(link);
    await namePrompt(page);
    let from = 0;
    const { ms, requests } = await timed(page, async () => {
      from = await page.evaluate(() => {
        document.querySelector("form").requestSubmit();
        return performance.now();
      });
    });
    return { ms: ms - from, requests };
  },
};

/** Rounds to what a line of this length can tell. */
const trips = (ms, over) => (ms / (2 * over)).toFixed(1);

/** Measures every load; a table in Markdown, and the requests of the first. */
export async function countTrips(browser, server) {
  const { path, say } = await spokenIn(server.url, [MESSAGE]);
  const lines = [await startLine(server.port, SHORT), await startLine(server.port, LONG)];
  try {
    console.log("| visit | round trips | beside them |\n|---|---|---|");
    const told = [];
    for (const [name, visit] of Object.entries(VISITS)) {
      const times = [];
      for (const line of lines) {
        const runs = [];
        for (let run = 0; run < RUNS; run += 1) {
          await say("Still here.");
          const context = await browser.newContext();
          const { ms, requests } = await visit(context, line, `${line.url}${path}`);
          await context.close();
          runs.push(ms);
          if (line === lines[1] && run === 0) told.push([name, requests]);
        }
        times.push(median(runs));
      }
      const each = (times[1] - times[0]) / (2 * (LONG - SHORT));
      console.log(`| ${name} | ${each.toFixed(2)} | ${Math.round(times[0] - each * 2 * SHORT)} ms |`);
    }
    for (const [name, requests] of told) {
      console.log(`\n${name}:`);
      for (const { url, from, to, bytes } of requests.values()) {
        const until = to === null ? "…" : trips(to, LONG);
        console.log(
          `  ${trips(from, LONG)} to ${until}  ${url.replace(/^https?:\/\/[^/]+/, "").replace(path, "/r/…")}  ${bytes > 0 ? `${bytes} bytes` : ""}`,
        );
      }
    }
  } finally {
    for (const line of lines) await line.stop();
  }
}
