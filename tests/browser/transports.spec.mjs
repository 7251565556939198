import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import {
  fits,
  hears,
  inRoom,
  log,
  members,
  newRoom,
  remember,
  say,
  storedSession,
  sees,
  SLOWED,
  stateOf,
} from "./people.mjs";

const NAMES = { ws: "WebSocket", sse: "SSE", "long-poll": "long poll", "short-poll": "short poll" };

const SOCKET = /^GET \/ws\?/;
const STREAM = /^GET \/api\/rooms\/[^/]+\/events/;
const LONG_POLL = /^GET \/api\/rooms\/[^/]+\/messages\?.*wait=[1-9]/;
/** Milliseconds for one or two fallbacks. */
const FALLS = 45_000;
const any = (...patterns) => new RegExp(patterns.map((p) => p.source).join("|"));

const goesBy = (page, transport, timeout = FALLS) =>
  page.getByRole("complementary").getByText(`Connection: ${NAMES[transport]}`, { exact: true }).waitFor({ timeout });
const instead = (page) => page.getByText("Backup connection in use");

/** A member that reaches the server through this proxy. */
const behind = (visitors, tcpProxy, room, name = "Ann", clocked = false) =>
  visitors.guest(name, room.replace(/^http:\/\/[^/]+/, tcpProxy.url), { clocked, within: FALLS });

const pane = (page, transport) => page.locator(`[data-transport=${transport}]`);
const figure = (page, transport, what) => pane(page, transport).locator(`[data-count=${what}]`).innerText();

/** Every text that a page hands to the network from now on. */
function overhear(page) {
  const texts = [];
  const take = (body) => {
    const { text } = JSON.parse(body ?? "{}");
    if (text !== undefined) texts.push(text);
  };
  page.on("request", (request) => request.method() === "POST" && take(request.postData()));
  page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => take(payload)));
  return texts;
}

async function compared(page, url) {
  await page.goto(url);
  for (const transport of Object.keys(NAMES))
    await pane(page, transport).getByRole("heading", { name: /\b4\b/ }).waitFor();
}

test.describe("transports", () => {
  test("texts of a room with a key leave encrypted on every transport, sent at once or again", async ({
    serve,
    startsProxy,
    visitors,
  }) => {
    visitors.expected = /WebSocket connection to|net::ERR_|status of 429/;
    const server = await serve({ PARLOR_RATE: "2" });
    const tcpProxy = await startsProxy(server.port);
    const [room, key] = [newRoom(server.url), randomBytes(32).toString("base64url")];
    const ben = await visitors.guest("Ben", `${room}#${key}`);
    const talk = [];
    for (const transport of Object.keys(NAMES)) {
      const ann = await visitors.page();
      const texts = overhear(ann);
      await remember(ann, "Ann");
      await ann.goto(`${room.replace(server.url, tcpProxy.url)}?transport=${transport}#${key}`);
      await inRoom(ann);
      // One of them writes faster than is taken.
      const burst = Array.from({ length: transport === "long-poll" ? 24 : 3 }, (_, n) => `secret ${n} by ${transport}`);
      for (const text of burst) await say(ann, text);
      talk.push(...burst);
      await sees(ben, talk, SLOWED);
      tcpProxy.cut();
      await say(ann, `secret of a cut ${transport}`);
      tcpProxy.restore();
      talk.push(`secret of a cut ${transport}`);
      await sees(ben, talk, SLOWED);
      await say(ben, `secret answer to ${transport}`);
      talk.push(`secret answer to ${transport}`);
      await sees(ann, talk, SLOWED);
      if (transport === "long-poll")
        assert.ok(texts.length > burst.length + 1, `${texts.length} texts: what was refused was sent again`);
      assert.ok(texts.length > burst.length, `${transport} was overheard`);
      for (const text of texts) assert.match(text, /^sealed2\.[\w-]+$/, `${transport} shows the network nothing else`);
      await ann.close();
    }
  });

  test("the comparison of transports encrypts in a room with a key", async ({ visitors, base }) => {
    const [room, key] = [newRoom(base), randomBytes(32).toString("base64url")];
    const ben = await visitors.guest("Ben", `${room}#${key}`);
    const page = await visitors.page();
    const texts = overhear(page);
    await page.goto(`${base}/transports?room=${room.split("/r/")[1]}#${key}`);
    for (const transport of Object.keys(NAMES))
      await pane(page, transport).getByRole("heading", { name: /\b5\b/ }).waitFor();
    await page.getByRole("button", { name: "Send a line from all four" }).click();
    for (const transport of Object.keys(NAMES)) {
      await hears(ben, NAMES[transport]);
      await hears(pane(page, transport), NAMES[transport]);
    }
    assert.equal(texts.length, 4);
    for (const text of texts) assert.match(text, /^sealed2\.[\w-]+$/);
  });

  test("a blocked transport is left for the next, unnoticed by the room", async ({ visitors, base, tcpProxy }) => {
    tcpProxy.refuse(SOCKET);
    const room = newRoom(base);
    const ben = await visitors.guest("Ben", room);
    const ann = await behind(visitors, tcpProxy, room);
    await goesBy(ann, "sse");
    await instead(ann).waitFor();
    const { clientId } = await storedSession(ann);
    const talk = [];
    const exchange = async (of) => {
      for (const [page, text] of [
        [ann, `Ann by ${of}`],
        [ben, `Ben to ${of}`],
      ]) {
        await say(page, text);
        await stateOf(page, text, "sent");
        talk.push(text);
      }
    };
    await exchange("sse");

    for (const [forbidden, transport] of [
      [any(SOCKET, STREAM), "long-poll"],
      [any(SOCKET, STREAM, LONG_POLL), "short-poll"],
    ]) {
      tcpProxy.refuse(forbidden);
      await say(ben, `during the fall to ${transport}`);
      talk.push(`during the fall to ${transport}`);
      await stateOf(ben, `during the fall to ${transport}`, "sent");
      await goesBy(ann, transport);
      await exchange(transport);
      await sees(ann, talk);
    }

    assert.equal(await members(base, room), 2);
    for (const page of [ann, ben]) await sees(page, talk);
    assert.equal((await storedSession(ann)).clientId, clientId);
    assert.deepEqual(await log(ben).locator(".notice").allInnerTexts(), ["Ann joined"]);
  });

  test("a transport that works again is taken again, unnoticed by the room", async ({ visitors, base, tcpProxy }) => {
    tcpProxy.refuse(any(SOCKET, STREAM));
    const room = newRoom(base);
    const ben = await visitors.guest("Ben", room);
    const ann = await behind(visitors, tcpProxy, room, "Ann", true);
    await goesBy(ann, "long-poll");
    await say(ann, "from below");
    await stateOf(ann, "from below", "sent");
    const { clientId } = await storedSession(ann);
    tcpProxy.allow();
    for (let tries = 0; ; tries += 1) {
      // It tries again after ever longer delays.
      await ann.clock.fastForward(40_000 * 2 ** tries);
      if (
        await goesBy(ann, "ws", 10_000).then(
          () => true,
          () => false,
        )
      )
        break;
      assert.ok(tries < 3, "the WebSocket is not taken again");
    }
    await say(ben, "and up");
    await say(ann, "again");
    for (const page of [ann, ben]) await hears(page, "again");
    await hears(ann, "and up");
    assert.equal((await storedSession(ann)).clientId, clientId);
    assert.equal(await instead(ann).count(), 0);
    assert.deepEqual(await log(ben).locator(".notice").allInnerTexts(), ["Ann joined"]);
  });

  test("a stream that a proxy buffers is left for a long poll", async ({ visitors, base, tcpProxy }) => {
    tcpProxy.refuse(SOCKET);
    tcpProxy.hold(STREAM);
    const room = newRoom(base);
    const ben = await visitors.guest("Ben", room);
    const ann = await behind(visitors, tcpProxy, room, "Ann", true);
    await goesBy(ann, "long-poll");
    await say(ben, "hello");
    await sees(ann, ["hello"]);
    // It is tried again by a stream that takes no seat: the poll that works goes on.
    const joins = [];
    ann.on("request", (request) => request.url().endsWith("/join") && joins.push(request.url()));
    const tried = ann.waitForEvent("requestfailed", {
      predicate: (request) => request.url().endsWith("/events?probe=1"),
      timeout: FALLS,
    });
    await ann.clock.fastForward(40_000);
    await say(ben, "meanwhile");
    await sees(ann, ["hello", "meanwhile"]);
    await ann.clock.fastForward(10_000);
    await tried;
    await say(ben, "and after");
    await sees(ann, ["hello", "meanwhile", "and after"]);
    assert.deepEqual(joins, []);
    await goesBy(ann, "long-poll");
    assert.equal(await members(base, room), 2);
    assert.deepEqual(await log(ben).locator(".notice").allInnerTexts(), ["Ann joined"]);
  });

  test("a transport that is asked for is the one that is used", async ({ visitors, base }) => {
    for (const transport of Object.keys(NAMES)) {
      const room = newRoom(base);
      const ann = await visitors.guest("Ann", `${room}?transport=${transport}`);
      await goesBy(ann, transport);
      const ben = await visitors.guest("Ben", room);
      await say(ann, "one");
      await say(ben, "two");
      await hears(ben, "one");
      await hears(ann, "two");
      await ann.reload();
      await inRoom(ann);
      await goesBy(ann, transport);
      assert.equal(await log(ann).locator(".text").count(), 2);
      await ann.getByRole("button", { name: "Leave", exact: true }).click();
      await log(ben).getByText("Ann left").waitFor();
      assert.equal(await members(base, room), 1);
    }
  });

  test("the comparison shows one room on all four, and what each costs", async ({ visitors, base }) => {
    const page = await visitors.page();
    await remember(page, "Ann");
    await compared(page, `${base}/transports`);
    const id = new URL(page.url()).searchParams.get("room");
    assert.match(id, /^([a-z]{5}-){3}[a-z]{5}$/);
    const room = `${base}/r/${id}`;
    assert.equal(await members(base, room), 4);

    await page.getByRole("button", { name: "Send a line from all four" }).click();
    for (const transport of Object.keys(NAMES)) {
      await pane(page, transport).locator(".text").nth(3).waitFor();
      await pane(page, transport).locator("[data-count=messages]").filter({ hasText: /^4$/ }).waitFor();
      await pane(page, transport)
        .locator("[data-count=delay]")
        .getByText(/^[\d,]+\sms \(last: [\d,]+\sms\)$/)
        .waitFor();
      assert.equal(await figure(page, transport, "messages"), "4");
    }
    assert.equal(await figure(page, "ws", "requests"), "1");
    const asked = Number(await figure(page, "short-poll", "requests"));
    await page.waitForFunction(
      (asked) =>
        Number(document.querySelector("[data-transport=short-poll] [data-count=requests]").textContent) > asked,
      asked,
    );

    await pane(page, "sse").getByRole("textbox").fill("from the stream");
    await page.keyboard.press("Enter");
    for (const transport of Object.keys(NAMES))
      await pane(page, transport).locator(".text", { hasText: "from the stream" }).waitFor();

    const ben = await visitors.guest("Ben", room);
    await pane(page, "short-poll").getByRole("list").getByText("Ben", { exact: true }).waitFor();
    assert.equal(await log(ben).locator(".text").count(), 5);
    const link = page.getByRole("link", { name: "Open this room normally" });
    assert.equal(new URL(await link.getAttribute("href"), base).href, room);

    await page.getByRole("button", { name: "Parlor" }).click();
    await page.getByRole("button", { name: "Create a room" }).waitFor();
    await ben.getByText("1 person here").waitFor();
  });

  test("the comparison is accessible, in both languages, and no wider than a phone", async ({ visitors, base }) => {
    for (const colorScheme of ["light", "dark"]) {
      for (const [locale, options] of [
        ["en-US", {}],
        ["ru-RU", PHONE],
      ]) {
        const page = await visitors.page({ colorScheme, locale, ...options });
        await compared(page, `${base}/transports`);
        assert.equal(await page.evaluate(() => document.documentElement.lang), locale.slice(0, 2));
        await page.getByRole("button", { name: /^(Send a line|Отправить по строке)/ }).click();
        await pane(page, "short-poll").locator(".text").nth(3).waitFor();
        await expectAccessible(page, `comparison, ${colorScheme} ${locale}`);
        await fits(page);
        assert.equal(await page.locator("[role=log][aria-live=polite]").count(), 1, "one log is read out, not four");
      }
    }
  });

  test("six tabs without a WebSocket leave each other connections enough", async ({ visitors, base, tcpProxy }) => {
    tcpProxy.refuse(SOCKET);
    const room = newRoom(base);
    const context = await visitors.context();
    await remember(context, "Ann");
    const tabs = [];
    for (let n = 0; n < 6; n += 1) {
      const tab = await context.newPage();
      await tab.goto(`${room.replace(base, tcpProxy.url)}-${n}`);
      await inRoom(tab, FALLS);
      tabs.push(tab);
    }
    const late = (tab) => tab.getByText("Too many tabs of this page are open");
    await late(tabs[5]).waitFor({ timeout: FALLS });
    for (const [n, tab] of tabs.entries()) {
      await goesBy(tab, n < 4 ? "sse" : "short-poll");
      await say(tab, `from tab ${n}`);
      await stateOf(tab, `from tab ${n}`, "sent");
    }
    const seventh = await context.newPage();
    await seventh.goto(tcpProxy.url);
    await seventh.getByRole("button", { name: "Create a room" }).waitFor();
  });
});
