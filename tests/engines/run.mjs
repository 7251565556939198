// The same cases in three engines on the real server. `node tests/engines/run.mjs [lane] [part of a name]`.
// A whole run compares the table of docs/browsers.md with what it has seen; with PARLOR_GENERATE=1 it writes the table.

import { startServer } from "../browser/server.mjs";
import calls, { withoutCalls } from "./cases/call.mjs";
import key from "./cases/key.mjs";
import leaving from "./cases/leaving.mjs";
import room from "./cases/room.mjs";
import talk from "./cases/talk.mjs";
import { Lane, seconds } from "./lane.mjs";
import { chromium, firefox } from "./puppet.mjs";
import { Table } from "./table.mjs";
import { webkit } from "./webkit.mjs";

/** Lanes side by side. They mostly wait, but a call takes a core. */
const AT_ONCE = 3;
const CASES = { ...key, ...talk, ...room, ...leaving };
const [wanted = "", part = ""] = process.argv.slice(2);
const whole = wanted === "" && part === "";
const from = performance.now();

// A long grace: on a busy machine no member may be lost. A test that waits for that has the short grace.
const server = await startServer({ PARLOR_GRACE: "4m", PARLOR_RELOAD_GRACE: "4m", PARLOR_LEASE: "4m" });
const hasty = await startServer({ PARLOR_GRACE: "2s", PARLOR_LEASE: "5s" });
// A page that is not known to be closed is waited for longer than any test.
const patient = await startServer({ PARLOR_GRACE: "1h", PARLOR_RELOAD_GRACE: "1s", PARLOR_LEASE: "1h" });

const table = new Table();
const shared = { servers: { base: server.url, hasty: hasty.url, patient: patient.url }, table };
const lanes = [
  new Lane("calls", { chromium, firefox }, calls, shared),
  new Lane("webkit", { webkit }, { ...CASES, ...withoutCalls }, shared),
  new Lane("firefox", { firefox }, CASES, shared),
  new Lane("chromium", { chromium }, CASES, shared),
].filter(({ name }) => name.includes(wanted));

try {
  const queue = [...lanes];
  const runNext = async () => {
    for (let lane = queue.shift(); lane; lane = queue.shift())
      console.log(`${lane.name} took ${await lane.run(part)} s`);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runNext));
} finally {
  await Promise.all([server.stop(), hasty.stop(), patient.stop()]);
}

const failed = lanes.flatMap(({ failed }) => failed);
const passed = lanes.reduce((sum, { passed }) => sum + passed, 0);
table.write(whole && failed.length === 0 && Boolean(process.env.PARLOR_GENERATE));
for (const wrong of table.contradictions(whole)) failed.push(`docs/browsers.md: ${wrong}`);

for (const name of failed) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed.length} failed, ${seconds(from)} s in all`);
process.exitCode = failed.length > 0 || passed === 0 ? 1 : 0;
