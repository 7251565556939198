import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { box, fits, hears, inRoom, log, newRoom, say, stateOf } from "./people.mjs";

const MORE = /^(More|Ещё)$/;
const menu = (page) => page.getByRole("dialog", { name: MORE });

async function openMenu(page) {
  await page.getByRole("banner").getByRole("button", { name: MORE }).click();
  await menu(page).waitFor();
  return menu(page);
}

const background = (page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
const [LIGHT, DARK] = ["rgb(244, 237, 225)", "rgb(24, 18, 16)"];

test.describe("more", () => {
  test("a theme is chosen, kept, and there before the page's script", async ({ visitors, base }) => {
    const page = await visitors.page({ colorScheme: "light" });
    await page.goto(base);
    assert.equal(await background(page), LIGHT);
    await page.getByRole("group", { name: "Theme" }).getByRole("button", { name: "Dark" }).click();
    await expect.poll(() => background(page)).toBe(DARK);
    const bar = page.locator("meta[name=theme-color][media='']");
    assert.equal(await bar.getAttribute("content"), "#181210");

    let release;
    const may = new Promise((resolve) => (release = resolve));
    await page.route("**/assets/index-*.js", (route) => may.then(() => route.continue()));
    const style = page.waitForResponse(/\/assets\/index-.*\.css$/);
    await page.goto(base, { waitUntil: "commit" });
    await style;
    await expect.poll(() => background(page)).toBe(DARK);
    assert.equal(await page.locator("h1").count(), 0, "nothing is drawn yet");
    release();
    await page.getByRole("button", { name: "Dark", pressed: true }).waitFor();

    // In a room it is the same, and the system can have its way again.
    const ann = await visitors.guest("Ann", newRoom(base), { colorScheme: "dark" });
    await (await openMenu(ann)).getByRole("button", { name: "Light" }).click();
    await expect.poll(() => background(ann)).toBe(LIGHT);
    await menu(ann).getByRole("button", { name: "System" }).click();
    await expect.poll(() => background(ann)).toBe(DARK);
    await ann.emulateMedia({ colorScheme: "light" });
    await expect.poll(() => background(ann)).toBe(LIGHT);
  });

  test("the menu fits a phone in both languages and themes, and axe finds nothing wrong", async ({
    visitors,
    base,
  }) => {
    const room = `${newRoom(base)}#${"A".repeat(43)}`;
    const ben = await visitors.guest("Ben", room);
    await say(ben, "under the lamp");
    for (const colorScheme of ["light", "dark"])
      for (const [locale, search, keys] of [
        ["en-US", "Search messages", "Keyboard shortcuts"],
        ["ru-RU", "Поиск по сообщениям", "Сочетания клавиш"],
      ]) {
        const where = `${colorScheme} ${locale}`;
        const page = await visitors.guest("Анна", room, { ...PHONE, colorScheme, locale });
        await hears(page, "under the lamp");
        await fits(page);
        for (const button of await page.getByRole("banner").getByRole("button").all()) {
          if (!(await button.isVisible())) continue;
          const { x, width, height } = await button.boundingBox();
          // The lock under the room's name takes fingers beside it, too.
          const least = (await button.evaluate((button) => button.closest(".under") !== null)) ? 24 : 36;
          const isReached = width >= 36 && height >= least && x >= 0 && x + width <= 360;
          assert.ok(isReached, `${where}: ${x}, ${width} x ${height}`);
        }
        const dialog = await openMenu(page);
        await expectAccessible(page, `menu, ${where}`);
        await dialog.getByRole("switch").last().check();
        await dialog.getByRole("radio").last().check();
        await expectAccessible(page, `menu with choices, ${where}`);
        await fits(page);
        await dialog.getByRole("button", { name: search }).click();
        await page.getByRole("searchbox").fill("LAMP");
        await page.getByRole("dialog").locator("mark", { hasText: "lamp" }).waitFor();
        await expectAccessible(page, `search, ${where}`);
        await fits(page);
        // The first one empties the field.
        for (const _ of [1, 2]) await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "detached" });
        await (await openMenu(page)).getByRole("button", { name: keys }).click();
        await page.getByRole("dialog", { name: keys }).waitFor();
        await expectAccessible(page, `shortcuts, ${where}`);
        await fits(page);
      }
  });

  test("the talk is copied and saved, with no word of the room", async ({ visitors, base }) => {
    const room = newRoom(base);
    const context = { permissions: ["clipboard-read", "clipboard-write"] };
    const ann = await visitors.guest("Ann", room, context);
    const dialog = await openMenu(ann);
    assert.ok(await dialog.getByRole("button", { name: "Copy the talk" }).isDisabled(), "there is nothing yet");
    await ann.keyboard.press("Escape");
    const ben = await visitors.guest("Ben", room);
    await say(ben, "one\ntwo");
    await hears(ann, "two");
    await say(ann, "*three*");
    await stateOf(ann, "three", "sent");
    await ann.bringToFront();
    await openMenu(ann);
    await dialog.getByRole("button", { name: "Copy the talk" }).click();
    await dialog.getByText("Copied").waitFor();
    const copied = await ann.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /Ben[^]*one[^]*two[^]*Ann[^]*\*three\*/);
    for (const [name, ending] of [
      ["Text", "txt"],
      ["Markdown", "md"],
      ["JSON", "json"],
    ]) {
      const [download] = await Promise.all([
        ann.waitForEvent("download"),
        dialog.getByRole("button", { name, exact: true }).click(),
      ]);
      assert.match(download.suggestedFilename(), new RegExp(`^parlor-\\d{4}-\\d\\d-\\d\\d-\\d{4}\\.${ending}$`));
      const text = await readFile(await download.path(), "utf8");
      assert.match(text, /Ben[^]*one[^]*two[^]*Ann[^]*three/, name);
      assert.ok(!text.includes(room.split("/r/")[1]), "the file invites nobody");
      if (ending === "json") JSON.parse(text);
      await dialog.getByText(`Saved: ${download.suggestedFilename()}`).waitFor();
    }
  });

  test("a message is found by keyboard, and led to", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room, { viewport: { width: 800, height: 500 } });
    const ben = await visitors.guest("Ben", room);
    await say(ben, "where is the Café?");
    for (let i = 1; i <= 20; i += 1) await say(ben, `line ${i}`);
    await hears(ann, "line 20");
    await openMenu(ann);
    await menu(ann).getByRole("button", { name: "Search messages" }).press("Enter");
    const dialog = ann.getByRole("dialog", { name: "Search messages" });
    const field = dialog.getByRole("searchbox");
    await expect(field).toBeFocused();
    await ann.keyboard.type("nowhere");
    await dialog.getByRole("status").filter({ hasText: "Nothing found" }).waitFor();
    await field.fill("cafe ben");
    await dialog.getByRole("status").filter({ hasText: "1 message" }).waitFor();
    await ann.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    const found = log(ann).locator(".message").filter({ hasText: "Café" });
    await expect(found).toBeFocused();
    await expect(found).toBeInViewport();
    await ann.keyboard.press("Tab");
    await expect(found).not.toBeFocused();
  });

  test("? lists the shortcuts where nothing is typed, unless that is turned off", async ({ visitors, base }) => {
    const ann = await visitors.guest("Ann", newRoom(base));
    const dialog = ann.getByRole("dialog", { name: "Keyboard shortcuts" });
    await box(ann).pressSequentially("why?");
    assert.equal(await box(ann).inputValue(), "why?");
    assert.equal(await dialog.count(), 0);
    await log(ann).focus();
    await ann.keyboard.press("?");
    await dialog.waitFor();
    await dialog.getByText("Shift+Enter").waitFor();
    await dialog.getByRole("switch", { name: "Open this list with “?”" }).uncheck();
    await ann.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await log(ann).focus();
    await ann.keyboard.press("?");
    await ann.evaluate(() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then))));
    assert.equal(await dialog.count(), 0, "it is off");
    await openMenu(ann);
    await menu(ann).getByRole("button", { name: "Keyboard shortcuts" }).click();
    await dialog.waitFor();
  });

  test("a part of the page that cannot be fetched is said to be missing, and asked for again", async ({
    visitors,
    base,
  }) => {
    visitors.expected = /WebSocket connection to|net::ERR_|Failed to load resource/;
    const ann = await visitors.page();
    await ann.route("**/assets/More-*.js", (route) => route.abort());
    await ann.goto(newRoom(base));
    await ann.locator("#name").fill("Ann");
    await ann.keyboard.press("Enter");
    await inRoom(ann);
    await ann.getByRole("button", { name: "More" }).click();
    await ann.getByRole("alert").filter({ hasText: "couldn’t be loaded" }).waitFor();
    await ann.keyboard.press("Escape");
    await ann.unroute("**/assets/More-*.js");
    await openMenu(ann);
  });
});
