import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { sound } from "./access.mjs";
import { startBoth } from "./livekit.mjs";
import { fits, hears, newRoom, say } from "./people.mjs";
import { startServer } from "./server.mjs";

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

const stage = (page) => page.getByRole("region", { name: "Call" });
const tile = (page, name) => stage(page).locator(".tile").filter({ hasText: name });
const control = (page, name) => stage(page).getByRole("button", { name, exact: true });
const dialog = (page) => page.getByRole("dialog", { name: "Join the call" });

/** Somebody in the room, whose connections can be asked how they are. */
async function guest(cast, name, room, options) {
  const context = await cast.context(options);
  await context.addInitScript((name) => {
    if (location.protocol !== "about:") localStorage.setItem("parlor.name", name);
    globalThis.connections = [];
    const Connection = globalThis.RTCPeerConnection;
    globalThis.RTCPeerConnection = class extends Connection {
      constructor(...given) {
        super(...given);
        globalThis.connections.push(this);
      }
    };
  }, name);
  const page = await context.newPage();
  await page.goto(room);
  if (room.includes("/r/")) await page.getByRole("log").waitFor();
  return page;
}

async function videoButton(page) {
  await page.getByRole("banner").getByRole("button", { name: /^Video/ }).click();
}

async function joins(page, { camera = true, mic = true } = {}) {
  await videoButton(page);
  await dialog(page).waitFor();
  await dialog(page).locator("video").waitFor();
  if (!camera) await dialog(page).getByRole("button", { name: "Camera", exact: true }).click();
  if (!mic) await dialog(page).getByRole("button", { name: "Microphone", exact: true }).click();
  await dialog(page).getByRole("button", { name: "Join", exact: true }).click();
  await stage(page).and(page.locator("[data-stage=on]")).waitFor();
}

/** What has arrived over all connections of a page. */
function arrived(page) {
  return page.evaluate(async () => {
    const sum = { frames: 0, loud: 0 };
    for (const connection of globalThis.connections) {
      if (connection.connectionState === "closed") continue;
      for (const stat of (await connection.getStats()).values()) {
        if (stat.type !== "inbound-rtp") continue;
        if (stat.kind === "video") sum.frames += stat.framesDecoded ?? 0;
        if (stat.kind === "audio") sum.loud = Math.max(sum.loud, stat.audioLevel ?? 0);
      }
    }
    return sum;
  });
}

async function until(what, ask) {
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((then) => setTimeout(then, 100))) {
    if (await ask()) return;
  }
  assert.fail(`in vain waited: ${what}`);
}

/** The picture of somebody else is there, moves, and sounds. */
async function seesAndHears(page, name) {
  const video = tile(page, name).locator("video");
  await video.waitFor();
  await until(`the picture of ${name} has a size`, () => video.evaluate((element) => element.videoWidth > 0));
  const { frames } = await arrived(page);
  await until(`the picture of ${name} moves`, async () => (await arrived(page)).frames > frames + 5);
  await until(`${name} can be heard`, async () => (await arrived(page)).loud > 0);
}

async function withBoth(settings, test) {
  const both = await startBoth(settings);
  try {
    await test(both, both.server.url);
  } finally {
    await both.stop();
  }
}

export default {
  async "two people see and hear each other, and everybody sees that they are in the call"({ cast }) {
    await withBoth({}, async (livekit, base) => {
      const room = newRoom(base);
      const [ann, ben, cy] = [await guest(cast, "Ann", room), await guest(cast, "Ben", room), await guest(cast, "Cy", room)];
      await videoButton(ann);
      await dialog(ann).locator("video").waitFor();
      await until("the microphone moves its meter", () => dialog(ann).locator("meter").evaluate((meter) => meter.value > 0));
      await sound(ann, "before the call");
      await dialog(ann).getByRole("button", { name: "Join", exact: true }).click();
      await ann.getByText("Nobody else is in the call yet").waitFor();
      await joins(ben);
      await seesAndHears(ann, "Ben");
      await seesAndHears(ben, "Ann");
      await sound(ann, "in the call");

      const listed = cy.getByRole("list", { name: "People" }).getByRole("listitem").filter({ hasText: "in the call" });
      await until("Cy sees two in the call", async () => (await listed.count()) === 2);
      await cy.getByRole("button", { name: /Video.*2 in the call/ }).waitFor();
      const dan = await guest(cast, "Dan", room);
      await until("so does a newcomer", async () => (await dan.getByRole("listitem").filter({ hasText: "in the call" }).count()) === 2);

      await ann.keyboard.press("Alt+KeyM");
      await tile(ben, "Ann").getByText("microphone off").waitFor({ state: "attached" });
      await ann.keyboard.press("Alt+KeyH");
      await tile(ben, "Ann").getByText("hand raised").waitFor({ state: "attached" });
      await control(ann, "Turn camera off").click();
      await tile(ben, "Ann").locator("video").waitFor({ state: "detached" });
      await control(ann, "Turn camera on").click();
      await tile(ben, "Ann").locator("video").waitFor();

      await control(ann, "Share screen").click();
      const screen = stage(ben).locator(".tile[data-screen=true] video");
      await until("the screen arrives", async () => (await screen.count()) === 1 && screen.evaluate((element) => element.videoWidth > 0));
      await ben.keyboard.press("Alt+KeyG");
      await stage(ben).locator(".tile.large[data-screen=true]").waitFor();
      await control(ann, "Stop sharing").click();
      await screen.waitFor({ state: "detached" });

      await say(cy, "you look well");
      await hears(ann, "you look well");
      assert.equal((await livekit.rooms()).length, 1);

      // A tile never outlives its member.
      await ben.getByRole("banner").getByRole("button", { name: "Leave" }).click();
      await tile(ann, "Ben").waitFor({ state: "detached" });
      await control(ann, "Leave the call").click();
      await until("nobody is in the call", async () => (await cy.getByRole("listitem").filter({ hasText: "in the call" }).count()) === 0);
      for (const page of [ann, cy, dan]) await page.getByRole("banner").getByRole("button", { name: "Leave" }).click();
      await until("LiveKit has no room any more", async () => (await livekit.rooms()).length === 0);
    });
  },

  async "one comes with a camera, one with a microphone, one with neither, one on a phone by night"({ cast }) {
    await withBoth({}, async (_, base) => {
      const room = newRoom(base);
      const eye = await guest(cast, "Eye", room);
      const ear = await guest(cast, "Ear", room, { ...PHONE, colorScheme: "dark" });
      const ghost = await guest(cast, "Ghost", room);
      await joins(eye, { mic: false });
      await joins(ear, { camera: false });
      await joins(ghost, { camera: false, mic: false });
      for (const page of [ear, ghost]) await tile(page, "Eye").locator("video").waitFor();
      await tile(ghost, "Eye").getByText("microphone off").waitFor({ state: "attached" });
      await until("Ear is heard", async () => (await arrived(ghost)).loud > 0);
      assert.equal(await tile(ghost, "Ear").locator("video").count(), 0);
      await until("Ear sees all three", async () => (await stage(ear).locator(".tile").count()) === 3);
      await fits(ear);
      await sound(ear, "in the call on a phone by night");
    });
  },

  async "a camera that is refused says how to allow it, and the call goes on without"({ cast }) {
    await withBoth({}, async (_, base) => {
      const page = await guest(cast, "Ann", newRoom(base));
      await page.evaluate(() => {
        navigator.mediaDevices.getUserMedia = async (wish) => {
          throw new DOMException("", wish.video ? "NotAllowedError" : "NotFoundError");
        };
      });
      await videoButton(page);
      await page.getByText("does not let this page use the camera").waitFor();
      await page.getByText("There is no such microphone").waitFor();
      await sound(page, "refused devices");
      await dialog(page).getByRole("button", { name: "Join", exact: true }).click();
      await stage(page).and(page.locator("[data-stage=on]")).waitFor();
      await control(page, "Turn camera on").click();
      await stage(page).getByText("does not let this page use the camera").waitFor();
    });
  },

  async "LiveKit dies in the middle of a call: chat goes on, the page says so, and video comes back with it"({ cast }) {
    await withBoth({}, async (livekit, base) => {
      const room = newRoom(base);
      const [ann, ben] = [await guest(cast, "Ann", room), await guest(cast, "Ben", room)];
      await joins(ann);
      await joins(ben);
      await seesAndHears(ann, "Ben");
      await livekit.kill();
      await ann.getByText("The call was interrupted").waitFor({ timeout: 60_000 });
      await say(ben, "can you read me?");
      await hears(ann, "can you read me?");
      await livekit.start();
      for (const page of [ann, ben]) await stage(page).and(page.locator("[data-stage=on]")).waitFor({ timeout: 60_000 });
      await seesAndHears(ann, "Ben");
      await seesAndHears(ben, "Ann");
    });
  },

  async "a room made here is locked: words and pictures reach whoever has the link, and nobody else"({ cast }) {
    await withBoth({}, async (_, base) => {
      const maker = await guest(cast, "Ann", base, {});
      await maker.getByRole("button", { name: "Create a room" }).click();
      await maker.getByRole("log").waitFor();
      const link = maker.url();
      assert.match(link, /\/r\/[a-z-]+#[\w-]{43}$/);
      await say(maker, "the treasure lies under the lamp");
      await hears(maker, "the treasure");
      await maker.getByRole("button", { name: "End-to-end encrypted" }).click();
      await sound(maker, "the lock explained");
      await maker.keyboard.press("Escape");

      const ben = await guest(cast, "Ben", link);
      await hears(ben, "the treasure lies under the lamp");
      await say(ben, "под лампой 🪔");
      await hears(maker, "под лампой 🪔");
      await maker.reload();
      await hears(maker, "the treasure lies under the lamp");
      await hears(maker, "под лампой 🪔");

      const [plain] = link.split("#");
      const bare = await guest(cast, "Bare", plain);
      await bare.getByText("you came without the key").waitFor();
      const kept = await bare.evaluate(
        (room) =>
          new Promise((then) => {
            const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws?name=Spy&room=${room}`);
            socket.onmessage = ({ data }) => JSON.parse(data).history && then(JSON.parse(data).history.map((chat) => chat.text));
          }),
        plain.split("/r/")[1],
      );
      assert.equal(kept.length, 2);
      for (const text of kept) assert.match(text, /^sealed1\.[\w-]+$/, "the server has nothing else");

      const other = `${plain}#${"A".repeat(43)}`;
      const eve = await guest(cast, "Eve", other);
      await eve.getByText("another key than yours").waitFor();
      for (const page of [bare, eve]) assert.doesNotMatch(await page.locator("body").innerText(), /treasure|лампой/);

      await joins(maker);
      await joins(ben);
      await seesAndHears(maker, "Ben");
      await seesAndHears(ben, "Ann");
      await joins(eve);
      await eve.getByText("you cannot see or hear each other").waitFor();
      const seen = await stage(eve).locator(".tile:not([data-identity=''])").filter({ hasText: /Ann|Ben/ }).locator("video").evaluateAll((all) => all.map((video) => video.videoWidth));
      assert.ok(seen.every((width) => width === 0), `Eve sees no picture: ${seen}`);
      assert.equal((await arrived(eve)).frames, 0);
      assert.equal((await arrived(eve)).loud, 0);
      await seesAndHears(maker, "Ben");
    });
  },

  async "without LiveKit the button says what is missing"({ cast, base }) {
    const page = await cast.guest("Ann", newRoom(base));
    await videoButton(page);
    await page.getByRole("dialog").getByText("LIVEKIT_API_SECRET").waitFor();
    await sound(page, "no video here");
  },

  async "an address that is no LiveKit is given up with a word"({ cast }) {
    cast.expected = /WebSocket connection to|net::ERR_|the server responded with a status of 404/;
    // Open to every page and answering everything with 404: LiveKit's library would ask it for ever.
    const stranger = createServer((_, answer) => answer.writeHead(404, { "access-control-allow-origin": "*" }).end()).listen(0, "127.0.0.1");
    await once(stranger, "listening");
    const url = `ws://127.0.0.1:${stranger.address().port}`;
    const server = await startServer({ LIVEKIT_URL: url, LIVEKIT_API_KEY: "key", LIVEKIT_API_SECRET: "a secret that is long enough for HS256" });
    try {
      const page = await guest(cast, "Ann", newRoom(server.url));
      await videoButton(page);
      await dialog(page).getByRole("button", { name: "Join", exact: true }).click();
      await page.getByText("The video server does not answer").waitFor({ timeout: 60_000 });
      await page.getByRole("button", { name: "Join again" }).waitFor();
      await say(page, "chat goes on");
      await hears(page, "chat goes on");
    } finally {
      await server.stop();
      stranger.close();
    }
  },
};
