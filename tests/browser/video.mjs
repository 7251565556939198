import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { PHONE, sound } from "./access.mjs";
import {
  arrived,
  control,
  dialog,
  guest,
  inCall,
  joins,
  leaves,
  listed,
  MEDIA,
  seesAndHears,
  sending,
  stage,
  tile,
  until,
  videoButton,
  withBoth,
} from "./call.mjs";
import { Cast, fits, hears, launch, newRoom, remember, say } from "./people.mjs";
import { freePort, startServer } from "./server.mjs";

const newKey = () => randomBytes(32).toString("base64url");

/** The whole of a call, in a room with a key and in one without. */
const wholeCall =
  (key, lock) =>
  async ({ cast }) => {
    await withBoth(cast, async (livekit, base) => {
      const plain = newRoom(base);
      const room = plain + key;
      const [ann, ben, cy] = [
        await guest(cast, "Ann", room),
        await guest(cast, "Ben", room),
        await guest(cast, "Cy", room),
      ];
      await videoButton(ann);
      await dialog(ann).locator("video").waitFor({ timeout: MEDIA });
      await until("the microphone moves its meter", () =>
        dialog(ann)
          .locator("meter")
          .evaluate((meter) => meter.value > 0),
      );
      await sound(ann, "before the call");
      await dialog(ann).getByRole("button", { name: "Join", exact: true }).click();
      await ann.getByText("Nobody else is in the call yet").waitFor();
      await joins(ben);
      await seesAndHears(ann, "Ben");
      await seesAndHears(ben, "Ann");
      await sound(ann, "in the call");
      assert.deepEqual(await livekit.locks(plain.split("/r/")[1]), [lock, lock, lock, lock]);
      assert.equal(await stage(ann).locator(".lock").count(), 0, "nobody is said to lack the key");

      await until("Cy sees two in the call", async () => (await listed(cy).count()) === 2);
      await cy.getByRole("button", { name: /Video.*2 in the call/ }).waitFor();
      const dan = await guest(cast, "Dan", room);
      await until("so does a newcomer", async () => (await listed(dan).count()) === 2);

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
      await sound(ben, "a shared screen");
      await control(ann, "Stop sharing").click();
      await screen.waitFor({ state: "detached", timeout: MEDIA });
      await control(ben, "Speaker view").click();
      await stage(ben).locator(".tile.large").filter({ hasText: "Ann" }).waitFor();

      await say(cy, "you look well");
      await hears(ann, "you look well");
      assert.equal((await livekit.rooms()).length, 1);

      await leaves(ben);
      await tile(ann, "Ben").waitFor({ state: "detached" });
      await control(ann, "Leave the call").click();
      await until("nobody is in the call", async () => (await listed(cy).count()) === 0);
      for (const page of [ann, cy, dan]) await leaves(page);
      await until("LiveKit has no room any more", async () => (await livekit.rooms()).length === 0);
    });
  };

const TONGUES = {
  en: { locale: "en-US", join: "Join", devices: "Camera, microphone and speaker" },
  ru: { locale: "ru-RU", join: "Присоединиться", devices: "Камера, микрофон и динамик" },
};

export default {
  "two people see and hear each other in a room without a key, and everybody sees that they are in the call": wholeCall(
    "",
    "NONE",
  ),
  "two people see and hear each other in a room with a key, and LiveKit carries what it cannot read": wholeCall(
    `#${newKey()}`,
    "GCM",
  ),

  async "one comes with a camera, one with a microphone, one with neither"({ cast }) {
    await withBoth(cast, async (_, base) => {
      const room = newRoom(base);
      const [eye, ear, ghost] = [
        await guest(cast, "Eye", room),
        await guest(cast, "Ear", room),
        await guest(cast, "Ghost", room),
      ];
      await joins(eye, { mic: false });
      await joins(ear, { camera: false });
      await joins(ghost, { camera: false, mic: false });
      for (const page of [ear, ghost]) await tile(page, "Eye").locator("video").waitFor({ timeout: MEDIA });
      await tile(ghost, "Eye").getByText("microphone off").waitFor({ state: "attached" });
      await until("Ear is heard", async () => (await arrived(ghost)).loud > 0);
      assert.equal(await tile(ghost, "Ear").locator("video").count(), 0);
      await until("Ear sees all three", async () => (await stage(ear).locator(".tile").count()) === 3);
    });
  },

  async "a call is sound on a phone, by light and by night, in both languages"({ cast }) {
    await withBoth(cast, async (_, base) => {
      const room = newRoom(base);
      await joins(await guest(cast, "Somebody with a rather long name", room));
      for (const colorScheme of ["light", "dark"]) {
        for (const { locale, join, devices } of Object.values(TONGUES)) {
          const where = `${colorScheme} ${locale}`;
          const page = await guest(cast, "Ann", room, { ...PHONE, colorScheme, locale });
          await videoButton(page);
          await page.getByRole("dialog").locator("video").waitFor({ timeout: MEDIA });
          await sound(page, `before the call, ${where}`);
          await fits(page);
          await page.getByRole("dialog").getByRole("button", { name: join, exact: true }).click();
          await inCall(page);
          await page.locator(".tile", { hasText: "Somebody" }).locator("video").waitFor({ timeout: MEDIA });
          await sound(page, `in the call, ${where}`);
          await fits(page);
          const bar = await page.getByRole("toolbar").getByRole("button").all();
          for (const button of bar) assert.ok((await button.boundingBox()).height >= 40, "a finger hits it");
          await page.getByRole("button", { name: devices, exact: true }).tap();
          await page.getByRole("dialog").locator("select").first().waitFor();
          await sound(page, `devices, ${where}`);
          await fits(page);
          await page.context().close();
        }
      }
    });
  },

  async "camera, microphone and speaker are chosen before the call and changed in it"({ cast }) {
    await withBoth(cast, async (_, base) => {
      const room = newRoom(base);
      const [ann, ben] = [await guest(cast, "Ann", room), await guest(cast, "Ben", room)];
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
      await until("the devices have names", async () => (await chooser(ann, "Camera").locator("option").count()) === 4);
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
  },

  async "each control names its shortcut and obeys it"({ cast }) {
    await withBoth(cast, async (_, base) => {
      const page = await guest(cast, "Ann", newRoom(base));
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
  },

  async "a picture floats over other windows"({ cast }) {
    await withBoth(cast, async (_, base) => {
      const room = newRoom(base);
      const [ann, ben] = [await guest(cast, "Ann", room), await guest(cast, "Ben", room)];
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
  },

  async "where the browser wants a click before it plays sound, one button does it"() {
    const strict = await launch(["--autoplay-policy=document-user-activation-required"]);
    const cast = new Cast(strict);
    try {
      await withBoth(cast, async (_, base) => {
        const room = newRoom(base);
        await joins(await guest(cast, "Ben", room));
        const context = await cast.context();
        await remember(context, "Ann");
        const ann = await context.newPage();
        await ann.goto(room);
        // Whatever else is asked of a page counts as a click there; this does not.
        const session = await context.newCDPSession(ann);
        const ask = async (expression) =>
          (await session.send("Runtime.evaluate", { expression, userGesture: false, returnByValue: true })).result
            .value;
        const click = (selector, text) =>
          ask(
            `[...document.querySelectorAll(${JSON.stringify(selector)})].find((e) => ${text}.test(e.textContent + e.ariaLabel))?.click() === undefined`,
          );
        await until("the room is open", () => ask("document.querySelector('[role=log]') !== null"));
        await click("header button", "/Video/");
        await until("the devices are on", () =>
          ask(
            "document.querySelector('dialog video') !== null && document.querySelectorAll('dialog select')[1]?.length > 1",
          ),
        );
        // A page that uses the microphone may play sound in some browsers.
        for (const device of ["/^Camera$|nullCamera|^\\s*Camera/", "/Microphone/"])
          await click("dialog .choice button", device);
        await click("dialog button.solid", "/Join/");
        await until("Ann is in the call", () => ask("document.querySelector('[data-stage=on]') !== null"));
        await until("sound waits for a click", () =>
          ask("[...document.querySelectorAll('button')].some((e) => e.textContent === 'Tap for sound')"),
        );
        const silent = () => ask("[...document.querySelectorAll('audio')].every((audio) => audio.paused)");
        assert.ok(await silent(), "nothing plays before the click");
        await stage(ann).getByRole("button", { name: "Tap for sound" }).click();
        await stage(ann).getByRole("button", { name: "Tap for sound" }).waitFor({ state: "detached" });
        await until("Ben's voice plays", async () => !(await silent()));
      });
      await cast.close();
    } finally {
      await strict.close();
    }
  },

  async "a camera that is refused says how to allow it, and the call goes on without"({ cast }) {
    await withBoth(cast, async (_, base) => {
      const page = await guest(cast, "Ann", newRoom(base));
      await page.evaluate(() => {
        navigator.mediaDevices.getUserMedia = async (wish) => {
          throw new DOMException("", wish.video ? "NotAllowedError" : "NotFoundError");
        };
      });
      await videoButton(page);
      await page.getByText("The browser blocked the camera").waitFor();
      await page.getByText("No microphone found").waitFor();
      await sound(page, "refused devices");
      await dialog(page).getByRole("button", { name: "Join", exact: true }).click();
      await inCall(page);
      await control(page, "Turn camera on").click();
      await stage(page).getByText("The browser blocked the camera").waitFor();
    });
  },

  async "a tile and a voice never outlive their member, whatever LiveKit says"({ cast }) {
    await withBoth(cast, async (livekit, base) => {
      const room = newRoom(base);
      const [ann, ben] = [await guest(cast, "Ann", room), await guest(cast, "Ben", room)];
      await joins(ann);
      await joins(ben);
      await seesAndHears(ann, "Ben");
      // LiveKit sends no webhook now.
      livekit.sleep();
      try {
        await leaves(ben);
        await until("one tile is left", async () => (await stage(ann).locator(".tile").count()) === 1);
        await tile(ann, "Ann").waitFor();
        await until("nobody is heard who is not seen", () =>
          ann.locator("audio").evaluateAll((all) => all.every((audio) => audio.muted)),
        );
      } finally {
        livekit.wake();
      }
    });
  },

  async "LiveKit dies in the middle of a call: chat goes on, the page says so, and video comes back with it"({ cast }) {
    await withBoth(cast, async (livekit, base) => {
      const room = `${newRoom(base)}#${newKey()}`;
      const [ann, ben] = [await guest(cast, "Ann", room), await guest(cast, "Ben", room)];
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
    });
  },

  async "who gets another seat because the server has died gets another place in the call, and no device is asked for again"({
    cast,
  }) {
    await withBoth(cast, async (both, base) => {
      const room = newRoom(base);
      const [ann, ben] = [await guest(cast, "Ann", room), await guest(cast, "Ben", room)];
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
      await both.rebirth();
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
    });
  },

  async "whoever hangs up while the browser still asks for the camera is not filmed afterwards"({ cast }) {
    await withBoth(cast, async (_, base) => {
      const page = await guest(cast, "Ann", newRoom(base));
      await videoButton(page);
      await dialog(page).locator("video").waitFor({ timeout: MEDIA });
      for (const name of ["Camera", "Microphone"])
        await dialog(page).getByRole("button", { name, exact: true }).click();
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
  },

  async "LiveKit is away for longer than its own library waits, and the call still comes back"({ cast }) {
    await withBoth(cast, async (livekit, base) => {
      const room = newRoom(base);
      const [ann, ben] = [await guest(cast, "Ann", room), await guest(cast, "Ben", room)];
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
    });
  },

  async "the part of the page that makes video is loaded by whoever turns to it, and by nobody else"({ cast }) {
    await withBoth(cast, async (_, base) => {
      const page = await guest(cast, "Ann", `${newRoom(base)}#${newKey()}`);
      const loads = [];
      page.on("requestfinished", (request) => loads.push(request));
      const video = page.waitForRequest(/\/assets\/VideoCall/);
      await page
        .getByRole("banner")
        .getByRole("button", { name: /^Video/ })
        .hover();
      await video;
      await joins(page);
      let bytes = 0;
      for (const request of loads)
        if (/\/assets\//.test(request.url())) bytes += (await request.sizes()).responseBodySize;
      console.log(`     video: ${bytes} bytes of script and style, ${loads.length} requests`);
      assert.ok(bytes > 100_000, "it was not there before");
      assert.ok(bytes <= 160_000, `${bytes} bytes are more than 160 kB`);
    });
  },

  async "without LiveKit the button says what is missing"({ cast, base }) {
    const page = await cast.guest("Ann", newRoom(base));
    await videoButton(page);
    await page.getByRole("dialog").getByText("For the operator").click();
    await page.getByRole("dialog").getByText("LIVEKIT_API_SECRET").waitFor();
    await sound(page, "no video here");
  },

  async "an address that is no LiveKit is given up with a word"({ cast }) {
    cast.expected = /WebSocket connection to|net::ERR_|the server responded with a status of 404/;
    // Open to every page and answering everything with 404: LiveKit's library would ask it for ever.
    const stranger = createServer((_, answer) =>
      answer.writeHead(404, { "access-control-allow-origin": "*" }).end(),
    ).listen(0, "127.0.0.1");
    await once(stranger, "listening");
    const url = `ws://127.0.0.1:${stranger.address().port}`;
    const settings = { LIVEKIT_URL: url, LIVEKIT_API_URL: "ws://127.0.0.1:1" };
    const server = await startServer({
      ...settings,
      LIVEKIT_API_KEY: "key",
      LIVEKIT_API_SECRET: "a secret that is long enough for HS256",
    });
    try {
      const page = await guest(cast, "Ann", newRoom(server.url));
      await videoButton(page);
      await dialog(page).getByRole("button", { name: "Join", exact: true }).click();
      await page.getByText("try the call again in a moment").waitFor({ timeout: 60_000 });
      await page.getByRole("button", { name: "Join again" }).waitFor();
      await say(page, "chat goes on");
      await hears(page, "chat goes on");
    } finally {
      await server.stop();
      stranger.close();
    }
  },

  async "a page that is reloaded in a call offers to rejoin it, once"({ cast }) {
    cast.expected = /WebSocket connection to|net::ERR_|the server responded with a status of (404|503)/;
    const settings = {
      LIVEKIT_URL: `ws://127.0.0.1:${await freePort()}`,
      LIVEKIT_API_KEY: "key",
      LIVEKIT_API_SECRET: "a secret that is long enough for HS256",
    };
    const server = await startServer(settings);
    try {
      const page = await guest(cast, "Ann", newRoom(server.url));
      await videoButton(page);
      await dialog(page).getByRole("button", { name: "Join", exact: true }).click();
      await stage(page).waitFor();
      await page.reload();
      await page.getByRole("button", { name: "Rejoin the call" }).click();
      await dialog(page).getByRole("button", { name: "Join", exact: true }).click();
      await stage(page).waitFor();
      await page.reload();
      await page.getByRole("button", { name: "Not now" }).click();
      await page.reload();
      await page.getByRole("log").waitFor();
      assert.equal(await page.getByRole("button", { name: "Rejoin the call" }).count(), 0);
    } finally {
      await server.stop();
    }
  },
};
