import assert from "node:assert/strict";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { actionsOf, box, fits, hears, inRoom, log, message, newRoom, REACT, remember, say } from "./people.mjs";

const EMOJI = /^(Emoji|Эмодзи)$/;
const MORE = /^(More emoji|Другие эмодзи)$/;
const opener = (page) => page.getByRole("button", { name: EMOJI });
const dialog = (page) => page.getByRole("dialog", { name: EMOJI });
const options = (page) => dialog(page).getByRole("option");
const search = (page) => dialog(page).getByRole("combobox");

/** The first sign of a hand brings the button. */
async function open(page, press = (button) => button.click()) {
  await page.mouse.move(5, 5);
  await press(opener(page));
  await options(page).first().waitFor();
}

test.describe("the emoji picker", () => {
  test("is asked for, comes from the page's own server, and leaves nothing in the browser", async ({
    visitors,
    base,
  }) => {
    const page = await visitors.page();
    await remember(page, "Ann");
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(newRoom(base));
    await inRoom(page);
    await page.waitForLoadState("networkidle");
    const parts = () => asked.filter((url) => /picker|emojibase/i.test(url));
    assert.deepEqual(parts(), [], "a visit needs none of it");
    const kept = () =>
      page.evaluate(async () => ({
        local: Object.keys(localStorage).filter((key) => key !== "parlor.recent"),
        databases: await indexedDB.databases(),
        caches: await caches.keys(),
      }));
    const before = await kept();
    await open(page);
    await options(page).first().click();
    assert.ok(parts().length >= 2, `${parts()}`);
    assert.deepEqual(
      [...new Set(asked.filter((url) => url.startsWith("http")).map((url) => new URL(url).origin))],
      [base],
    );
    assert.deepEqual(await kept(), before);
    assert.deepEqual(before.databases, []);
  });

  test("puts an emoji where the caret is, by keyboard alone, and gives the focus back", async ({ visitors, base }) => {
    const ann = await visitors.guest("Ann", newRoom(base));
    await box(ann).fill("good day");
    await box(ann).press("Home");
    for (let n = 0; n < 4; n += 1) await box(ann).press("ArrowRight");
    await opener(ann).waitFor();
    await ann.keyboard.press("Tab");
    await expect(ann.getByRole("button", { name: "Attach files" })).toBeFocused();
    await ann.keyboard.press("Tab");
    await expect(opener(ann)).toBeFocused();
    await ann.keyboard.press("Enter");
    await options(ann).first().waitFor();
    await expect(search(ann)).toBeFocused();
    await ann.keyboard.type("pizza");
    await expect(options(ann)).toHaveCount(1);
    await dialog(ann).getByRole("status").getByText("1 emoji found").waitFor({ state: "attached" });
    await expect(search(ann)).toHaveAttribute("aria-activedescendant", await options(ann).first().getAttribute("id"));
    await ann.keyboard.press("Enter");
    await expect(dialog(ann)).toHaveCount(0);
    await expect(box(ann)).toHaveValue("good🍕 day");
    await expect(box(ann)).toBeFocused();
    await ann.keyboard.press("Control+z");
    await expect(box(ann), "typed, for the browser").toHaveValue("good day");
    await opener(ann).focus();
    await ann.keyboard.press("Enter");
    await options(ann).first().waitFor();
    await ann.keyboard.press("Escape");
    await expect(dialog(ann)).toHaveCount(0);
    await expect(opener(ann), "Escape changes nothing").toBeFocused();
    await expect(box(ann)).toHaveValue("good day");
  });

  test("is walked through by arrows, its groups by theirs, and nothing found is said", async ({ visitors, base }) => {
    const ann = await visitors.guest("Ann", newRoom(base));
    await open(ann);
    const active = () => dialog(ann).locator("[aria-selected=true][role=option]");
    await expect(active()).toHaveCount(0);
    await ann.keyboard.press("ArrowDown");
    await expect(active()).toHaveAttribute("data-at", "0");
    await ann.keyboard.press("ArrowRight");
    await expect(active(), "that is the caret's, in the field").toHaveAttribute("data-at", "0");
    await dialog(ann).getByRole("listbox").focus();
    await ann.keyboard.press("ArrowRight");
    await expect(active()).toHaveAttribute("data-at", "1");
    await ann.keyboard.press("ArrowDown");
    const below = Number(await active().getAttribute("data-at"));
    const [upper, lower] = await Promise.all([1, below].map((at) => options(ann).nth(at).boundingBox()));
    assert.ok(lower.y > upper.y && Math.abs(lower.x - upper.x) < 2, "straight below");
    await ann.keyboard.press("ArrowUp");
    await ann.keyboard.press("ArrowUp");
    await expect(active(), "above the first line none is chosen").toHaveCount(0);
    await search(ann).fill("hand");
    await ann.keyboard.press("Home");
    await ann.keyboard.type("x");
    await ann.keyboard.press("ArrowLeft");
    await ann.keyboard.press("Delete");
    await expect(search(ann), "the caret moves").toHaveValue("hand");
    await search(ann).fill("");
    await ann.keyboard.press("Tab");
    await ann.keyboard.press("Tab");
    await expect(dialog(ann).getByRole("tab", { name: "Smileys" })).toBeFocused();
    await ann.keyboard.press("ArrowLeft");
    await expect(dialog(ann).getByRole("tab", { name: "Flags" })).toBeFocused();
    await options(ann).filter({ hasText: "🇳🇱" }).waitFor();
    await search(ann).fill("qwerty");
    await dialog(ann).getByRole("status").getByText("No emoji found.").waitFor();
    await expect(options(ann)).toHaveCount(0);
    await dialog(ann).getByRole("button", { name: "Medium", exact: true }).click();
    await search(ann).fill("waving hand");
    await ann.keyboard.press("Enter");
    await expect(box(ann)).toHaveValue("👋🏽");
  });

  test("offers every emoji for a reaction, and the focus stays at the message", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    await say(ann, "lunch?");
    await hears(ben, "lunch?");
    const actions = await actionsOf(ben, "lunch?");
    await actions.getByRole("button", { name: REACT }).focus();
    await ben.keyboard.press("Enter");
    await ben.keyboard.press("End");
    await ben.keyboard.press("ArrowLeft");
    await ben.keyboard.press("ArrowRight");
    const more = actions.getByRole("button", { name: MORE });
    await expect(more).toBeFocused();
    await ben.keyboard.press("Enter");
    await options(ben).first().waitFor();
    await ben.keyboard.press("Escape");
    await expect(more).toBeFocused();
    await ben.keyboard.press("Enter");
    await ben.keyboard.type("taco");
    await ben.keyboard.press("Enter");
    await log(ann).getByRole("button", { name: "🌮: 1" }).waitFor();
    await expect(actions.getByRole("button", { name: REACT })).toBeFocused();
    // Chosen again it stays: the button below the message takes it away.
    await ben.keyboard.press("Enter");
    await actions.getByRole("button", { name: MORE }).click();
    await search(ben).fill("taco");
    await ben.keyboard.press("Enter");
    await expect(log(ben).getByRole("button", { name: "🌮: 1" })).toHaveAttribute("aria-pressed", "true");
  });

  test("is a sheet on a phone, in Russian, in both themes, and axe finds nothing wrong", async ({ visitors, base }) => {
    for (const colorScheme of ["light", "dark"]) {
      const ann = await visitors.guest("Анна", newRoom(base), { ...PHONE, locale: "ru-RU", colorScheme });
      await say(ann, "обед");
      await hears(ann, "обед");
      await open(ann, (button) => button.tap());
      const { x, y, width, height } = await dialog(ann).boundingBox();
      assert.ok(x === 0 && width === 360 && Math.abs(y + height - 740) <= 1, `${x} ${y} ${width} ${height}`);
      const option = await options(ann).first().boundingBox();
      assert.ok(option.width >= 40 && option.height >= 40, "enough for a finger");
      await expectAccessible(ann, `picker, ${colorScheme}`);
      await search(ann).fill("пицц");
      await expect(options(ann)).toHaveCount(1);
      await expectAccessible(ann, `picker with what was found, ${colorScheme}`);
      await fits(ann);
      await options(ann).first().tap();
      await expect(box(ann)).toHaveValue("🍕");
      const finger = (target) => target.tap();
      const actions = await actionsOf(ann, "обед", finger);
      await actions.getByRole("button", { name: REACT }).tap();
      await actions.getByRole("button", { name: MORE }).tap();
      await options(ann).first().waitFor();
      await options(ann).first().tap();
      await message(ann, "обед").getByRole("button", { name: "😀: 1" }).waitFor();
    }
  });

  test("of a page without IndexedDB works as well", async ({ visitors, base }) => {
    const page = await visitors.page({ colorScheme: "dark" });
    await page.addInitScript(() => Object.defineProperty(globalThis, "indexedDB", { value: undefined }));
    await remember(page, "Ann");
    await page.goto(newRoom(base));
    await inRoom(page);
    await open(page);
    await expectAccessible(page, "picker on a desk, dark");
    await options(page).nth(3).click();
    await expect(box(page)).toHaveValue("😁");
  });
});
