// What a browser test is given: a server, visitors with browsers, and a proxy between them.

import { test as base } from "@playwright/test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBoth } from "./livekit.mjs";
import { launch, Visitors } from "./people.mjs";
import { startProxy } from "./proxy.mjs";
import { startServer } from "./server.mjs";

export { expect } from "@playwright/test";

export const test = base.extend({
  /** Flags of a Chromium of its own for this test. */
  flags: [[], { option: true }],

  /** One server for each worker. Its grace is long: on a busy machine no member may be lost. */
  server: [
    async ({}, use) => {
      const server = await startServer({ PARLOR_GRACE: "2m", PARLOR_RELOAD_GRACE: "2m", PARLOR_LEASE: "2m" });
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],

  /** The address of the server that the test talks to. */
  base: async ({ server }, use) => use(server.url),

  visitors: async ({ browser, flags }, use) => {
    const own = flags.length > 0 ? await launch(flags) : null;
    const visitors = new Visitors(own ?? browser);
    try {
      await use(visitors);
      await visitors.close();
    } finally {
      await visitors.closeContexts();
      await own?.close();
    }
  },

  /** Starts servers with other settings. They are stopped after the test, when the pages are closed. */
  serve: async ({ visitors }, use) => {
    const started = [];
    await use(async (...given) => {
      const server = await startServer(...given);
      started.push(server);
      return server;
    });
    await visitors.closeContexts();
    for (const server of started) await server.stop();
  },

  /** Starts proxies between pages and servers, stopped likewise. */
  startsProxy: async ({ visitors }, use) => {
    const started = [];
    await use(async (...given) => {
      const proxy = await startProxy(...given);
      started.push(proxy);
      return proxy;
    });
    await visitors.closeContexts();
    for (const proxy of started) await proxy.stop();
  },

  /** A proxy before the server. (`proxy` is Playwright's own option.) */
  tcpProxy: async ({ server, startsProxy }, use) => use(await startsProxy(server.port)),
});

/** With a LiveKit and a server that knows of it, both of this test alone. */
export const callTest = test.extend({
  /** What LiveKit has or lacks beside the usual: see `startBoth`. */
  media: [{}, { option: true }],

  livekit: async ({ visitors, media }, use) => {
    const both = await startBoth(media);
    await use(both);
    await visitors.closeContexts();
    await both.stop();
  },

  base: async ({ livekit }, use) => use(livekit.server.url),
});

/** With a server that has accounts. What it refuses is in the browser's log as well. */
export const accountTest = test.extend({
  settings: [{}, { option: true }],

  visitors: async ({ visitors }, use) => {
    visitors.expected = /WebSocket connection to|net::ERR_|the server responded with a status of 4\d\d/;
    await use(visitors);
  },

  base: async ({ visitors, settings }, use) => {
    const folder = await mkdtemp(join(tmpdir(), "parlor-browser-"));
    const server = await startServer({ DATABASE_URL: `sqlite:${folder}/parlor.db`, ...settings });
    await use(server.url);
    await visitors.closeContexts();
    await server.stop();
    await rm(folder, { recursive: true });
  },
});
