// A damaged key never leads to plain text, and what the page says of encryption is true where it says it.

import assert from "node:assert/strict";
import { test } from "./fixtures.mjs";
import { expectAccessible } from "./axe.mjs";
import {
  bubble,
  fits,
  hears,
  inRoom,
  log,
  members,
  newRoom,
  remember,
  say,
  storedSession,
  stateOf,
  apiSender,
} from "./people.mjs";

const KEY = `_-${"b".repeat(38)}-_0`;
const button = (page, name) => page.getByRole("button", { name, exact: true });
const heading = (page, name) => page.getByRole("heading", { name });

/** Sockets and requests that would make this page a member. */
function joins(page) {
  const seen = [];
  page.on("websocket", (socket) => seen.push(socket.url()));
  page.on(
    "request",
    (request) => /\/(ws|api\/rooms)\b/.test(new URL(request.url()).pathname) && seen.push(request.url()),
  );
  return seen;
}

test.describe("secrecy", () => {
  test("a damaged link joins nothing, says so, and takes the whole link in a sentence", async ({ visitors, base }) => {
    const room = newRoom(base);
    const page = await visitors.page();
    await remember(page, "Ann");
    const seen = joins(page);
    for (const fragment of [
      "",
      KEY.slice(0, -1),
      `${KEY}x`,
      `x${KEY}`,
      `${KEY.slice(0, 20)}%20${KEY.slice(20)}`,
      "top",
    ]) {
      await page.goto("about:blank");
      await page.goto(`${room}#${fragment}`);
      await heading(page, "This link is damaged").waitFor();
    }
    await page.goto("about:blank");
    await page.goto(`${room}%23${KEY.slice(0, -3)}`);
    await heading(page, "This link is damaged").waitFor();
    await page.goto(`${base}/transports?room=${room.split("/r/")[1]}#${KEY}x`);
    await heading(page, "This link is damaged").waitFor();
    await page.goto(`${room}#${KEY}x`);
    await heading(page, "This link is damaged").waitFor();
    await expectAccessible(page, "a damaged link");
    const field = page.getByLabel("Ask for the link again and paste it here");
    for (const [text, wrong] of [
      [`${room}#${KEY.slice(1)}`, "the part after # is not a whole key"],
      [room, "This link has no key"],
      ["see you there", "Use 1–64 letters"],
    ]) {
      await field.fill(text);
      await page.keyboard.press("Enter");
      await page.getByRole("alert").filter({ hasText: wrong }).waitFor();
    }
    assert.deepEqual(seen, [], "no member has joined");
    assert.equal(await members(base, room), 0);
    await field.fill(`Come in (${room}#${KEY}), 7 pm.`);
    await page.keyboard.press("Enter");
    await inRoom(page);
    assert.equal(page.url(), `${room}#${KEY}`);
    await button(page, "Encrypted").waitFor();
  });

  test("what prose and mail put around a key is trimmed, and a # that was escaped is put back", async ({
    visitors,
    base,
  }) => {
    for (const fragment of [
      `#${KEY}.`,
      `#${KEY})`,
      `#${KEY},`,
      `#${KEY}>`,
      `#${KEY}%20`,
      `#${KEY}=`,
      `#${KEY}&x=1`,
      `#${KEY}\u200b`,
      `#${KEY}_`,
      `#${KEY}»`,
      `%23${KEY}`,
      `%23${KEY}.`,
    ]) {
      const room = newRoom(base);
      const page = await visitors.guest("Ann", room + fragment);
      assert.equal(page.url(), `${room}#${KEY}`, fragment);
      await button(page, "Encrypted").waitFor();
      await say(page, "hello");
      await stateOf(page, "hello", "sent");
      await page.context().close();
    }
    const page = await visitors.page();
    await remember(page, "Ann");
    await page.goto(base);
    const room = newRoom(base);
    const field = page.getByLabel("Join by ID or link");
    await field.fill(`Room #3 is ${room}#${KEY.slice(0, -1)}.`);
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "damaged" }).waitFor();
    assert.equal(page.url(), `${base}/`);
    await field.fill(`Room #3 is <${room}#${KEY}>; bring a hat`);
    await page.keyboard.press("Enter");
    await inRoom(page);
    assert.equal(page.url(), `${room}#${KEY}`);
  });

  test("a key that is damaged in the room ends the session, and going back brings it back", async ({
    visitors,
    base,
  }) => {
    const room = newRoom(base);
    const page = await visitors.guest("Ann", `${room}#${KEY}`);
    await page.evaluate(() => (location.hash = location.hash.slice(0, -1)));
    await heading(page, "This link is damaged").waitFor();
    await page.goBack();
    await inRoom(page);
    await button(page, "Encrypted").waitFor();
  });

  test("a member without the key is asked once before the first plain text, and may take it back", async ({
    visitors,
    base,
  }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", `${room}#${KEY}`);
    await say(ann, "locked");
    await stateOf(ann, "locked", "sent");
    const bare = await visitors.guest("Bare", room);
    await bare.getByText("your link has no key").waitFor();
    await button(bare, "Not encrypted").waitFor();
    await say(bare, "plain one");
    const dialog = bare.getByRole("dialog", { name: "Send without encryption?" });
    await dialog.waitFor();
    await expectAccessible(bare, "asked before plain words");
    await dialog.getByRole("button", { name: "Don’t send" }).click();
    // A dialog closes a moment before its close event.
    const isTakenBack = () => bare.waitForFunction(() => document.querySelector("textarea#say").value === "plain one");
    await isTakenBack();
    await bare.keyboard.press("Enter");
    await dialog.waitFor();
    await bare.keyboard.press("Escape");
    await isTakenBack();
    await say(bare, "plain two");
    assert.equal(await log(ann).getByText("plain").count(), 0);
    await dialog.getByRole("button", { name: "Send unencrypted" }).click();
    await hears(ann, "plain two");
    assert.equal(await log(ann).getByText("plain one").count(), 0);
    await say(bare, "plain three");
    await hears(ann, "plain three");
    await bare.reload();
    await inRoom(bare);
    await say(bare, "plain four");
    await hears(ann, "plain four");
    assert.ok(await storedSession(bare));
    await bubble(ann, "plain four").getByText("Not encrypted:").waitFor();
    await button(ann, "Partly encrypted").waitFor();
  });

  test("one line with another key is marked without a banner, most of them bring one, and it can be closed", async ({
    visitors,
    base,
  }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", `${room}#${KEY}`);
    await say(ann, "one");
    await stateOf(ann, "one", "sent");
    const eve = await visitors.guest("Eve", `${room}#${"A".repeat(43)}`);
    await say(eve, "let me in");
    await bubble(ann, "Can’t decrypt this message.").waitFor();
    const notice = ann.getByText("Most messages here are encrypted with another key");
    assert.equal(await notice.count(), 0, "one line of two");
    await say(eve, "please");
    await notice.waitFor();
    await expectAccessible(ann, "most cannot be read");
    await ann.getByRole("button", { name: "Hide this notice" }).click();
    await notice.waitFor({ state: "detached" });
    await say(eve, "hello?");
    await stateOf(eve, "hello?", "sent");
    await say(ann, "two");
    await stateOf(ann, "two", "sent");
    assert.equal(await notice.count(), 0, "it stays closed");
  });

  test("a mark that leaves its words no room beside it stands above them", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", `${room}#${KEY}`, { viewport: { width: 360, height: 740 } });
    const ben = await apiSender("Ben", room);
    await ben("words that need more than what is left of a line");
    const marked = bubble(ann, "words that need");
    const [mark, words] = [await marked.locator(".seal").boundingBox(), await marked.locator(".text").boundingBox()];
    assert.ok(Math.abs(words.x - mark.x) < 2 && words.y >= mark.y + mark.height - 2, JSON.stringify({ mark, words }));
    await fits(ann);
  });

  test.describe("without https", () => {
    test.use({ flags: ["--host-resolver-rules=MAP parlor.lan 127.0.0.1"] });

    test("over plain http on a name of the network the page says what is missing, and claims nothing", async ({
      server,
      visitors,
    }) => {
      visitors.expected = /Cross-Origin-Opener-Policy header has been ignored/;
      const base = `http://parlor.lan:${server.port}`;
      const page = await visitors.page();
      await remember(page, "Ann");
      await page.goto(base);
      assert.equal(await page.evaluate(() => crypto.subtle), undefined);
      await page.getByText("A room created here will not be encrypted").waitFor();
      await fits(page);
      assert.match(await page.locator("body").innerText(), /New rooms are not encrypted here/);
      assert.doesNotMatch(await page.locator("body").innerText(), /end.to.end encrypted/);
      await expectAccessible(page, "the front page by http");
      await button(page, "Create a room").click();
      await inRoom(page);
      assert.equal(new URL(page.url()).hash, "");
      assert.equal(await button(page, "Encrypted").count(), 0);
      await button(page, "Not encrypted").click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("What is missing is https").waitFor();
      assert.doesNotMatch(await dialog.innerText(), /on its way|ID alone|\(https\)/);
      await page.keyboard.press("Escape");
      await say(page, "hello");
      await stateOf(page, "hello", "sent");

      const keyed = `${newRoom(base)}#${KEY}`;
      await page.goto(keyed);
      await page.getByText("This page can’t encrypt, so nothing is sent. Open the room by https.").waitFor();
      await button(page, "Can’t encrypt here").waitFor();
      await say(page, "never");
      await stateOf(page, "never", "pending");
      assert.equal(await page.getByRole("button", { name: "Hide this notice" }).count(), 0);
      await page.goto(`${base}/`);
    });
  });
});
