import assert from "node:assert/strict";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { apiSender, bubble, fits, hears, log, message, newRoom, say } from "./people.mjs";

const look = (page, hidden) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

const pill = (page) => page.getByRole("button", { name: /mentions? of you|Вас упомянули/ });

/** Ann at the beginning of a long log, with a hand on the page. */
async function atTheTop(visitors, base, options = {}) {
  const room = newRoom(base);
  const speak = await apiSender("Ben", room);
  for (let n = 1; n <= 40; n += 1) await speak(`line ${n}.`);
  const ann = await visitors.guest("Ann", room, options);
  await hears(ann, "line 40.");
  await ann.mouse.move(20, 300);
  await message(ann, "line 40.").getByRole("toolbar").waitFor({ state: "attached" });
  await log(ann).evaluate((box) => box.scrollTo(0, 0));
  await ann.getByRole("button", { name: /Jump to the latest|К последнему/ }).waitFor();
  return { ann, speak };
}

const inSight = (page, text) =>
  bubble(page, text).evaluate((bubble) => {
    const [is, frame] = [bubble, bubble.closest("[role=log]")].map((element) => element.getBoundingClientRect());
    return is.top >= frame.top && is.bottom <= frame.bottom;
  });

test.describe("mentions", () => {
  test("below are counted apart, and one step leads to the first of them", async ({ visitors, base }) => {
    const { ann, speak } = await atTheTop(visitors, base);
    await speak("@Ann, the first");
    await speak("@Anna is not called Ann, nor is joe@ann");
    for (let n = 1; n <= 30; n += 1) await speak(`more ${n}.`);
    await speak("and @ann, the second");
    await expect(pill(ann)).toHaveText("@ 2");
    await ann.getByRole("button", { name: "33 new messages" }).waitFor();
    await expectAccessible(ann, "mentions");
    await pill(ann).click();
    assert.ok(await inSight(ann, "the first"));
    await expect(message(ann, "the first")).toBeFocused();
    await expect(pill(ann)).toHaveText("@ 1");
    await expect(pill(ann)).toHaveAccessibleName("1 mention of you: go to it");
    await pill(ann).press("Enter");
    await expect(message(ann, "the second")).toBeFocused();
    await expect(pill(ann)).toHaveCount(0);
  });

  test("in sight say nothing, and those that are scrolled to or deleted count no more", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    await say(ben, "hi @Ann!");
    await hears(ann, "hi @Ann!");
    await ann.mouse.move(20, 300);
    await message(ann, "hi @Ann!").getByRole("toolbar").waitFor({ state: "attached" });
    await say(ben, "@Ann, here");
    await hears(ann, "@Ann, here");
    await expect(pill(ann)).toHaveCount(0);
    assert.doesNotMatch(await ann.title(), /@/);
    const other = await atTheTop(visitors, base);
    await other.speak("@Ann, look");
    await expect(pill(other.ann)).toHaveText("@ 1");
    await log(other.ann).evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await expect(pill(other.ann)).toHaveCount(0);
  });

  test("of a page out of sight are in its title, until it is looked at", async ({ visitors, base }) => {
    const { ann, speak } = await atTheTop(visitors, base);
    await look(ann, true);
    await speak("hello");
    await expect(ann).toHaveTitle(/^\(1\) /);
    await speak("@Ann!");
    await speak("@Ann?");
    await expect(ann).toHaveTitle(/^\(3 · @2\) /);
    await look(ann, false);
    await expect(ann).toHaveTitle(/^[a-z-]+ · Parlor$/);
    await expect(pill(ann), "what is below is still to be read").toHaveText("@ 2");
    await log(ann).evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await expect(pill(ann)).toHaveCount(0);
  });

  test("have room on a phone beside the newest, in Russian, in both themes", async ({ visitors, base }) => {
    for (const colorScheme of ["light", "dark"]) {
      const { ann, speak } = await atTheTop(visitors, base, { ...PHONE, locale: "ru-RU", colorScheme });
      await speak("@Ann, раз");
      await speak("@Ann, два");
      await expect(pill(ann)).toHaveText("@ 2");
      await expect(pill(ann)).toHaveAccessibleName("Вас упомянули: 2. Перейти к первому");
      const newest = ann.getByRole("button", { name: "2 новых сообщения" });
      const [a, b] = [await pill(ann).boundingBox(), await newest.boundingBox()];
      assert.ok(a.y + a.height <= b.y || a.x >= b.x + b.width, "they do not cover one another");
      await fits(ann);
      await expectAccessible(ann, `mentions on a phone, ${colorScheme}`);
    }
  });
});
