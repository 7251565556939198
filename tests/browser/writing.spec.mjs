import assert from "node:assert/strict";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { box, fits, hears, log, message, newRoom, say, sees, stateOf } from "./people.mjs";

const CODE = "fn main() {\n    let a = *b; // **not bold**\n}";
const listbox = (page) => page.getByRole("listbox");
const option = (page, name) => listbox(page).getByRole("option", { name });

test.describe("writing", () => {
  test("marks are drawn, and whatever looks like HTML is text", async ({ visitors, base }) => {
    const room = newRoom(base);
    const asked = [];
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    ben.on("request", (request) => asked.push(request.url()));
    await say(ann, "plain words");
    await hears(ben, "plain words");
    assert.equal(asked.filter((url) => /MarkedText/.test(url)).length, 0, "nothing is loaded for plain words");
    const text = "**bold** *it* ~~no~~ `x*y*z` <b>tag</b> https://example.com/a_b_c\n> said\n- one\n- two";
    await say(ann, text);
    for (const page of [ann, ben]) {
      const said = message(page, "bold").locator(".text");
      await said.locator("strong", { hasText: "bold" }).waitFor();
      assert.equal(await said.locator("em").innerText(), "it");
      assert.equal(await said.locator("del").innerText(), "no");
      assert.equal(await said.locator("code").innerText(), "x*y*z");
      assert.equal(await said.locator("blockquote").innerText(), "said");
      assert.deepEqual(await said.locator("li").allInnerTexts(), ["one", "two"]);
      assert.equal(await said.locator("b").count(), 0);
      assert.equal(await said.locator("a").getAttribute("href"), "https://example.com/a_b_c");
      await expectAccessible(page, "marks");
    }
    await say(ann, "2*3*4 and snake_case_name");
    await sees(ben, [
      "plain words",
      await message(ben, "bold").locator(".text").innerText(),
      "2*3*4 and snake_case_name",
    ]);
  });

  test("a block of code keeps its white space and can be copied", async ({ visitors, base }) => {
    const room = newRoom(base);
    const context = await visitors.context({ permissions: ["clipboard-read", "clipboard-write"], ...PHONE });
    await context.addInitScript(() => location.protocol === "about:" || localStorage.setItem("parlor.name", "Ann"));
    const ann = await context.newPage();
    await ann.goto(room);
    await box(ann).waitFor();
    await ann.bringToFront();
    await say(ann, `look:\n\`\`\`rust\n${CODE}\n\`\`\`\nwhat about ${"x".repeat(80)}?`);
    const block = log(ann).locator(".code");
    await block.waitFor();
    assert.equal(await block.locator("pre").innerText(), CODE);
    assert.equal(await block.locator("strong").count(), 0);
    await block.getByText("rust", { exact: true }).waitFor();
    await fits(ann);
    await expectAccessible(ann, "code on a phone");
    await block.getByRole("button", { name: "Copy" }).tap();
    await expect(block.getByRole("status")).toHaveText("Copied");
    assert.equal(await ann.evaluate(() => navigator.clipboard.readText()), CODE);
  });

  test("an emoji alone is large, and a member that is here is marked when named", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room, { colorScheme: "dark" });
    await say(ann, "🎉");
    await say(ann, "🎉 ok");
    await hears(ben, "🎉 ok");
    const size = (at) =>
      log(ben)
        .locator(".text")
        .nth(at)
        .evaluate((text) => Number.parseFloat(getComputedStyle(text).fontSize));
    assert.ok((await size(0)) > 2 * (await size(1)));
    await say(ann, "@Ben and @ann and @nobody, not x@ben");
    for (const [page, own] of [
      [ben, "@Ben"],
      [ann, "@ann"],
    ]) {
      const marked = message(page, "@nobody").locator(".mention");
      await marked.nth(1).waitFor();
      assert.deepEqual(await marked.allInnerTexts(), ["@Ben", "@ann"]);
      assert.deepEqual(await message(page, "@nobody").locator(".mention.me").allInnerTexts(), [own]);
      await expectAccessible(page, "mentions");
    }
  });

  test("a name is completed by keyboard, and said to be", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    for (const name of ["Ben", "Ben Hur", "Zoe"]) await visitors.guest(name, room);
    await ann.getByText("4 people here").waitFor();
    await box(ann).pressSequentially("hi @");
    await listbox(ann).waitFor();
    await box(ann).pressSequentially("be");
    await expect(listbox(ann).getByRole("option")).toHaveCount(2);
    await ann.getByRole("status").filter({ hasText: "2 suggestions" }).waitFor({ state: "attached" });
    const active = () =>
      box(ann).evaluate((area) => document.getElementById(area.getAttribute("aria-activedescendant"))?.innerText);
    assert.match(await active(), /Ben$/);
    await ann.keyboard.press("ArrowDown");
    await expect(option(ann, "Ben Hur")).toHaveAttribute("aria-selected", "true");
    assert.match(await active(), /Ben Hur$/);
    await expectAccessible(ann, "completion");
    await ann.keyboard.press("Enter");
    await expect(box(ann)).toHaveValue("hi @Ben Hur ");
    await expect(listbox(ann)).toHaveCount(0);
    assert.equal(await box(ann).getAttribute("aria-activedescendant"), null);
    await box(ann).pressSequentially("and @z");
    await option(ann, "Zoe").waitFor();
    await ann.keyboard.press("Escape");
    await expect(listbox(ann)).toHaveCount(0);
    await ann.keyboard.press("Enter");
    await message(ann, "hi").locator(".mention", { hasText: "@Ben Hur" }).waitFor();
    await sees(ann, ["hi @Ben Hur and @z"]);
  });

  test("an emoji is completed by its name, by keyboard and by finger, in both languages", async ({
    visitors,
    base,
  }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room, { ...PHONE, locale: "ru-RU" });
    await box(ann).pressSequentially("10:30 :");
    await box(ann).pressSequentially("сер");
    await option(ann, ":сердце:").waitFor();
    await fits(ann);
    await expectAccessible(ann, "completion on a phone");
    await option(ann, ":сердце:").tap();
    await expect(box(ann)).toHaveValue("10:30 ❤️");
    await expect(box(ann)).toBeFocused();
    await box(ann).pressSequentially(" :tada:");
    await expect(box(ann)).toHaveValue("10:30 ❤️ 🎉");
    await box(ann).pressSequentially(" :smi");
    await listbox(ann).waitFor();
    await ann.keyboard.press("Tab");
    await expect(box(ann)).toHaveValue("10:30 ❤️ 🎉 😄");
  });

  test("joins and leaves in a row are one line", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    await log(ann).getByText("Ben joined").waitFor();
    const cy = await visitors.guest("Cy", room, { locale: "ru-RU" });
    await log(ann).getByText("Ben and Cy joined").waitFor();
    await visitors.guest("Dan", room);
    await log(ann).getByText("Ben, Cy, and Dan joined").waitFor();
    await log(cy).getByText("Dan теперь в комнате").waitFor();
    await ben.getByRole("button", { name: "Leave", exact: true }).click();
    await log(ann).getByText("Cy and Dan joined · Ben left").waitFor();
    await log(cy).getByText("Dan теперь в комнате · Ben больше не в комнате").waitFor();
    assert.equal(await log(ann).locator(".notice").count(), 1);
    await say(ann, "hello");
    await hears(cy, "hello");
    await cy.getByRole("button", { name: "Выйти", exact: true }).click();
    await log(ann).getByText("Cy left").waitFor();
    assert.equal(await log(ann).locator(".notice").count(), 2);
  });

  test("unread messages begin below a line, and the newest are a press away", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room, { viewport: { width: 800, height: 500 } });
    const ben = await visitors.guest("Ben", room);
    for (let i = 1; i <= 15; i += 1) await say(ben, `old ${i}`);
    await hears(ann, "old 15");
    const hide = (hidden) =>
      ann.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await hide(true);
    for (let i = 1; i <= 15; i += 1) await say(ben, `new ${i}`);
    await hears(ann, "new 15");
    await hide(false);
    const divider = log(ann).getByText("New messages");
    await expect(divider).toHaveCount(1);
    const below = await divider.evaluate(
      (line) => line.closest("p").nextElementSibling.querySelector(".text").innerText,
    );
    assert.equal(below.trim(), "new 1");
    await expectAccessible(ann, "unread");
    await log(ann).evaluate((box) => box.scrollTo(0, 0));
    await ann.emulateMedia({ reducedMotion: "reduce" });
    await ann.getByRole("button", { name: "Jump to the latest message" }).click();
    await expect(message(ann, "new 15")).toBeInViewport();
    await say(ann, "read");
    await stateOf(ann, "read", "sent");
    await hide(true);
    await hide(false);
    await expect(divider, "it goes when the page is hidden again").toHaveCount(0);
  });
});
