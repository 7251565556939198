import assert from "node:assert/strict";
import { expectAccessible } from "./axe.mjs";
import {
  arrived,
  control,
  dialog,
  guest,
  joins,
  listed,
  MEDIA,
  seesAndHears,
  stage,
  tile,
  until,
  videoButton,
} from "./call.mjs";
import { callTest, expect, test } from "./fixtures.mjs";
import { newRoom } from "./people.mjs";

const NAME = "Test my connection";
const tested = (page) => page.getByRole("dialog", { name: NAME });

/** What each check came to, and the whole. A test takes a minute at most. */
async function outcome(page) {
  await tested(page)
    .getByRole("button", { name: "Run again" })
    .waitFor({ timeout: 2 * MEDIA });
  const rows = await tested(page)
    .locator("[data-check]")
    .evaluateAll((all) => all.map(({ dataset }) => [dataset.check, dataset.state]));
  return { ...Object.fromEntries(rows), summary: await tested(page).locator(".status").innerText() };
}

async function opensTool(page, name) {
  await control(page, "More options").click();
  await page.getByRole("menuitem", { name }).click();
  return page.getByRole("dialog", { name });
}

async function closes(shown) {
  await shown.getByRole("button", { name: "Close" }).click();
  await shown.waitFor({ state: "detached" });
}

const WORKS = { mic: "passed", camera: "passed", socket: "passed", udp: "passed", tcp: "passed", turn: "absent" };

callTest.describe("with a TURN relay", () => {
  callTest.use({ media: { turn: true } });

  callTest("a test passes before the call and in it, and nobody else notices", async ({ visitors, base, livekit }) => {
    const room = newRoom(base);
    const options = { permissions: ["clipboard-read", "clipboard-write", "camera", "microphone"] };
    const [ann, ben] = [await guest(visitors, "Ann", room, options), await guest(visitors, "Ben", room)];
    await joins(ben);

    await videoButton(ann);
    await dialog(ann).locator("video").waitFor({ timeout: MEDIA });
    await dialog(ann).getByRole("button", { name: NAME }).click();
    assert.deepEqual(await outcome(ann), { ...WORKS, turn: "passed", summary: "Everything works." });
    await expectAccessible(ann, "a connection test");
    const rooms = await livekit.rooms();
    assert.equal(rooms.length, 2, "the test has a LiveKit room of its own");
    assert.ok(
      rooms.some((name) => name.startsWith("test:")),
      `${rooms}`,
    );
    await expect(listed(ann), "Ann is not in the call by it").toHaveCount(1);
    await expect(listed(ann)).toContainText("Ben");
    await expect(stage(ben).locator(".tile")).toHaveCount(1);
    await tested(ann).getByRole("button", { name: "Copy the result" }).click();
    await tested(ann).getByRole("button", { name: "Copied" }).waitFor();
    const copied = await ann.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /^Sound and video over UDP: Passed$/m);
    assert.doesNotMatch(copied, /Ann|127\.0\.0\.1/);
    await closes(tested(ann));

    // The microphone and the camera of the preview were only looked at.
    await dialog(ann).getByRole("button", { name: "Join", exact: true }).click();
    await seesAndHears(ben, "Ann");
    await opensTool(ann, NAME);
    assert.deepEqual(await outcome(ann), { ...WORKS, turn: "passed", summary: "Everything works." });
    await closes(tested(ann));
    await seesAndHears(ann, "Ben");
    await seesAndHears(ben, "Ann");
  });
});

callTest.describe("the tools of a call", () => {
  callTest("statistics name nobody, and saving data holds for who joins later", async ({ visitors, base }) => {
    const room = newRoom(base);
    const options = { permissions: ["clipboard-read", "clipboard-write", "camera", "microphone"] };
    const ann = await guest(visitors, "Ann", room, options);
    await joins(ann);
    const saver = await opensTool(ann, "Save data");
    await saver.getByLabel("Small pictures, both ways").check();
    await expectAccessible(ann, "saving data");
    await closes(saver);
    const ben = await guest(visitors, "Ben", room);
    await joins(ben);
    await seesAndHears(ann, "Ben");
    const width = () =>
      tile(ann, "Ben")
        .locator("video")
        .evaluate((video) => video.videoWidth);
    await until("Ann receives the smallest picture", async () => (await width()) <= 320);
    await until("and sends no larger one", async () => (await layers(ann)).join() === "q");
    const { frames } = await arrived(ben);
    await until("which moves", async () => (await arrived(ben)).frames > frames);

    const stats = await opensTool(ann, "Statistics");
    const row = (name) => stats.locator("dl div").filter({ hasText: name }).locator("dd");
    await expect(row("Transport")).toHaveText("UDP");
    await expect(row("Save data")).toHaveText("Small pictures, both ways");
    await expect(row("Tile 1, my camera")).toHaveText(/^320×180, \d+ fps, VP8, [\d,]+ kbit\/s$/, { timeout: MEDIA });
    await expect(row("Tile 2, camera")).toHaveText(/^320×180, /);
    await expect(row("Sent")).toHaveText(/^[1-9][\d,]* kbit\/s, [\d.]+% lost$/, { timeout: MEDIA });
    await expectAccessible(ann, "statistics");
    await stats.getByRole("button", { name: "Copy" }).click();
    await stats.getByRole("button", { name: "Copied" }).waitFor();
    const copied = await ann.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /^LiveKit, client and server: 2\.\d+\.\d+, 1\.\d+\.\d+$/m);
    assert.match(copied, /^End-to-end encryption: off$/m);
    assert.doesNotMatch(copied, /Ann|Ben|127\.0\.0\.1|room/i);
    assert.ok(!copied.includes(new URL(room).pathname.slice(3)));
    await closes(stats);

    const again = await opensTool(ann, "Save data");
    await again.getByLabel("Hide other people’s cameras").check();
    await tile(ann, "Ben").locator("video").waitFor({ state: "detached" });
    await again.getByLabel("Off").check();
    await closes(again);
    await seesAndHears(ann, "Ben");
    await until("Ann sends larger pictures again", async () => (await layers(ann)).length > 1);
  });

  callTest("a weak connection asks once whether to stop the video", async ({ visitors, base }) => {
    const page = await guest(visitors, "Ann", newRoom(base));
    await page.evaluate(() => {
      const { setInterval } = window;
      // The page looks every two seconds.
      window.setInterval = (act, time) => setInterval(act, time === 2_000 ? 100 : time);
      const { getStats } = RTCPeerConnection.prototype;
      RTCPeerConnection.prototype.getStats = async function () {
        const stats = new Map(await getStats.call(this));
        stats.set("lossy", { id: "lossy", type: "remote-inbound-rtp", fractionLost: globalThis.lossy ? 0.3 : 0 });
        return stats;
      };
    });
    await joins(page);
    const hint = stage(page).getByRole("group", { name: "Your connection is weak" });
    await page.evaluate(() => (globalThis.lossy = true));
    await hint.getByRole("button", { name: "Keep it on" }).click();
    await hint.waitFor({ state: "detached" });
    // A new spell, after a good time.
    await page.evaluate(() => (globalThis.lossy = false));
    const looks = () => page.evaluate(() => globalThis.looks);
    await page.evaluate(() => {
      globalThis.looks = 0;
      const { getStats } = RTCPeerConnection.prototype;
      RTCPeerConnection.prototype.getStats = function () {
        globalThis.looks += 1;
        return getStats.call(this);
      };
    });
    await until("the connection is good for some time", async () => (await looks()) > 30);
    await expect(hint).toHaveCount(0);
    await page.evaluate(() => (globalThis.lossy = true));
    await hint.waitFor();
    await expectAccessible(page, "a weak connection");
    await hint.getByRole("button", { name: "Stop my video" }).click();
    await hint.waitFor({ state: "detached" });
    await control(page, "Turn camera on").click();
    const before = await looks();
    await until("the page has looked again", async () => (await looks()) > before + 10);
    await expect(hint, "once for each spell").toHaveCount(0);
  });
});

callTest.describe("without UDP", () => {
  callTest.use({ media: { rtc: { force_tcp: true } } });

  callTest("a test finds TCP, and says what suffers", async ({ visitors, base }) => {
    const page = await guest(visitors, "Ann", newRoom(base));
    await videoButton(page);
    await dialog(page).getByRole("button", { name: NAME }).click();
    assert.deepEqual(await outcome(page), { ...WORKS, udp: "limited", summary: "Calls work, with limits." });
    await expect(tested(page).locator("[data-check=udp]")).toContainText("allow UDP to the video server");
  });
});

test("a video server that cannot be reached is named with the fix", async ({ visitors, serve }) => {
  const secret = "a secret that is long enough for HS256";
  const { url } = await serve({ LIVEKIT_URL: "ws://127.0.0.1:1", LIVEKIT_API_KEY: "key", LIVEKIT_API_SECRET: secret });
  const page = await guest(visitors, "Ann", newRoom(url));
  await videoButton(page);
  await dialog(page).getByRole("button", { name: NAME }).click();
  const rest = { udp: "skipped", tcp: "skipped", turn: "skipped" };
  assert.deepEqual(await outcome(page), { ...WORKS, socket: "failed", ...rest, summary: "Calls don’t work here." });
  await expect(tested(page).locator("[data-check=socket]")).toContainText("LIVEKIT_URL has to be reachable from here");
});

/** The sizes in which a page sends its camera. */
function layers(page) {
  return page.evaluate(() =>
    globalThis.connections
      .filter((connection) => connection.connectionState === "connected")
      .flatMap((connection) => connection.getSenders())
      .filter(({ track }) => track?.kind === "video")
      .flatMap((sender) => sender.getParameters().encodings)
      .filter(({ active }) => active)
      .map(({ rid }) => rid),
  );
}
