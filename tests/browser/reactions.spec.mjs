import assert from "node:assert/strict";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { box, fits, hears, log, newRoom, reconnects, say, sees } from "./people.mjs";

const REACT = /^(React|Реакция)$/;
const count = (page, emoji, n) => log(page).getByRole("button", { name: `${emoji}: ${n}` });
const message = (page, text) => log(page).locator(".message").filter({ hasText: text });

/** Opens the offer at a message and chooses; `press` is how. */
async function react(page, text, emoji, press = (button) => button.click()) {
  await press(message(page, text).getByRole("button", { name: REACT }));
  await press(message(page, text).getByRole("group", { name: REACT }).getByRole("button", { name: emoji }));
}

/** Ben's message has a reaction of his own; then Ann's connection is cut. */
async function cutOff(visitors, base, tcpProxy) {
  const room = newRoom(base);
  const ben = await visitors.guest("Ben", room);
  const ann = await visitors.guest("Ann", room.replace(base, tcpProxy.url));
  await say(ben, "one");
  await hears(ann, "one");
  await react(ben, "one", "👍");
  await count(ann, "👍", 1).waitFor();
  await ann.context().setOffline(true);
  tcpProxy.cut();
  await ann.getByText("Messages will be sent once you’re back").waitFor();
  return { ann, ben };
}

test.describe("reactions", () => {
  test("one is put by keyboard, seen by all and by who comes later, and taken away", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    await box(ann).fill("party?");
    await box(ann).press("Enter");
    await hears(ben, "party?");
    const opener = message(ben, "party?").getByRole("button", { name: REACT });
    await opener.focus();
    await ben.keyboard.press("Enter");
    assert.equal(await opener.getAttribute("aria-expanded"), "true");
    await ben.keyboard.press("Escape");
    assert.equal(await opener.getAttribute("aria-expanded"), "false");
    await react(ben, "party?", "🎉", (button) => button.press("Enter"));
    assert.ok(await opener.evaluate((button) => button === document.activeElement), "the focus is where it was");
    await count(ann, "🎉", 1).waitFor();
    assert.equal(await count(ben, "🎉", 1).getAttribute("aria-pressed"), "true");
    assert.equal(await count(ann, "🎉", 1).getAttribute("aria-pressed"), "false");
    await count(ann, "🎉", 1).click();
    const cy = await visitors.guest("Cy", room);
    await count(cy, "🎉", 2).waitFor();
    assert.equal(await count(cy, "🎉", 2).getAttribute("title"), "Ben, Ann");
    await count(ben, "🎉", 2).click();
    await count(cy, "🎉", 1).waitFor();
    assert.equal(await count(ben, "🎉", 1).getAttribute("aria-pressed"), "false");
    // The last one goes with its button; the focus stays beside it.
    await count(ann, "🎉", 1).press("Enter");
    await count(ben, "🎉", 1).waitFor({ state: "detached" });
    const own = message(ann, "party?").getByRole("button", { name: REACT });
    assert.ok(await own.evaluate((button) => button === document.activeElement), "the focus is not lost");
    await own.click();
    await message(ann, "party?").getByRole("group", { name: REACT }).waitFor();
    await box(ann).click();
    await message(ann, "party?").getByRole("group", { name: REACT }).waitFor({ state: "detached" });
  });

  test("a finger reaches it in Russian, in a room with a key, and axe finds nothing wrong", async ({
    visitors,
    base,
  }) => {
    const room = `${newRoom(base)}#${"A".repeat(43)}`;
    for (const colorScheme of ["light", "dark"]) {
      const ann = await visitors.guest("Анна", room, { ...PHONE, locale: "ru-RU", colorScheme });
      const ben = await visitors.guest("Ben", room, { colorScheme });
      const text = `hello, ${colorScheme}`;
      await say(ben, text);
      await hears(ann, text);
      await react(ann, text, "👍", (button) => button.tap());
      await message(ben, text).getByRole("button", { name: "👍: 1" }).waitFor();
      await message(ann, text).getByRole("button", { name: REACT }).tap();
      for (const button of await message(ann, text).getByRole("button").all()) {
        const { width, height } = await button.boundingBox();
        assert.ok(width >= 24 && height >= 36, `${width} x ${height} are enough for a finger`);
      }
      await fits(ann);
      await expectAccessible(ann, `reactions, ${colorScheme}`);
      await expectAccessible(ben, `reactions on a desk, ${colorScheme}`);
    }
  });

  test("those put and missed while the connection is away are there after it", async ({ visitors, base, tcpProxy }) => {
    const { ann, ben } = await cutOff(visitors, base, tcpProxy);
    await react(ann, "one", "😂");
    await react(ben, "one", "🎉");
    await count(ben, "👍", 1).click();
    tcpProxy.restore();
    await ann.context().setOffline(false);
    await reconnects(ann);
    for (const page of [ann, ben]) {
      await count(page, "😂", 1).waitFor();
      await count(page, "🎉", 1).waitFor();
      await count(page, "👍", 1).waitFor({ state: "detached" });
    }
    await sees(ann, ["one"]);
    await ann.reload();
    await count(ann, "😂", 1).waitFor();
    assert.equal(await count(ann, "😂", 1).getAttribute("aria-pressed"), "true");
  });

  test("one that is chosen again before it is answered is taken back", async ({ visitors, base, tcpProxy }) => {
    const { ann, ben } = await cutOff(visitors, base, tcpProxy);
    for (const on of ["true", "false", "true", "false"]) {
      await count(ann, "👍", 1).click();
      await expect(count(ann, "👍", 1)).toHaveAttribute("aria-pressed", on);
    }
    await react(ann, "one", "🎉");
    tcpProxy.restore();
    await ann.context().setOffline(false);
    await reconnects(ann);
    await count(ben, "🎉", 1).waitFor();
    for (const page of [ann, ben]) await count(page, "👍", 1).waitFor();
    assert.equal(await count(ann, "👍", 1).getAttribute("aria-pressed"), "false");
    await count(ann, "🎉", 1).waitFor();
  });

  test("one that was put before the session was lost is one's own, and is not put twice", async ({
    visitors,
    base,
  }) => {
    const room = newRoom(base);
    const ben = await visitors.guest("Ben", room);
    const ann = await visitors.guest("Ann", room);
    await say(ben, "one");
    await hears(ann, "one");
    await react(ann, "one", "👍");
    await count(ben, "👍", 1).waitFor();
    await ann.goto(base);
    // The server does not know this ticket, as after its grace.
    await ann.evaluate(() => {
      for (const [key, seat] of Object.entries(sessionStorage).filter(([key]) => key.startsWith("parlor.seat.")))
        sessionStorage.setItem(
          key,
          JSON.stringify({ ...JSON.parse(seat), ticket: "A".repeat(JSON.parse(seat).ticket.length) }),
        );
    });
    await ann.goto(room);
    const own = count(ann, "👍", 1);
    await own.waitFor();
    assert.equal(await own.getAttribute("aria-pressed"), "true");
    assert.equal(await own.getAttribute("aria-disabled"), "true");
    assert.match(await own.getAttribute("title"), /^Ann\. You reacted before you rejoined/);
    await own.click({ force: true });
    await react(ann, "one", "👍", (button) => button.click({ force: true }));
    await react(ann, "one", "🎉");
    await count(ben, "🎉", 1).waitFor();
    await count(ben, "👍", 1).waitFor();
  });

  test("one above what is read moves nothing, one at the end stays in sight", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room, { viewport: { width: 390, height: 600 } });
    const ben = await visitors.guest("Ben", room);
    for (let i = 1; i <= 8; i += 1) await say(ben, `line ${i}${" word".repeat(40)}`);
    await hears(ann, "line 8");
    await message(ann, "line 8").getByRole("button", { name: REACT }).waitFor();
    const inSight = (text) =>
      message(ann, text).evaluate((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        const log = row.closest("[role=log]").getBoundingClientRect();
        return { top, whole: top >= log.top && bottom <= log.bottom + 1 };
      });
    await react(ben, "line 8", "👍");
    await count(ann, "👍", 1).waitFor();
    assert.ok((await inSight("line 8")).whole, "the end is in sight with its count");
    await message(ann, "line 8").getByRole("button", { name: REACT }).click();
    assert.ok((await inSight("line 8")).whole, "so is what can be chosen");

    const opener = (text) => message(ann, text).getByRole("button", { name: REACT });
    assert.equal(await log(ann).locator("[aria-keyshortcuts][tabindex='0']").count(), 1, "Tab stops once");
    await ann.keyboard.press("ArrowUp");
    assert.ok(await opener("line 7").evaluate((button) => button === document.activeElement), "an arrow goes on");

    await message(ann, "line 4").evaluate((row) => row.scrollIntoView({ block: "start" }));
    await ann.getByRole("button", { name: "Jump to the latest message" }).waitFor();
    const { top } = await inSight("line 4");
    await react(ben, "line 2", "🎉");
    await count(ann, "🎉", 1).waitFor();
    const now = await inSight("line 4");
    assert.ok(Math.abs(now.top - top) <= 1, `the line moved from ${top} to ${now.top}`);
  });
});
