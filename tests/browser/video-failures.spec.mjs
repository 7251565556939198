import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { expectAccessible } from "./axe.mjs";
import {
  control,
  dialog,
  guest,
  inCall,
  joins,
  leaves,
  MEDIA,
  seesAndHears,
  stage,
  tile,
  until,
  videoButton,
} from "./call.mjs";
import { callTest, expect, test } from "./fixtures.mjs";
import { hears, newRoom, say } from "./people.mjs";
import { freePort } from "./server.mjs";

const newKey = () => randomBytes(32).toString("base64url");

test.describe("video failures", () => {
  callTest(
    "a tile and a voice never outlive their member, whatever LiveKit says",
    async ({ visitors, livekit, base }) => {
      const room = newRoom(base);
      const [ann, ben] = [await guest(visitors, "Ann", room), await guest(visitors, "Ben", room)];
      await joins(ann);
      await joins(ben);
      await seesAndHears(ann, "Ben");
      // LiveKit sends no webhook now.
      livekit.pause();
      try {
        await leaves(ben);
        await expect(stage(ann).locator(".tile"), "one tile is left").toHaveCount(1, { timeout: MEDIA });
        await tile(ann, "Ann").waitFor();
        await until("no member without a tile is heard", () =>
          ann.locator("audio").evaluateAll((all) => all.every((audio) => audio.muted)),
        );
      } finally {
        livekit.resume();
      }
    },
  );

  callTest(
    "LiveKit is killed in the middle of a call: chat goes on, the page says so, and video comes back with it",
    async ({ visitors, livekit, base }) => {
      const room = `${newRoom(base)}#${newKey()}`;
      const [ann, ben] = [await guest(visitors, "Ann", room), await guest(visitors, "Ben", room)];
      await joins(ann);
      await joins(ben);
      await seesAndHears(ann, "Ben");
      await livekit.kill();
      await ann.getByText("The call was interrupted").waitFor({ timeout: 60_000 });
      await say(ben, "can you read me?");
      await hears(ann, "can you read me?");
      await livekit.start();
      for (const page of [ann, ben]) await inCall(page, 60_000);
      await seesAndHears(ann, "Ben");
      await seesAndHears(ben, "Ann");
    },
  );

  callTest(
    "a member that the restarted server does not know joins the call anew, and no device is asked for again",
    async ({ visitors, livekit, base }) => {
      const room = newRoom(base);
      const [ann, ben] = [await guest(visitors, "Ann", room), await guest(visitors, "Ben", room)];
      await joins(ann, { mic: false });
      await joins(ben);
      await control(ann, "Share screen").click();
      await stage(ben).locator("[data-screen=true] video").waitFor({ timeout: MEDIA });
      await seesAndHears(ann, "Ben");
      for (const page of [ann, ben]) {
        await page.evaluate(() => {
          globalThis.asked = [];
          for (const name of ["getUserMedia", "getDisplayMedia"]) {
            const given = navigator.mediaDevices[name].bind(navigator.mediaDevices);
            navigator.mediaDevices[name] = (wish) => (globalThis.asked.push(name), given(wish));
          }
        });
      }
      const faces = () =>
        stage(ann)
          .locator("[data-screen=false]")
          .evaluateAll((all) => all.map((tile) => tile.dataset.identity));
      const before = await faces();
      await livekit.restartParlor();
      await until("there are two new members", async () => {
        const now = await faces();
        return now.length === 2 && now.every((identity) => !before.includes(identity));
      });
      await seesAndHears(ann, "Ben");
      await stage(ben)
        .locator("[data-screen=false]")
        .filter({ hasText: "Ann" })
        .locator("video")
        .waitFor({ timeout: MEDIA });
      await stage(ben).locator("[data-screen=true] video").waitFor({ timeout: MEDIA });
      await control(ann, "Unmute").waitFor();
      for (const page of [ann, ben]) assert.deepEqual(await page.evaluate(() => globalThis.asked), []);
    },
  );

  callTest(
    "LiveKit is away for longer than its own library waits, and the call still comes back",
    async ({ visitors, livekit, base }) => {
      const room = newRoom(base);
      const [ann, ben] = [await guest(visitors, "Ann", room), await guest(visitors, "Ben", room)];
      await joins(ann);
      await ann.clock.install();
      await ann.evaluate(() => {
        globalThis.asked = [];
        const given = globalThis.fetch;
        globalThis.fetch = (...what) => {
          if (String(what[0]).endsWith("/livekit-token")) globalThis.asked.push(Date.now());
          return given(...what);
        };
      });
      const asked = () => ann.evaluate(() => globalThis.asked);
      await livekit.kill();
      await ann.getByText("The call was interrupted").waitFor({ timeout: 60_000 });
      await until("the page begins anew, and again", async () => {
        await ann.clock.fastForward(5_000);
        return (await asked()).length >= 3;
      });
      const times = await asked();
      // Two that try at once would ask in each other's pauses.
      for (let at = 1; at < times.length; at += 1) {
        const pause = times[at] - times[at - 1];
        assert.ok(pause >= Math.min(1_000 * 2 ** (at - 1), 10_000), `it tries one time after the other: ${times}`);
      }
      await livekit.start();
      const before = (await asked()).length;
      const isIn = async () => (await ann.locator(".stage[data-stage=on]").count()) === 1;
      // No further than to the next try, which is to have its time.
      await until("the page tries once more", async () => {
        if ((await asked()).length > before || (await isIn())) return true;
        await ann.clock.fastForward(5_000);
        return (await asked()).length > before;
      });
      await inCall(ann);
      await joins(ben);
      await seesAndHears(ben, "Ann");
    },
  );

  test("without LiveKit the button says what is missing", async ({ visitors, base }) => {
    const page = await visitors.guest("Ann", newRoom(base));
    await videoButton(page);
    await page.getByRole("dialog").getByText("For the operator").click();
    await page.getByRole("dialog").getByText("LIVEKIT_API_SECRET").waitFor();
    await expectAccessible(page, "no video here");
  });

  test("an address that is no LiveKit is given up, and the page says so", async ({ serve, visitors }) => {
    visitors.expected = /WebSocket connection to|net::ERR_|the server responded with a status of 404/;
    // Open to every page and answering everything with 404: LiveKit's library would ask it for ever.
    const stranger = createServer((_, answer) =>
      answer.writeHead(404, { "access-control-allow-origin": "*" }).end(),
    ).listen(0, "127.0.0.1");
    await once(stranger, "listening");
    const url = `ws://127.0.0.1:${stranger.address().port}`;
    const settings = { LIVEKIT_URL: url, LIVEKIT_API_URL: "ws://127.0.0.1:1" };
    const server = await serve({
      ...settings,
      LIVEKIT_API_KEY: "key",
      LIVEKIT_API_SECRET: "a secret that is long enough for HS256",
    });
    const page = await guest(visitors, "Ann", newRoom(server.url));
    await videoButton(page);
    await dialog(page).getByRole("button", { name: "Join", exact: true }).click();
    await page.getByText("try the call again in a moment").waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Join again" }).waitFor();
    await say(page, "chat goes on");
    await hears(page, "chat goes on");
    stranger.close();
  });

  test("a page that is reloaded in a call offers to rejoin it, once", async ({ serve, visitors }) => {
    visitors.expected = /WebSocket connection to|net::ERR_|the server responded with a status of (404|503)/;
    const settings = {
      LIVEKIT_URL: `ws://127.0.0.1:${await freePort()}`,
      LIVEKIT_API_KEY: "key",
      LIVEKIT_API_SECRET: "a secret that is long enough for HS256",
    };
    const server = await serve(settings);
    const page = await guest(visitors, "Ann", newRoom(server.url));
    await videoButton(page);
    await dialog(page).getByRole("button", { name: "Join", exact: true }).click();
    await stage(page).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Rejoin the call" }).click();
    await stage(page).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Not now" }).click();
    await page.reload();
    await page.getByRole("log").waitFor();
    assert.equal(await page.getByRole("button", { name: "Rejoin the call" }).count(), 0);
  });
});
