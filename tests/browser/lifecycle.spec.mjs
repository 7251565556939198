import assert from "node:assert/strict";
import { chromium } from "@playwright/test";
import { test } from "./fixtures.mjs";
import {
  chromiumOptions,
  hears,
  inRoom,
  log,
  members,
  newRoom,
  remember,
  say,
  sees,
  storedSession,
  TIMEOUT,
} from "./people.mjs";

/** A member whose browser has a back/forward cache, which browsers under test switch off. */
async function keeping(name, room, act) {
  const browser = await chromium.launch({
    ...chromiumOptions(),
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
  try {
    const page = await browser.newPage({ locale: "en-US" });
    page.setDefaultTimeout(TIMEOUT);
    await remember(page, name);
    await page.goto(room);
    await inRoom(page);
    await page.evaluate(() => addEventListener("pageshow", (event) => (globalThis.kept = event.persisted)));
    await act(page);
  } finally {
    await browser.close();
  }
}

const TRANSPORTS = ["ws", "sse", "long-poll"];

test.describe("lifecycle", () => {
  test("a member that goes to another page in the same tab is gone after the grace, by every transport", async ({
    serve,
    visitors,
  }) => {
    const server = await serve({ PARLOR_GRACE: "2s", PARLOR_LEASE: "5s" });
    for (const transport of TRANSPORTS) {
      const room = newRoom(server.url);
      const ben = await visitors.guest("Ben", room);
      await keeping("Ann", `${room}?transport=${transport}`, async (ann) => {
        await log(ben).getByText("Ann joined").waitFor();
        await ann.goto(`${server.url}/healthz`);
        await log(ben)
          .getByText(/^Ann (disconnected)/)
          .waitFor({ timeout: 30_000 });
        assert.equal(await members(server.url, room), 1, transport);
      });
    }
  });

  test("a closed tab is noticed after the reload grace, by every transport, and a reload is not", async ({
    serve,
    visitors,
    base,
  }) => {
    // No other event ends the membership. Where nothing shortens the grace, the notice never comes.
    const server = await serve({ PARLOR_GRACE: "1h", PARLOR_LEASE: "1h", PARLOR_RELOAD_GRACE: "1s" });
    for (const transport of [...TRANSPORTS, "short-poll"]) {
      const room = newRoom(server.url);
      const ben = await visitors.guest("Ben", room);
      const ann = await visitors.guest("Ann", `${room}?transport=${transport}`);
      await log(ben).getByText("Ann joined").waitFor();
      await ann.close({ runBeforeUnload: true });
      await log(ben)
        .getByText(/^Ann disconnected/)
        .waitFor({ timeout: 30_000 });
      assert.equal(await members(server.url, room), 1, transport);
    }
    for (const transport of [...TRANSPORTS, "short-poll"]) {
      const room = newRoom(base);
      const ben = await visitors.guest("Ben", room);
      const ann = await visitors.guest("Ann", `${room}?transport=${transport}`);
      const { clientId } = await storedSession(ann);
      await ann.reload();
      await inRoom(ann);
      assert.equal((await storedSession(ann)).clientId, clientId);
      await say(ann, "back");
      await hears(ben, "back");
      assert.equal(await log(ben).locator("[data-what=left]").count(), 0, transport);
    }
  });

  test("a member that comes back in time resumes unseen, with what was said meanwhile", async ({ visitors, base }) => {
    for (const transport of TRANSPORTS) {
      const room = newRoom(base);
      const ben = await visitors.guest("Ben", room);
      await keeping("Ann", `${room}?transport=${transport}`, async (ann) => {
        await say(ann, "one");
        await hears(ben, "one");
        const { clientId } = await storedSession(ann);
        await ann.goto(`${base}/healthz`);
        await say(ben, "two");
        await ann.evaluate(() => history.back());
        await sees(ann, ["one", "two"]);
        assert.equal(await ann.evaluate(() => globalThis.kept), true, "the page was kept and not opened anew");
        await say(ann, "three");
        await sees(ben, ["one", "two", "three"]);
        assert.equal((await storedSession(ann)).clientId, clientId);
        assert.equal(await log(ann).getByText("Connection lost").count(), 0);
        assert.deepEqual(await log(ben).locator(".notice").allInnerTexts(), [
          await log(ben).locator("[data-what=joined]").innerText(),
        ]);
      });
    }
  });
});
