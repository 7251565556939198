import assert from "node:assert/strict";
import { expectAccessible } from "./axe.mjs";
import { dialog, MEDIA, stage, until, videoButton } from "./call.mjs";
import { expect, test as base } from "./fixtures.mjs";
import { fits, hears, newRoom, say } from "./people.mjs";
import { freePort } from "./server.mjs";

/** A server whose LiveKit is away: what comes before a call needs none. */
const test = base.extend({
  base: async ({ visitors, serve }, use) => {
    visitors.expected = /WebSocket connection to|net::ERR_|the server responded with a status of (404|503)/;
    const server = await serve({
      LIVEKIT_URL: `ws://127.0.0.1:${await freePort()}`,
      LIVEKIT_API_KEY: "key",
      LIVEKIT_API_SECRET: "a secret that is long enough for HS256",
    });
    await use(server.url);
  },
});

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
const device = (page, name) => dialog(page).getByRole("button", { name, exact: true });
const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement);

test.describe("before the call", () => {
  test("devices are tried, Enter joins, and a call without a camera is one click", async ({ visitors, base }) => {
    const page = await visitors.guest("Ann", newRoom(base), { viewport: { width: 360, height: 400 } });
    await page.evaluate(() => {
      const { play } = HTMLMediaElement.prototype;
      HTMLMediaElement.prototype.play = function () {
        if (this instanceof HTMLAudioElement) globalThis.tone = this;
        return play.call(this);
      };
      const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      globalThis.cameras = [];
      navigator.mediaDevices.getUserMedia = async (wish) => {
        const stream = await open(wish);
        globalThis.cameras.push(...stream.getVideoTracks());
        return stream;
      };
    });
    await videoButton(page);
    const picture = dialog(page).locator("video");
    await picture.waitFor({ timeout: MEDIA });
    const join = dialog(page).getByRole("button", { name: "Join", exact: true });
    assert.ok(await isFocused(join), "Enter joins");
    await expect(join, "also in a small window").toBeInViewport({ ratio: 1 });
    await fits(page);
    await until("the level of the microphone moves", () =>
      dialog(page)
        .getByRole("meter")
        .evaluate((meter) => meter.value > 0),
    );
    const speaker = dialog(page).getByLabel("Speaker");
    const chosen = await speaker.locator("option").last().getAttribute("value");
    await speaker.selectOption(chosen);
    await dialog(page).getByRole("button", { name: "Play a test sound" }).click();
    await dialog(page).getByRole("button", { name: "Playing…" }).waitFor();
    assert.equal(await page.evaluate(() => globalThis.tone.sinkId), chosen, "the chosen speaker is tried");
    await dialog(page).getByRole("button", { name: "Play a test sound" }).waitFor();
    await expectAccessible(page, "before the call");

    await dialog(page).getByRole("button", { name: "Audio only" }).click();
    await stage(page).waitFor();
    assert.ok(await isFocused(stage(page)), "the focus goes on to the call");
    await until("the camera is released", () =>
      page.evaluate(() => globalThis.cameras.every((track) => track.readyState === "ended")),
    );
    await stage(page).getByRole("button", { name: "Join again" }).click({ timeout: MEDIA });
    await dialog(page).waitFor();
    assert.equal(await device(page, "Camera").getAttribute("aria-pressed"), "false", "what was chosen is remembered");
    assert.equal(await device(page, "Microphone").getAttribute("aria-pressed"), "true");
    await expect(speaker).toHaveValue(chosen);
    await device(page, "Camera").click();
    await picture.waitFor({ timeout: MEDIA });
    await join.focus();
    await page.keyboard.press("Enter");
    await stage(page).waitFor();
    assert.ok(await isFocused(stage(page)));
  });

  test("where both devices are refused, the way to allow them is that of this browser", async ({ visitors, base }) => {
    const room = newRoom(base);
    for (const [options, way] of [
      [{}, "with the icon to the left of the address"],
      [{ userAgent: FIREFOX }, "with the crossed-out icon in the address bar"],
    ]) {
      const page = await visitors.guest("Ann", room, options);
      await page.evaluate(() => {
        navigator.mediaDevices.getUserMedia = async () => {
          throw new DOMException("Permission denied", "NotAllowedError");
        };
      });
      await videoButton(page);
      await dialog(page).getByText(`The browser blocked the camera and the microphone. Allow it ${way}`).waitFor();
      await page.evaluate(() => delete navigator.mediaDevices.getUserMedia);
      await dialog(page).getByRole("button", { name: "Try again" }).click();
      await dialog(page).locator("video").waitFor({ timeout: MEDIA });
      await expect(device(page, "Microphone")).toHaveAttribute("aria-pressed", "true");
      await expect(dialog(page).getByText("blocked")).toHaveCount(0);
    }
  });

  test("a browser that cannot is told so before it is asked for devices, and chat goes on", async ({
    visitors,
    base,
  }) => {
    const key = `#${"A".repeat(43)}`;
    for (const [at, take, says] of [
      ["", () => delete globalThis.RTCPeerConnection, "It has no WebRTC"],
      [
        key,
        () => {
          delete globalThis.RTCRtpScriptTransform;
          delete RTCRtpSender.prototype.createEncodedStreams;
        },
        "can’t encrypt video and sound",
      ],
    ]) {
      const page = await visitors.guest("Ann", `${newRoom(base)}${at}`);
      await page.evaluate(take);
      const loaded = [];
      page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
      await videoButton(page);
      const told = page.getByRole("dialog", { name: "This browser can’t join calls" });
      await told.getByText(says).waitFor();
      if (at === "") assert.ok(!loaded.some((path) => path.includes("VideoCall")), "nothing is loaded for it");
      await expectAccessible(page, says);
      await page.keyboard.press("Escape");
      await say(page, "chat goes on");
      await hears(page, "chat goes on");
    }
  });
});
