// The page in Debian's Chromium on the real server. `npm run test:browser -- -g PART` runs what matches.

import { defineConfig } from "@playwright/test";
import { chromiumOptions, TIMEOUT } from "./people.mjs";

export default defineConfig({
  outputDir: "../../target/browser",
  reporter: "list",
  // Tests share nothing but a worker's server, where each has rooms of its own.
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  // What hangs ends here. No test is about speed, and the machine may have much else to do.
  timeout: 240_000,
  expect: { timeout: TIMEOUT },
  use: {
    launchOptions: chromiumOptions(),
    // Snapshots of the document, without a film: that would take the processor from the calls.
    trace: { mode: "retain-on-failure", screenshots: false, snapshots: true, sources: true },
  },
});
