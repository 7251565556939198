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
import { pluggable, unplug } from "./machine.mjs";
import { hears, newRoom, say } from "./people.mjs";

/** The ids of the cameras that are listed. */
const cameras = (page) =>
  page.evaluate(async () =>
    (await navigator.mediaDevices.enumerateDevices())
      .filter(({ kind }) => kind === "videoinput")
      .map(({ deviceId }) => deviceId),
  );

/** The meter in the open dialog moves. */
const hearsItself = (page) =>
  until("the level of the microphone moves", () =>
    page
      .getByRole("dialog")
      .getByRole("meter", { name: "Microphone level" })
      .evaluate((meter) => meter.value > 0),
  );

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

    await control(ann, "Devices").click();
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
    await hearsItself(ann);
    await ann.keyboard.press("Escape");
    await seesAndHears(ben, "Ann");
    await seesAndHears(ann, "Ben");
    await control(ann, "Leave the call").click();
    await videoButton(ann);
    await dialog(ann).locator("video").waitFor({ timeout: MEDIA });
    await until("the devices chosen last are chosen again", async () => {
      const shown = [];
      for (const name of ["Camera", "Microphone", "Speaker"]) shown.push(await chooser(ann, name).inputValue());
      return shown.join() === [...now, speaker].join();
    });
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
    const shortcuts = await toolbar.locator("[aria-keyshortcuts]").count();
    assert.equal(await toolbar.locator("[title*='(Alt+']").count(), shortcuts);
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
    await page.evaluate(() => delete navigator.mediaDevices.getUserMedia);
    await stage(page).getByRole("button", { name: "Try again" }).click();
    await control(page, "Turn camera off").waitFor();
    await expect(stage(page).getByText("The browser blocked the camera")).toHaveCount(0);
  });

  test("an unplugged device is named and replaced, and comes back when the user wants it", async ({
    visitors,
    base,
  }) => {
    const page = await guest(visitors, "Ann", newRoom(base));
    const DEPTH = "fake_device_1";
    await pluggable(page);
    await unplug(page, DEPTH);
    await joins(page);
    const said = (text) => stage(page).getByText(text);
    const [first] = await cameras(page);
    await until("both are sent", async () => (await sending(page)).length === 2);
    await unplug(page, DEPTH, "fake_device_0");
    await said("fake_device_0 was unplugged. Now using fake_device_2.").waitFor();
    await until("the other camera is sent", async () => {
      const now = await sending(page);
      return now.length === 2 && !now.includes(first);
    });
    await unplug(page, DEPTH, "fake_device_0", "fake audio input", "fake default audio input");
    await said("There is no other microphone, so nobody can hear you.").waitFor();
    await expectAccessible(page, "devices that are gone");
    await unplug(page, DEPTH);
    await stage(page).getByRole("button", { name: "Use fake_device_0" }).click();
    await until("the first camera is sent again", async () => (await sending(page)).includes(first));
    await expect(said("fake_device_0")).toHaveCount(0);
    await stage(page)
      .getByRole("button", { name: /^Use .*Audio Input/ })
      .click();
    await control(page, "Mute").waitFor();
  });

  test("a muted member is heard while Space is held, once they have asked for it", async ({ visitors, base }) => {
    const page = await guest(visitors, "Ann", newRoom(base));
    await joins(page, { camera: false, mic: false });
    const heard = stage(page).getByText("You can be heard");
    await stage(page).focus();
    await page.keyboard.down("Space");
    await page.keyboard.up("Space");
    await control(page, "Devices").click();
    await page.getByRole("switch", { name: "Push-to-talk" }).click();
    await page.keyboard.press("Escape");
    await stage(page).getByText("Hold Space or the microphone button to speak.").waitFor();
    await stage(page).focus();
    await page.keyboard.down("Space");
    await heard.waitFor();
    await control(page, "Mute").waitFor();
    await page.keyboard.up("Space");
    await control(page, "Unmute").waitFor();
    for (const away of ["blur", "pagehide"]) {
      await page.keyboard.down("Space");
      await heard.waitFor();
      await page.evaluate((away) => dispatchEvent(new Event(away)), away);
      await control(page, "Unmute").waitFor();
      await page.keyboard.up("Space");
    }
    await say(page, "a word in spaces");
    await hears(page, "a word in spaces");
    assert.equal(await heard.count(), 0, "what is typed is not spoken");
    await control(page, "Unmute").waitFor();
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
