import assert from "node:assert/strict";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { actionsOf, box, fits, hears, log, message, newRoom, react, REACT, reconnects, say, sees } from "./people.mjs";

const count = (page, emoji, n) => log(page).getByRole("button", { name: `${emoji}: ${n}` });
const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement);
/** What a screen reader says beside the name of a button. */
const described = (button) =>
  button.evaluate((button) => document.getElementById(button.getAttribute("aria-describedby")).textContent.trim());

/** Ben's message has a reaction of his own; then Ann's connection is cut. */
async function cutOff(visitors, base, tcpProxy) {
  const room = newRoom(base);
  const ben = await visitors.guest("Ben", room);
  const ann = await visitors.guest("Ann", room.replace(base, tcpProxy.url));
  await say(ben, "one");
  await hears(ann, "one");
  await react(ben, "one", "👍");
  await count(ann, "👍", 1).waitFor();
  // What can be done with a message is loaded while there is a network.
  await actionsOf(ann, "one");
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
    const actions = await actionsOf(ben, "party?");
    const opener = actions.getByRole("button", { name: REACT });
    await opener.focus();
    await ben.keyboard.press("Enter");
    await expect(opener).toHaveAttribute("aria-expanded", "true");
    await expect(actions.getByRole("button", { name: "👍" })).toBeFocused();
    await ben.keyboard.press("ArrowRight");
    await expect(actions.getByRole("button", { name: "❤️" })).toBeFocused();
    await ben.keyboard.press("Escape");
    await expect(opener).toHaveAttribute("aria-expanded", "false");
    await expect(opener).toBeFocused();
    await react(ben, "party?", "🎉", (button) => button.press("Enter"));
    await expect(opener, "the focus is where it was").toBeFocused();
    await count(ann, "🎉", 1).waitFor();
    assert.equal(await count(ben, "🎉", 1).getAttribute("aria-pressed"), "true");
    assert.equal(await count(ann, "🎉", 1).getAttribute("aria-pressed"), "false");
    await count(ann, "🎉", 1).click();
    const cy = await visitors.guest("Cy", room);
    await count(cy, "🎉", 2).waitFor();
    await count(ben, "🎉", 2).click();
    await count(cy, "🎉", 1).waitFor();
    assert.equal(await count(ben, "🎉", 1).getAttribute("aria-pressed"), "false");
    // The last one goes with its button; the focus stays at the message.
    await count(ann, "🎉", 1).press("Enter");
    await count(ben, "🎉", 1).waitFor({ state: "detached" });
    assert.ok(await isFocused(message(ann, "party?")), "the focus is not lost");
  });

  test("who reacted is told on hover, on focus and to a screen reader, in both languages", async ({
    visitors,
    base,
  }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room, { locale: "ru-RU" });
    const cy = await visitors.guest("Cy", room);
    await say(ann, "lunch?");
    for (const page of [ann, ben, cy]) {
      await hears(page, "lunch?");
      await react(page, "lunch?", "👍");
      await count(page, "👍", 1)
        .or(count(page, "👍", 2))
        .or(count(page, "👍", 3))
        .waitFor();
    }
    const [english, russian] = [count(ann, "👍", 3), count(ben, "👍", 3)];
    await russian.waitFor();
    assert.equal(await described(english), "Ann, Ben, and Cy");
    assert.equal(await described(russian), "Ann, Ben и Cy");
    const tip = log(ann).getByRole("tooltip");
    await expect(tip).toHaveCount(0);
    await english.hover();
    await tip.getByText("Ann, Ben, and Cy").waitFor();
    await ann.mouse.move(0, 0);
    await expect(tip).toHaveCount(0);
    await english.focus();
    await ann.keyboard.press("Shift");
    await tip.waitFor();
    await expectAccessible(ann, "who reacted");
    await ann.keyboard.press("Escape");
    await expect(tip).toHaveCount(0);
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
      const finger = (target) => target.tap();
      await react(ann, text, "👍", finger, finger);
      await message(ben, text).getByRole("button", { name: "👍: 1" }).waitFor();
      await (await actionsOf(ann, text, finger)).getByRole("button", { name: REACT }).tap();
      await message(ann, text).getByRole("group", { name: REACT }).waitFor();
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
    assert.match(await described(own), /^Ann You reacted before you rejoined/);
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
    const inSight = (text) =>
      message(ann, text).evaluate((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        const log = row.closest("[role=log]").getBoundingClientRect();
        return { top, whole: top >= log.top && bottom <= log.bottom + 1 };
      });
    await react(ben, "line 8", "👍");
    await count(ann, "👍", 1).waitFor();
    assert.ok((await inSight("line 8")).whole, "the end is in sight with its count");
    const above = await inSight("line 7");
    const height = await log(ann).evaluate((box) => box.scrollHeight);
    const actions = await actionsOf(ann, "line 8");
    await actions.getByRole("button", { name: REACT }).click();
    await actions.getByRole("group", { name: REACT }).waitFor();
    assert.ok((await inSight("line 8")).whole, "so is what can be chosen");
    assert.deepEqual(await inSight("line 7"), above, "the offer moves nothing");
    assert.equal(await log(ann).evaluate((box) => box.scrollHeight), height, "and makes nothing longer");
    await ann.keyboard.press("Escape");

    await ann.mouse.move(0, 0);
    assert.equal(await log(ann).locator("[role=toolbar] [tabindex='0']").count(), 1, "Tab stops once");
    await ann.keyboard.press("ArrowUp");
    const above7 = message(ann, "line 7").getByRole("toolbar").getByRole("button", { name: REACT });
    await expect(above7, "an arrow goes on").toBeFocused();
    await ann.keyboard.press("ArrowRight");
    await expect(message(ann, "line 7").getByRole("button", { name: "Reply" })).toBeFocused();

    await message(ann, "line 4").evaluate((row) => row.scrollIntoView({ block: "start" }));
    await ann.getByRole("button", { name: "Jump to the latest message" }).waitFor();
    const { top } = await inSight("line 4");
    await react(ben, "line 2", "🎉");
    await count(ann, "🎉", 1).waitFor();
    const now = await inSight("line 4");
    assert.ok(Math.abs(now.top - top) <= 1, `the line moved from ${top} to ${now.top}`);
  });
});
