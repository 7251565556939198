import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { expectAccessible, PHONE } from "./axe.mjs";
import {
  announcements,
  arrived,
  control,
  dataMessages,
  dialog,
  guest,
  inCall,
  joins,
  leaves,
  listed,
  MEDIA,
  seesAndHears,
  stage,
  tile,
  until,
  videoButton,
} from "./call.mjs";
import { callTest as test, expect } from "./fixtures.mjs";
import { fits, hears, newRoom, say } from "./people.mjs";

const newKey = () => randomBytes(32).toString("base64url");

const LANGUAGES = {
  en: { locale: "en-US", join: "Join", more: "More options", devices: "Devices" },
  ru: {
    locale: "ru-RU",
    join: "Присоединиться",
    more: "Ещё возможности",
    devices: "Устройства",
  },
};

test.describe("video", () => {
  for (const [kind, key, encryption, also] of [
    ["without a key", "", "NONE", "all members see that they are in the call"],
    ["with a key", `#${newKey()}`, "GCM", "LiveKit carries what it cannot read"],
  ]) {
    test(`two people see and hear each other in a room ${kind}, and ${also}`, async ({ visitors, livekit, base }) => {
      const plain = newRoom(base);
      const room = plain + key;
      const [ann, ben, cy] = [
        await guest(visitors, "Ann", room),
        await guest(visitors, "Ben", room),
        await guest(visitors, "Cy", room),
      ];
      await videoButton(ann);
      await dialog(ann).locator("video").waitFor({ timeout: MEDIA });
      await until("the microphone moves its meter", () =>
        dialog(ann)
          .locator("meter")
          .evaluate((meter) => meter.value > 0),
      );
      await expectAccessible(ann, "before the call");
      await dialog(ann).getByRole("button", { name: "Join", exact: true }).click();
      await ann.getByText("Nobody else is in the call yet").waitFor();
      await joins(ben);
      await seesAndHears(ann, "Ben");
      await seesAndHears(ben, "Ann");
      await expectAccessible(ann, "in the call");
      assert.deepEqual(await livekit.encryption(plain.split("/r/")[1]), [
        encryption,
        encryption,
        encryption,
        encryption,
      ]);
      assert.equal(await stage(ann).locator(".lock").count(), 0, "no member is said to lack the key");

      await expect(listed(cy), "Cy sees two in the call").toHaveCount(2, { timeout: MEDIA });
      const call = cy.getByRole("button", { name: /call, 2 in the call/i });
      await expect(call, "the first thing to do").toHaveClass(/\bsolid\b/);
      await expect(cy.getByRole("button", { name: "Invite", exact: true })).not.toHaveClass(/\bsolid\b/);
      const dan = await guest(visitors, "Dan", room);
      await expect(listed(dan), "so does a newcomer").toHaveCount(2, { timeout: MEDIA });

      const black = await tile(ben, "Ann")
        .locator("video")
        .evaluateHandle((video) => {
          const times = { count: 0 };
          video.addEventListener("emptied", () => (times.count += 1));
          return times;
        });
      await control(ann, "Mute").click();
      await tile(ben, "Ann").getByText("microphone off").waitFor({ state: "attached" });
      await control(ann, "Raise hand").click();
      await tile(ben, "Ann").getByText("hand raised").waitFor({ state: "attached" });
      assert.equal(
        await black.evaluate(({ count }) => count),
        0,
        "a picture does not flicker when something else changes",
      );
      await control(ann, "Turn camera off").click();
      await tile(ben, "Ann").locator("video").waitFor({ state: "detached", timeout: MEDIA });
      await control(ann, "Turn camera on").click();
      await tile(ben, "Ann").locator("video").waitFor({ timeout: MEDIA });

      await control(ann, "Share screen").click();
      const screen = stage(ben).locator(".tile[data-screen=true] video");
      await until(
        "the screen arrives",
        async () => (await screen.count()) === 1 && screen.evaluate((element) => element.videoWidth > 0),
      );
      await stage(ben).locator(".tile.large[data-screen=true]").waitFor({ timeout: MEDIA });
      await expectAccessible(ben, "a shared screen");
      await control(ann, "Stop sharing").click();
      await screen.waitFor({ state: "detached", timeout: MEDIA });
      await control(ben, "Grid view").click();
      await expect(stage(ben).locator(".tile.large"), "all are of one size").toHaveCount(0);
      await control(ben, "Speaker view").click();
      await stage(ben).locator(".tile.large").filter({ hasText: "Ann" }).waitFor();

      await say(cy, "you look well");
      await hears(ann, "you look well");
      assert.equal((await livekit.rooms()).length, 1);

      await leaves(ben);
      await tile(ann, "Ben").waitFor({ state: "detached" });
      await control(ann, "Leave the call").click();
      await expect(listed(cy), "no member is in the call").toHaveCount(0, { timeout: MEDIA });
      for (const page of [ann, cy, dan]) await leaves(page);
      await until("LiveKit has no room any more", async () => (await livekit.rooms()).length === 0);
    });
  }

  test("one comes with a camera, one with a microphone, one with neither", async ({ visitors, base }) => {
    const room = newRoom(base);
    const [eye, ear, ghost] = [
      await guest(visitors, "Eye", room),
      await guest(visitors, "Ear", room),
      await guest(visitors, "Ghost", room),
    ];
    const updates = await announcements(eye);
    await joins(eye, { mic: false });
    await joins(ear, { camera: false });
    updates.hold();
    const before = await dataMessages(eye);
    await joins(ghost, { camera: false, mic: false });
    await control(ghost, "Raise hand").click();
    // One at joining, one at the click.
    await until("the hand arrives", async () => (await dataMessages(eye)) >= before + 2);
    assert.equal(await tile(eye, "Ghost").count(), 0, "LiveKit has not announced Ghost yet");
    updates.release();
    await tile(eye, "Ghost").getByText("hand raised").waitFor({ state: "attached" });
    for (const page of [ear, ghost]) await tile(page, "Eye").locator("video").waitFor({ timeout: MEDIA });
    await tile(ghost, "Eye").getByText("microphone off").waitFor({ state: "attached" });
    await until("Ear is heard", async () => (await arrived(ghost)).loud > 0);
    assert.equal(await tile(ghost, "Ear").locator("video").count(), 0);
    await expect(stage(ear).locator(".tile"), "Ear sees all three").toHaveCount(3, { timeout: MEDIA });
  });

  test("a call is accessible on a phone, in both themes, in both languages", async ({ visitors, base }) => {
    const room = newRoom(base);
    await joins(await guest(visitors, "Member with a rather long name", room));
    for (const colorScheme of ["light", "dark"]) {
      for (const { locale, join, more, devices } of Object.values(LANGUAGES)) {
        const where = `${colorScheme} ${locale}`;
        const page = await guest(visitors, "Ann", room, { ...PHONE, colorScheme, locale });
        await videoButton(page);
        await page.getByRole("dialog").locator("video").waitFor({ timeout: MEDIA });
        await expectAccessible(page, `before the call, ${where}`);
        await fits(page);
        await page.getByRole("dialog").getByRole("button", { name: join, exact: true }).click();
        await inCall(page);
        await page.locator(".tile", { hasText: "Member" }).locator("video").waitFor({ timeout: MEDIA });
        await expectAccessible(page, `in the call, ${where}`);
        await fits(page);
        const bar = await page.getByRole("toolbar").getByRole("button").all();
        for (const button of bar) {
          assert.ok((await button.boundingBox()).height >= 44, "a finger hits it");
          const word = await button.evaluate((element) => [
            element.textContent.trim(),
            element.querySelector(".word").scrollWidth <= element.clientWidth,
          ]);
          assert.ok(word[1], `${word[0]} is whole, ${where}`);
        }
        await page.getByRole("button", { name: more, exact: true }).tap();
        await expectAccessible(page, `the menu, ${where}`);
        await page.getByRole("menuitem", { name: devices, exact: true }).tap();
        await page.getByRole("dialog").locator("select").first().waitFor();
        await expectAccessible(page, `devices, ${where}`);
        await fits(page);
        await page.context().close();
      }
    }
  });

  test("a picture floats over other windows", async ({ visitors, base }) => {
    const room = newRoom(base);
    const [ann, ben] = [await guest(visitors, "Ann", room), await guest(visitors, "Ben", room)];
    await joins(ben);
    await joins(ann);
    await seesAndHears(ann, "Ben");
    const float = tile(ann, "Ben").getByRole("button", { name: /^Picture-in-picture/ });
    await float.click();
    const floats = () =>
      tile(ann, "Ben")
        .locator("video")
        .evaluate((video) => document.pictureInPictureElement === video);
    await until("the picture floats", floats);
    await float.click();
    await until("it is back", async () => !(await floats()));
  });

  test("the part of the page that makes video is loaded by its users only", async ({ visitors, base }) => {
    const page = await guest(visitors, "Ann", `${newRoom(base)}#${newKey()}`);
    const loads = [];
    page.on("requestfinished", (request) => loads.push(request));
    const video = page.waitForRequest(/\/assets\/VideoCall/);
    await page.getByRole("banner").getByRole("button", { name: /^Call/ }).hover();
    await video;
    await joins(page);
    let bytes = 0;
    for (const request of loads)
      if (/\/assets\/(VideoCall|livekit-client|e2ee)/.test(request.url()))
        bytes += (await request.sizes()).responseBodySize;
    console.log(`     video: ${bytes} bytes of script and style`);
    assert.ok(bytes > 100_000, "it was not there before");
    assert.ok(bytes <= 155_000, `${bytes} bytes are more than 155 kB`);
  });
});
