import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { arrived, control, guest, joins, seesAndHears, sending, tile, until } from "./call.mjs";
import { callTest as test, expect } from "./fixtures.mjs";
import { newRoom } from "./people.mjs";

/** How much neighbouring pixels of a member's picture differ: little where it is blurred. */
function sharpness(page, name) {
  return tile(page, name)
    .locator("video")
    .evaluate((video) => {
      const [width, height] = [320, 180];
      const canvas = new OffscreenCanvas(width, height).getContext("2d");
      canvas.drawImage(video, 0, 0, width, height);
      const { data } = canvas.getImageData(0, 0, width, height);
      let sum = 0;
      for (let at = 4; at < data.length; at += 4) sum += Math.abs(data[at + 1] - data[at - 3]);
      return sum / (width * height);
    });
}

/** A camera of few pixels: without a graphics processor, as here, a large picture takes seconds. */
function smallCamera(page) {
  return page.evaluate(() => {
    const { mediaDevices } = navigator;
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = ({ video, ...wish }) =>
      open(video ? { ...wish, video: { deviceId: video.deviceId, width: 320, height: 180, frameRate: 10 } } : wish);
    MediaStreamTrack.prototype.applyConstraints = async () => {};
  });
}

test.describe("effects", () => {
  // What the program that finds people prints goes to the console as an error.
  test.beforeEach(({ visitors }) => void (visitors.expected = /^INFO: /));

  test("background and noise are taken out of what an encrypted call sends, once that is chosen", async ({
    visitors,
    livekit,
    base,
  }) => {
    const plain = newRoom(base);
    const room = `${plain}#${randomBytes(32).toString("base64url")}`;
    const [ann, ben] = [await guest(visitors, "Ann", room), await guest(visitors, "Ben", room)];
    await smallCamera(ann);
    const loaded = [];
    ann.on("request", (request) => loaded.push(request.url()));
    const effects = () => loaded.filter((url) => /wasm|tflite|worklet|\/blur-|\/noise-/i.test(url));
    await Promise.all([joins(ann), joins(ben, { camera: false, mic: false })]);
    await seesAndHears(ben, "Ann");
    const sharp = await sharpness(ben, "Ann");
    assert.deepEqual(effects(), [], "nothing is loaded for what is off");
    const devices = await sending(ann);
    const direct = async () => (await sending(ann)).filter((id) => devices.includes(id)).length;
    assert.equal(await direct(), 2, "what devices give is sent as it is");

    await control(ann, "Devices").click();
    const noise = ann.getByRole("switch", { name: "Suppress noise" });
    const blur = ann.getByRole("switch", { name: "Blur my background" });
    for (const one of [noise, blur]) await expect(one).not.toBeChecked();
    await noise.click();
    await until("the microphone goes through the effect", async () => (await direct()) === 1);
    const { packets } = await arrived(ben);
    await until("sound goes on", async () => (await arrived(ben)).packets > packets + 50);
    await until("and is no silence", async () => (await arrived(ben)).loud > 0);
    assert.ok(effects().some((url) => /\/rnnoise.*\.wasm$/.test(url)) && !effects().some((url) => /vision/.test(url)));

    await blur.click();
    await until("the picture is blurred", async () => (await sharpness(ben, "Ann")) < (sharp * 2) / 3);
    assert.equal(await direct(), 0);
    assert.ok(loaded.every((url) => new URL(url).host === new URL(base).host || /\/rtc|\/settings/.test(url)));
    await ann.keyboard.press("Escape");

    await control(ann, "Turn camera off").click();
    await tile(ben, "Ann").locator("video").waitFor({ state: "detached" });
    await control(ann, "Turn camera on").click();
    await seesAndHears(ben, "Ann");
    assert.ok((await sharpness(ben, "Ann")) < (sharp * 2) / 3, "the picture is blurred after the camera was off, too");
    const encryption = await livekit.encryption(plain.split("/r/")[1]);
    assert.deepEqual(new Set(encryption), new Set(["GCM"]), "effects are put on before encryption");

    await control(ann, "Devices").click();
    await expect(blur).toBeChecked();
    await blur.click();
    await until("the picture is sharp again", async () => (await sharpness(ben, "Ann")) > sharp * 0.8);
    await expect(noise).toBeChecked();
    assert.equal(await ann.evaluate(() => localStorage.getItem("parlor.effects")), "noise");
  });
});
