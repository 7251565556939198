// The same cases in three engines on the real server. `node tests/engines/run.mjs [engine] [part of a name]`.

import { startServer } from "../browser/server.mjs";
import cases from "./cases.mjs";
import { chromium, firefox } from "./puppet.mjs";
import { webkit } from "./webkit.mjs";

const ENGINES = { chromium, firefox, webkit };
const TEST_WITHIN = 240_000;
const [engine = "", part = ""] = process.argv.slice(2);

let passed = 0;
const failed = [];
// A long grace: on a busy machine no member may be lost. A test that waits for that has the short grace.
const server = await startServer({ PARLOR_GRACE: "4m", PARLOR_RELOAD_GRACE: "4m", PARLOR_LEASE: "4m" });
const hasty = await startServer({ PARLOR_GRACE: "2s", PARLOR_LEASE: "5s" });
// A page that is not known to be closed is waited for longer than any test.
const patient = await startServer({ PARLOR_GRACE: "1h", PARLOR_RELOAD_GRACE: "1s", PARLOR_LEASE: "1h" });

try {
  for (const [name, launch] of Object.entries(ENGINES)) {
    if (!name.includes(engine)) continue;
    const browser = await launch().catch((cause) => {
      failed.push(`${name}: starts`);
      console.log(String(cause.stack));
    });
    if (!browser) continue;
    try {
      for (const [said, test] of Object.entries(cases))
        if (said.includes(part)) await report(`${name}: ${said}`, browser, test);
    } finally {
      await browser.close();
    }
  }
} finally {
  await Promise.all([server.stop(), hasty.stop(), patient.stop()]);
}

for (const name of failed) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 || passed === 0 ? 1 : 0;

async function report(name, browser, test) {
  const from = performance.now();
  const error = await attempt(browser, test);
  const took = `${((performance.now() - from) / 1000).toFixed(1)} s`;
  if (error) failed.push(name);
  else passed += 1;
  console.log(`${error ? "FAIL" : "ok  "} ${name} (${took})`);
  if (error) console.log(String(error.stack ?? error).replaceAll(/^/gm, "     "));
}

async function attempt(browser, test) {
  const opened = [];
  const ends = [];
  const stage = {
    base: server.url,
    hasty: hasty.url,
    patient: patient.url,
    /** A visitor whose browser knows this name at this server. */
    async visitor(name, base = server.url) {
      const tab = await browser.open();
      opened.push(tab);
      await tab.goto(`${base}/robots.txt`);
      await tab.evaluate((name) => localStorage.setItem("parlor.name", name), name);
      return tab;
    },
    /** What is to be ended whatever happens. */
    ends: (end) => ends.push(end),
  };
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${TEST_WITHIN} ms`)), TEST_WITHIN);
  });
  let error = null;
  try {
    await Promise.race([test(stage), late]);
  } catch (cause) {
    error = cause;
  }
  clearTimeout(timer);
  for (const end of ends) end();
  for (const tab of opened) await tab.close().catch((cause) => (error ??= cause));
  return error;
}
