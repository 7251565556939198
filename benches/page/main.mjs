// How fast the page itself is: `make bench-page`. Prints; writes nothing.
// `node benches/page/main.mjs [scores|trips|lines]` measures one of the three.

import { launch } from "../../tests/browser/people.mjs";
import { startServer } from "../../tests/browser/server.mjs";
import { SETTINGS } from "./room.mjs";
import { fillLog } from "./lines.mjs";
import { scorePages } from "./scores.mjs";
import { countTrips } from "./trips.mjs";

const wanted = process.argv[2] ?? "";
const PARTS = { scores: scorePages, trips: countTrips, lines: fillLog };

const server = await startServer(SETTINGS);
try {
  for (const [name, measure] of Object.entries(PARTS)) {
    if (!name.includes(wanted)) continue;
    const browser = await launch();
    try {
      if ((await measure(browser, server)) === false) process.exitCode = 1;
    } finally {
      await browser.close();
    }
  }
} finally {
  await server.stop();
}
