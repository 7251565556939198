// The page in a real browser on the real server: every suite, one after the
// other. `node tests/browser/run.mjs [part of a name]` runs what matches.

import access from "./access.mjs";
import accounts from "./accounts.mjs";
import keys from "./keys.mjs";
import landing from "./landing.mjs";
import lifecycle from "./lifecycle.mjs";
import network from "./network.mjs";
import { Cast, launch } from "./people.mjs";
import room from "./room.mjs";
import secrecy from "./secrecy.mjs";
import { startServer } from "./server.mjs";
import tamper from "./tamper.mjs";
import transports from "./transports.mjs";
import unsent from "./unsent.mjs";
import video from "./video.mjs";

const suites = {
  landing,
  room,
  unsent,
  lifecycle,
  network,
  transports,
  access,
  accounts,
  video,
  keys,
  secrecy,
  tamper,
};
const wanted = process.argv[2] ?? "";
const TEST_WITHIN = 120_000;

let passed = 0;
const failed = [];
const browser = await launch();
// A long grace: on a busy machine no member may be lost, and no test here waits for that.
const server = await startServer({ PARLOR_GRACE: "2m", PARLOR_RELOAD_GRACE: "2m", PARLOR_LEASE: "2m" });

try {
  for (const [suite, tests] of Object.entries(suites)) {
    for (const [name, test] of Object.entries(tests)) {
      if (!`${suite}: ${name}`.includes(wanted)) continue;
      const from = performance.now();
      const error = await attempt(test);
      const took = `${((performance.now() - from) / 1000).toFixed(1)} s`;
      if (error) failed.push(`${suite}: ${name}`);
      else passed += 1;
      console.log(`${error ? "FAIL" : "ok  "} ${suite}: ${name} (${took})`);
      if (error) console.log(String(error.stack ?? error).replaceAll(/^/gm, "     "));
    }
  }
} finally {
  await browser.close();
  await server.stop();
}

for (const name of failed) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 || passed === 0 ? 1 : 0;

async function attempt(test) {
  const cast = new Cast(browser);
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${TEST_WITHIN} ms`)), TEST_WITHIN);
  });
  let error = null;
  try {
    await Promise.race([test({ cast, base: server.url, port: server.port }), late]);
  } catch (cause) {
    error = cause;
  }
  clearTimeout(timer);
  try {
    await cast.close();
  } catch (cause) {
    error ??= cause;
  }
  return error;
}
