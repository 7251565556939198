import assert from "node:assert/strict";
import { expectAccessible } from "./axe.mjs";
import {
  control,
  dialog,
  guest,
  inCall,
  joins,
  MEDIA,
  seesAndHears,
  sending,
  stage,
  until,
  videoButton,
} from "./call.mjs";
import { callTest as test, expect } from "./fixtures.mjs";
import { newRoom } from "./people.mjs";

test.describe("video devices", () => {
  test("camera, microphone and speaker are chosen before the call and changed in it", async ({ visitors, base }) => {
    const room = newRoom(base);
    const [ann, ben] = [await guest(visitors, "Ann", room), await guest(visitors, "Ben", room)];
    const chooser = (page, name) => page.getByLabel(name, { exact: true }).and(page.locator("select"));
    const choose = async (page, name, at) => {
      const values = await chooser(page, name)
        .locator("option")
        .evaluateAll((all) => all.map((option) => option.value).filter(Boolean));
      assert.ok(values.length > 1, `there are several of ${name}`);
      await chooser(page, name).selectOption(values.at(at));
      return values.at(at);
    };
    await videoButton(ann);
    await dialog(ann).locator("video").waitFor({ timeout: MEDIA });
    await expect(chooser(ann, "Camera").locator("option"), "the devices have names").toHaveCount(4, { timeout: MEDIA });
    const [camera, mic] = [await choose(ann, "Camera", -1), await choose(ann, "Microphone", -1)];
    await dialog(ann).locator("video").waitFor({ timeout: MEDIA });
    await dialog(ann).getByRole("button", { name: "Join", exact: true }).click();
    await inCall(ann);
    await joins(ben);
    await seesAndHears(ben, "Ann");
    assert.deepEqual(new Set(await sending(ann)), new Set([camera, mic]), "what was chosen before is what is sent");

    await control(ann, "Camera, microphone and speaker").click();
    await until("the dialog shows what is in use", async () => {
      const shown = [await chooser(ann, "Camera").inputValue(), await chooser(ann, "Microphone").inputValue()];
      return shown.join() === [camera, mic].join();
    });
    const now = [await choose(ann, "Camera", 0), await choose(ann, "Microphone", -2)];
    await until("the others are sent", async () => (await sending(ann)).sort().join() === [...now].sort().join());
    const speaker = await choose(ann, "Speaker", -1);
    await until("voices go to the other speaker", () =>
      ann.locator("audio").evaluate((audio, id) => audio.sinkId === id, speaker),
    );
    await ann.keyboard.press("Escape");
    await seesAndHears(ben, "Ann");
    await seesAndHears(ann, "Ben");
  });

  test("each control names its shortcut and obeys it", async ({ visitors, base }) => {
    const page = await guest(visitors, "Ann", newRoom(base));
    await joins(page);
    const toolbar = stage(page).getByRole("toolbar");
    // A screen's sound arrives after its picture: a second key must not be lost on that.
    await page.evaluate(() => {
      const { createOffer } = RTCPeerConnection.prototype;
      RTCPeerConnection.prototype.createOffer = async function (...options) {
        await new Promise((then) => setTimeout(then, 500));
        return createOffer.apply(this, options);
      };
    });
    for (const [before, key, after] of [
      ["Mute", "M", "Unmute"],
      ["Turn camera off", "V", "Turn camera on"],
      ["Share screen", "S", "Stop sharing"],
      ["Raise hand", "H", "Lower hand"],
      ["Speaker view", "G", "Grid view"],
    ]) {
      assert.equal(await control(page, before).getAttribute("title"), `${before} (Alt+${key})`);
      await page.keyboard.press(`Alt+Key${key}`);
      await control(page, after).waitFor();
      await page.keyboard.press(`Alt+Key${key}`);
      await control(page, before).waitFor();
    }
    assert.equal(await toolbar.locator("[title*='(Alt+']").count(), await toolbar.getByRole("button").count());
    await page.keyboard.press("Alt+KeyC");
    await page.getByRole("dialog", { name: "Camera, microphone and speaker" }).waitFor();
    await page.keyboard.press("Alt+KeyC");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("Alt+KeyL");
    await stage(page).waitFor({ state: "detached" });
  });

  test("a camera that is refused says how to allow it, and the call goes on without", async ({ visitors, base }) => {
    const page = await guest(visitors, "Ann", newRoom(base));
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = async (wish) => {
        throw new DOMException("", wish.video ? "NotAllowedError" : "NotFoundError");
      };
    });
    await videoButton(page);
    await page.getByText("The browser blocked the camera").waitFor();
    await page.getByText("No microphone found").waitFor();
    await expectAccessible(page, "refused devices");
    await dialog(page).getByRole("button", { name: "Join", exact: true }).click();
    await inCall(page);
    await control(page, "Turn camera on").click();
    await stage(page).getByText("The browser blocked the camera").waitFor();
  });

  test("a member that hangs up while the browser still asks for the camera is not filmed afterwards", async ({
    visitors,
    base,
  }) => {
    const page = await guest(visitors, "Ann", newRoom(base));
    await videoButton(page);
    await dialog(page).locator("video").waitFor({ timeout: MEDIA });
    for (const name of ["Camera", "Microphone"]) await dialog(page).getByRole("button", { name, exact: true }).click();
    await dialog(page).getByRole("button", { name: "Join", exact: true }).click();
    await inCall(page);
    await page.evaluate(() => {
      const given = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      const asked = new Promise((then) => (globalThis.allow = then));
      globalThis.tracks = [];
      navigator.mediaDevices.getUserMedia = async (wish) => {
        await asked;
        const stream = await given(wish);
        const opened = performance.now();
        for (const track of stream.getTracks()) {
          const stop = track.stop.bind(track);
          track.stop = () => {
            track.openFor ??= performance.now() - opened;
            stop();
          };
          globalThis.tracks.push(track);
        }
        return stream;
      };
    });
    await control(page, "Turn camera on").click();
    await control(page, "Leave the call").click();
    await stage(page).waitFor({ state: "detached" });
    await page.evaluate(() => globalThis.allow());
    await until("the camera was opened", () => page.evaluate(() => globalThis.tracks.length === 1));
    await page.waitForFunction(() => globalThis.tracks.every((track) => track.readyState === "ended"), null, {
      timeout: MEDIA,
    });
    const openFor = await page.evaluate(() => globalThis.tracks[0].openFor);
    assert.ok(
      openFor < 8_000,
      `${openFor} ms: sooner than the library would on its own, which keeps it for a quarter of a minute`,
    );
  });
});
