import assert from "node:assert/strict";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { fits, hears, inRoom, log, newRoom, say, types } from "./people.mjs";

const RENAME = /^(Change your name|Изменить имя)$/;
const people = (page) => page.getByRole("complementary");
const dialog = (page) => page.getByRole("dialog", { name: RENAME });
const field = (page) => dialog(page).getByRole("textbox");

test.describe("another name in the room", () => {
  test("is one line for all, stands in the list and at later messages, and is kept for this room", async ({
    visitors,
    base,
  }) => {
    const room = newRoom(base);
    const [ann, ben] = [await visitors.guest("Ann", room), await visitors.page()];
    // A browser that forgets the name between visits would not show what is kept.
    await ben.goto(room);
    await ben.getByLabel("What should people call you?").fill("Ben");
    await ben.getByRole("button", { name: "Join", exact: true }).click();
    await inRoom(ben);
    await say(ben, "as Ben");
    await hears(ann, "as Ben");
    const tint = () => people(ben).getByRole("listitem").filter({ hasText: "you" }).locator(".avatar");
    const before = await tint().getAttribute("class");

    // By keyboard alone: the button, the field with the name of now, Enter.
    await people(ben).getByRole("button", { name: RENAME }).press("Enter");
    await expect(field(ben)).toBeFocused();
    assert.equal(await field(ben).inputValue(), "Ben");
    await ben.keyboard.type("\u2060");
    await ben.keyboard.press("Enter");
    await dialog(ben).getByText("This name can’t be used. Use 1–32 visible characters.").waitFor();
    assert.equal(await field(ben).getAttribute("aria-invalid"), "true");
    await field(ben).fill("  Benny ");
    await ben.keyboard.press("Enter");
    await dialog(ben).waitFor({ state: "hidden" });
    await expect(people(ben).getByRole("button", { name: RENAME })).toBeFocused();

    for (const [page, told] of [
      [ann, "Ben is now called Benny"],
      [ben, "You are now called Benny"],
    ]) {
      await log(page).getByText(told).waitFor();
      await people(page).getByText("Benny", { exact: true }).waitFor();
    }
    assert.equal(await people(ann).getByText("Ben", { exact: true }).count(), 0);
    assert.equal(await tint().getAttribute("class"), before, "the colour is the member's, not the name's");
    await types(ben, "Benny", "as", ann);
    await say(ben, "as Benny");
    await hears(ann, "as Benny");
    const heads = await log(ann).locator(".message").allInnerTexts();
    assert.match(heads[0], /Ben\b(?!ny)/);
    assert.match(heads[1], /Benny/);

    // Completion and mentions know the new name.
    await ann.getByRole("textbox", { name: "Message" }).fill("@Benn");
    await ann.getByRole("option").filter({ hasText: "Benny" }).waitFor();
    await ann.getByRole("textbox", { name: "Message" }).fill("");

    await ben.reload();
    await inRoom(ben);
    await people(ben).getByText("Benny", { exact: true }).waitFor();
    assert.equal(await ben.evaluate(() => localStorage.getItem("parlor.name")), "Ben", "of other rooms");
    const late = await visitors.guest("Late", room);
    await people(late).getByText("Benny", { exact: true }).waitFor();
  });

  test("goes over requests alone, and in a room with a key no message is in doubt", async ({ visitors, base }) => {
    for (const transport of ["short-poll", "ws"]) {
      const room = `${newRoom(base)}?transport=${transport}#${"A".repeat(43)}`;
      const [ann, ben] = [await visitors.guest("Ann", room), await visitors.guest("Ben", room)];
      await say(ben, "first");
      // A poll tells who came and who took another name before the messages, however they came between.
      await hears(ann, "first");
      await people(ben).getByRole("button", { name: RENAME }).click();
      await field(ben).fill("Benny");
      await field(ben).press("Enter");
      await dialog(ben).waitFor({ state: "hidden" });
      await say(ben, "second");
      await hears(ann, "second");
      await log(ann).getByText("Ben is now called Benny").waitFor();
      assert.equal(await log(ann).locator(".doubt").count(), 0, transport);
    }
  });

  test("is changed on a phone in both languages and themes, and axe finds nothing wrong", async ({
    visitors,
    base,
  }) => {
    const room = newRoom(base);
    await visitors.guest("Ann", room);
    for (const colorScheme of ["light", "dark"])
      for (const [locale, list, save, wrong, told] of [
        ["en-US", "Show participants", "Save", "This name can’t be used.", "You are now called"],
        ["ru-RU", "Показать участников", "Сохранить", "Это имя не подходит.", "Теперь вы"],
      ]) {
        const page = await visitors.guest("Zoe", room, { locale, colorScheme, ...PHONE });
        await page.getByRole("banner").getByRole("button", { name: list }).click();
        await page.getByRole("button", { name: RENAME }).click();
        await field(page).fill(" ");
        await dialog(page).getByRole("button", { name: save }).click();
        await dialog(page).getByText(wrong).waitFor();
        await fits(page);
        await expectAccessible(page, `the dialog, ${locale}, ${colorScheme}`);
        if (process.env.PICTURES)
          await page.screenshot({ path: `${process.env.PICTURES}/rename-${locale}-${colorScheme}.png` });
        await field(page).fill("Зоя Константиновна Воскресенская");
        await dialog(page).getByRole("button", { name: save }).click();
        await dialog(page).waitFor({ state: "hidden" });
        // Back in the list, which shows the name.
        await expect(page.getByRole("dialog").getByRole("button", { name: RENAME })).toBeFocused();
        await page.getByRole("dialog").getByText("Зоя Константиновна Воскресенская").first().waitFor();
        await expectAccessible(page, `the list, ${locale}, ${colorScheme}`);
        if (process.env.PICTURES)
          await page.screenshot({ path: `${process.env.PICTURES}/list-${locale}-${colorScheme}.png` });
        await page.keyboard.press("Escape");
        await log(page).getByText(told).waitFor();
        await fits(page);
        if (process.env.PICTURES)
          await page.screenshot({ path: `${process.env.PICTURES}/line-${locale}-${colorScheme}.png` });
        await page.close();
      }
  });
});
