import assert from "node:assert/strict";
import { expect, test } from "./fixtures.mjs";
import { hears, inRoom, newRoom, remember, say } from "./people.mjs";

const GRANTED = { permissions: ["notifications"] };
const KEYED = `#${"A".repeat(43)}`;

async function openMenu(page) {
  await page.getByRole("button", { name: "More" }).click();
  const menu = page.getByRole("dialog", { name: "More" });
  await menu.waitFor();
  return menu;
}

async function turnOn(page, ...names) {
  const menu = await openMenu(page);
  for (const name of names) {
    await menu.getByRole("switch", { name, exact: true }).click();
    await expect(menu.getByRole("switch", { name, exact: true })).toBeChecked();
  }
  await page.keyboard.press("Escape");
  await menu.waitFor({ state: "detached" });
}

/** As when another tab is in front. */
const look = (page, hidden) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

const notifications = (page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration("/");
    const all = (await registration?.getNotifications()) ?? [];
    return all.map(({ title, body }) => `${title}: ${body}`);
  });

const told = (page, expected) => expect.poll(() => notifications(page)).toEqual(expected);

test.describe("nudge", () => {
  test("nothing is asked, registered or told before the person wants it", async ({ visitors, base }) => {
    const room = newRoom(base);
    const page = await visitors.page(GRANTED);
    await remember(page, "Ann");
    await page.addInitScript(() => {
      globalThis.asked = 0;
      Notification.requestPermission = async () => ((globalThis.asked += 1), "granted");
    });
    await page.goto(room);
    await inRoom(page);
    const ben = await visitors.guest("Ben", room);
    await look(page, true);
    await say(ben, "psst");
    await page.waitForFunction(() => document.title.startsWith("(1) "));
    await look(page, false);
    const menu = await openMenu(page);
    for (const one of await menu.getByRole("switch").all()) assert.ok(!(await one.isChecked()), "all is off at first");
    assert.equal(await page.evaluate(() => globalThis.asked), 0);
    assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
  });

  test("a message out of sight is told, only then, and the notification goes when the room is seen", async ({
    visitors,
    base,
  }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room, GRANTED);
    const ben = await visitors.guest("Ben", room);
    await turnOn(ann, "Notifications");
    await say(ben, "seen");
    await hears(ann, "seen");
    await told(ann, []);
    await look(ann, true);
    await say(ben, "psst");
    await told(ann, ["Ben: psst"]);
    await say(ben, "hello?");
    await told(ann, ["2 new messages: Ben: hello?"]);
    await look(ann, false);
    await told(ann, []);

    // A reload keeps the choice, and asks for nothing again.
    await ann.reload();
    await inRoom(ann);
    await look(ann, true);
    await say(ben, "after the reload");
    await told(ann, ["Ben: after the reload"]);
    // In sight again by a click on it: the worker knows this tab.
    const worker = ann.context().serviceWorkers()[0];
    const focused = await worker.evaluate(async () => {
      const [notification] = await self.registration.getNotifications();
      const client = await self.clients.get(notification.data.client);
      return client?.url ?? "";
    });
    assert.equal(focused, room);

    await look(ann, false);
    const menu = await openMenu(ann);
    await menu.getByRole("switch", { name: "Notifications" }).click();
    await expect(menu.getByRole("switch", { name: "Notifications" })).not.toBeChecked();
    await expect
      .poll(() => ann.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length))
      .toBe(0);
  });

  test("of a room with a key no text is shown, unless that is chosen", async ({ visitors, base }) => {
    const room = newRoom(base) + KEYED;
    const ann = await visitors.guest("Ann", room, GRANTED);
    const ben = await visitors.guest("Ben", room);
    await turnOn(ann, "Notifications");
    await look(ann, true);
    await say(ben, "the treasure");
    await told(ann, ["Ben: New message"]);
    await look(ann, false);
    await told(ann, []);
    await turnOn(ann, "Text of encrypted rooms");
    await look(ann, true);
    await say(ben, "under the lamp");
    await told(ann, ["Ben: under the lamp"]);
  });

  test("with mentions only, what names the person is told and nothing else", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room, GRANTED);
    const ben = await visitors.guest("Ben", room);
    await turnOn(ann, "Notifications", "Only mentions and replies");
    await look(ann, true);
    await say(ben, "for everybody");
    await ann.waitForFunction(() => document.title.startsWith("(1) "));
    await say(ben, "come here, @ann!");
    await told(ann, ["Ben: come here, @ann!"]);
  });

  test("a permission that is refused is explained, and the switch stays off", async ({ visitors, base }) => {
    const ann = await visitors.page();
    await remember(ann, "Ann");
    await ann.addInitScript(() => {
      let permission = "default";
      Object.defineProperty(Notification, "permission", { get: () => permission });
      Notification.requestPermission = async () => (permission = "denied");
    });
    await ann.goto(newRoom(base));
    await inRoom(ann);
    const menu = await openMenu(ann);
    const one = menu.getByRole("switch", { name: "Notifications" });
    await menu.getByText("The browser asks you for permission").waitFor();
    await one.click();
    await menu.getByText("Allow them using the icon next to the address bar").waitFor();
    assert.ok(!(await one.isChecked()));
    await one.click();
    assert.ok(!(await one.isChecked()));
    assert.equal(await ann.evaluate(() => localStorage.getItem("parlor.nudge")), null);
  });

  test("the sound is heard when it is chosen and when a message comes out of sight", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.page();
    await remember(ann, "Ann");
    await ann.addInitScript(() => {
      globalThis.notes = 0;
      const start = OscillatorNode.prototype.start;
      OscillatorNode.prototype.start = function (...given) {
        globalThis.notes += 1;
        return start.apply(this, given);
      };
    });
    await ann.goto(room);
    await inRoom(ann);
    const ben = await visitors.guest("Ben", room);
    await say(ben, "unheard");
    await hears(ann, "unheard");
    assert.equal(await ann.evaluate(() => globalThis.notes), 0);
    await turnOn(ann, "Sound");
    await ann.waitForFunction(() => globalThis.notes === 2);
    await say(ben, "seen");
    await hears(ann, "seen");
    await look(ann, true);
    await say(ben, "heard");
    await ann.waitForFunction(() => globalThis.notes === 4);
  });

  test("the number of unread messages is on the icon, until they are read", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.page();
    await remember(ann, "Ann");
    await ann.addInitScript(() => {
      globalThis.badges = [];
      navigator.setAppBadge = async (n) => void globalThis.badges.push(n);
      navigator.clearAppBadge = async () => void globalThis.badges.push(0);
    });
    await ann.goto(room);
    await inRoom(ann);
    const ben = await visitors.guest("Ben", room);
    await turnOn(ann, "Number on the icon");
    const icon = () => ann.locator("link[rel=icon]").getAttribute("href").then(decodeURIComponent);
    await look(ann, true);
    await say(ben, "psst");
    await expect.poll(icon).toContain(">1</text></svg>");
    await say(ben, "hello?");
    await expect.poll(icon).toContain(">2</text></svg>");
    await look(ann, false);
    await expect.poll(icon).toBe("/favicon.svg");
    await ann.waitForFunction(() => globalThis.badges.at(-1) === 0 && globalThis.badges.includes(2));
  });

  test("without a connection the worker's page says so, and opens the room by itself", async ({
    visitors,
    base,
    tcpProxy,
  }) => {
    visitors.expected = /WebSocket connection to|net::ERR_|the server responded with a status of 503/;
    for (const [locale, on, title] of [
      ["en-US", ["More", "Notifications"], "No connection"],
      ["ru-RU", ["Ещё", "Уведомления"], "Нет связи"],
    ]) {
      const room = newRoom(base).replace(base, tcpProxy.url) + KEYED;
      const ann = await visitors.guest("Ann", room, { ...GRANTED, locale });
      await ann.getByRole("button", { name: on[0] }).click();
      await ann.getByRole("switch", { name: on[1] }).click();
      await expect(ann.getByRole("switch", { name: on[1] })).toBeChecked();
      await ann.goto("about:blank");
      tcpProxy.cut();
      await ann.goto(room);
      await ann.getByRole("heading", { name: title }).waitFor();
      assert.equal(ann.url(), room, "the key stays where it is");
      assert.deepEqual(await ann.evaluate(() => caches.keys()), [], "the worker keeps nothing");
      tcpProxy.restore();
      await inRoom(ann);
      assert.equal(ann.url(), room);
    }
  });

  test("the page can be installed: what its manifest names is there", async ({ base }) => {
    const manifest = await (await fetch(`${base}/manifest.webmanifest`)).json();
    assert.deepEqual(
      [manifest.id, manifest.start_url, manifest.display, manifest.name],
      ["/", "/", "standalone", "Parlor"],
    );
    const sizes = manifest.icons.map(({ sizes, purpose }) => `${sizes} ${purpose}`);
    for (const needed of ["192x192 any", "512x512 any", "512x512 maskable"]) assert.ok(sizes.includes(needed), needed);
    for (const { src, type, sizes } of manifest.icons) {
      const icon = await fetch(base + src);
      assert.equal(icon.headers.get("content-type").split(";")[0], type);
      const data = Buffer.from(await icon.arrayBuffer());
      if (type === "image/png") assert.equal(`${data.readUInt32BE(16)}x${data.readUInt32BE(20)}`, sizes);
    }
    const worker = await fetch(`${base}/sw.js`);
    assert.match(worker.headers.get("content-type"), /javascript/);
    assert.equal(worker.headers.get("cache-control"), "no-cache");
    assert.match(worker.headers.get("content-security-policy"), /default-src 'none'/);
  });
});
