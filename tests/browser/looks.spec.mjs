import assert from "node:assert/strict";
import { expectAccessible, PHONE } from "./axe.mjs";
import { expect, test } from "./fixtures.mjs";
import { comesByLanding, fits, inRoom, newRoom } from "./people.mjs";

const KEY = `#${"A".repeat(43)}`;
const WORDS = {
  "en-US": { invite: "Invite", call: "Call", leave: "Leave", sealed: "Encrypted", plain: "Not encrypted" },
  "ru-RU": {
    invite: "Пригласить",
    call: "Звонок",
    leave: "Выйти",
    sealed: "Зашифровано",
    plain: "Без шифрования",
  },
};
const banner = (page) => page.getByRole("banner");
const button = (page, name) => page.getByRole("button", { name, exact: true });

/** What a page asks for, by the end of its address. */
function requests(page, ending) {
  const asked = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.endsWith(ending)) asked.push(pathname);
  });
  return asked;
}

const fontOf = (locator) => locator.evaluate((element) => getComputedStyle(element).fontFamily);
const drawn = (page, text) => page.evaluate((text) => document.fonts.check("500 20px Literata", text), text);

test.describe("looks", () => {
  for (const [locale, words] of Object.entries(WORDS))
    for (const [size, options] of [
      ["a phone", PHONE],
      ["a desktop", { viewport: { width: 1280, height: 800 } }],
    ])
      test(`the header of a room on ${size}, ${locale}: one Invite, a lock with a word, a quiet Leave`, async ({
        visitors,
        base,
      }) => {
        for (const [key, word, other] of [
          [KEY, words.sealed, words.plain],
          ["", words.plain, words.sealed],
        ]) {
          const page = await visitors.guest("Ann", newRoom(base) + key, { ...options, locale });
          await button(page, word).waitFor();
          assert.equal(await button(page, other).count(), 0);
          assert.equal(await button(page, words.invite).count(), 1, "also while nobody else is there");
          const whole = await button(page, word)
            .locator("span")
            .evaluate((text) => text.scrollWidth <= text.clientWidth);
          assert.ok(whole, `"${word}" is read whole`);
          // Where the server has no video, what to do first is to invite.
          for (const [name, solid] of [
            [words.call, false],
            [words.invite, true],
            [words.leave, false],
          ])
            await expect(banner(page).getByRole("button", { name })).toHaveClass(
              solid ? /\bsolid\b/ : /^(?!.*\bsolid\b)/,
            );
          const order = await banner(page)
            .getByRole("button")
            .evaluateAll((all) => all.filter((one) => one.checkVisibility()).map((one) => one.textContent.trim()));
          const at = [word, words.call, words.invite, words.leave].map((name) => order.indexOf(name));
          assert.deepEqual(
            [...at].sort((a, b) => a - b),
            at,
            `${order}`,
          );
          assert.ok(at[0] === 0 && at.at(-1) === order.length - 1, `${order}`);
          await fits(page);
          for (const colorScheme of ["light", "dark"]) {
            await page.emulateMedia({ colorScheme });
            await expectAccessible(page, `a room, ${locale}, ${colorScheme}`);
          }
        }
      });

  test("the lock opens what it stands for, also for a finger beside it", async ({ visitors, base }) => {
    const page = await visitors.guest("Ann", newRoom(base) + KEY, PHONE);
    const { x, y, width, height } = await button(page, "Encrypted").boundingBox();
    assert.ok(height >= 24, `${height} pixels`);
    await page.touchscreen.tap(x + width / 2, y + height + 6);
    await page.getByRole("dialog", { name: "End-to-end encrypted" }).waitFor();
  });

  test("the landing says what it is in four marks of at most six words", async ({ visitors, base }) => {
    for (const locale of ["en-US", "ru-RU"]) {
      const page = await visitors.page({ locale });
      await page.goto(base);
      const marks = page.getByRole("list", { name: /^(How it works|Как это работает)$/ }).getByRole("listitem");
      await expect(marks).toHaveCount(4);
      for (const text of await marks.allInnerTexts()) assert.ok(text.trim().split(/\s+/).length <= 6, text);
      await expect(marks.locator("svg")).toHaveCount(4);
    }
  });

  test("the landing shows a room in the theme and the language of the page", async ({ visitors, base }) => {
    for (const [locale, language] of [
      ["en-US", "en"],
      ["ru-RU", "ru"],
    ]) {
      const page = await visitors.page({ locale, colorScheme: "dark" });
      const asked = requests(page, ".webp");
      await page.goto(base);
      const picture = page.getByRole("img", { name: /^(A room:|Комната:)/ });
      await picture.scrollIntoViewIfNeeded();
      const is = (theme) => expect(picture).toHaveAttribute("src", new RegExp(`room-${language}-${theme}-.*\\.webp$`));
      await is("dark");
      await expect.poll(() => picture.evaluate((image) => image.complete && image.naturalWidth)).toBe(800);
      assert.equal(asked.length, 1, `${asked}`);
      const { headers, size } = await page.evaluate(async (path) => {
        const answer = await fetch(path);
        return { headers: Object.fromEntries(answer.headers), size: (await answer.bytes()).length };
      }, asked[0]);
      assert.equal(headers["content-type"], "image/webp");
      assert.match(headers["cache-control"], /immutable/);
      assert.ok(size > 5_000 && size <= 30_000, `${size} bytes`);
      const { width, height } = await picture.boundingBox();
      assert.ok(Math.abs(width / height - 400 / 540) < 0.01, "its place has its shape");
      await button(page, language === "en" ? "Light" : "Светлая").click();
      await is("light");
      await button(page, language === "en" ? "System" : "Системная").click();
      await is("dark");
      await page.emulateMedia({ colorScheme: "light" });
      await is("light");
    }
  });

  test("headings have one serif of at most 25 kB, and their lines stay when it comes late", async ({
    visitors,
    base,
  }) => {
    let bytes = 0;
    for (const [locale, viewport, files] of [
      ["en-US", { width: 1280, height: 800 }, 1],
      ["ru-RU", { width: 1280, height: 800 }, 2],
      ["en-US", { width: 360, height: 740 }, 1],
      ["ru-RU", { width: 360, height: 740 }, 2],
    ]) {
      const page = await visitors.page({ locale, viewport });
      let release;
      const may = new Promise((resolve) => (release = resolve));
      await page.route("**/*.woff2", (route) => may.then(() => route.continue()));
      const taken = [];
      page.on("requestfinished", (request) => {
        if (request.url().endsWith(".woff2")) taken.push(request.sizes());
      });
      await page.goto(base);
      const title = page.getByRole("heading", { level: 1 });
      await title.waitFor();
      const text = await title.innerText();
      assert.equal(await drawn(page, text), false);
      // The rest of the landing comes meanwhile.
      await button(page, locale === "en-US" ? "System" : "Системная").waitFor();
      const before = await title.boundingBox();
      release();
      await expect.poll(() => drawn(page, text)).toBe(true);
      await expect.poll(() => taken.length).toBe(files);
      assert.match(await fontOf(title), /^Literata/);
      const after = await title.boundingBox();
      assert.deepEqual([after.y, after.height], [before.y, before.height], `${locale} ${viewport.width}`);
      const sizes = (await Promise.all(taken)).map(({ responseBodySize }) => responseBodySize);
      bytes = Math.max(
        bytes,
        sizes.reduce((sum, size) => sum + size, 0),
      );
    }
    console.log(`     the serif: ${bytes} bytes`);
    assert.ok(bytes > 5_000 && bytes <= 25_000, `${bytes} bytes`);
  });

  test("a visit that starts in a room asks for no serif, one by the landing keeps it", async ({ visitors, base }) => {
    const direct = await visitors.page();
    const asked = requests(direct, ".woff2");
    await direct.addInitScript(() => localStorage.setItem("parlor.name", "Ann"));
    await direct.goto(newRoom(base));
    await inRoom(direct);
    // The landing's part is fetched when the room is used.
    const part = direct.waitForResponse(/\/assets\/Landing-.*\.css$/);
    await direct.keyboard.press("a");
    await part;
    await direct.waitForLoadState("networkidle");
    assert.deepEqual(asked, []);
    assert.doesNotMatch(await fontOf(direct.getByRole("heading", { level: 1 })), /Literata/);

    const page = await comesByLanding(await visitors.page(), "Ben", newRoom(base));
    assert.match(await fontOf(page.getByRole("heading", { level: 1 })), /^Literata/);
    assert.equal(await drawn(page, "Ben"), true);
  });
});
