import assert from "node:assert/strict";
import { expectAccessible } from "./axe.mjs";
import { control, guest, inCall, joins, MEDIA, stage, tile, until, videoButton } from "./call.mjs";
import { callTest as test, expect } from "./fixtures.mjs";
import { fits, newRoom, say } from "./people.mjs";

/** The controls beside the tiles where the window is low; the share of its height that is left to the tiles. */
const SIZES = [
  { width: 1280, height: 800, chat: true, tiles: 0.7 },
  { width: 1024, height: 768, chat: true, tiles: 0.7 },
  { width: 768, height: 1024, chat: true, tiles: 0.35 },
  { width: 360, height: 740, chat: false, tiles: 0.7 },
  { width: 360, height: 400, chat: false, tiles: 0.6 },
  { width: 640, height: 400, chat: false, tiles: 0.9 },
  { width: 740, height: 360, chat: false, tiles: 0.9 },
];

const bar = (page) => page.getByRole("toolbar", { name: /^(Call|Звонок)$/ });
const chat = (page) => page.locator(".room > main");
const chatButton = (page) => bar(page).locator("[data-control=chat]");
const composer = (page) => page.getByRole("textbox", { name: "Message" });
const focused = (page, locator) => locator.evaluate((element) => element === document.activeElement);

/** Every control is a finger's size, has its word in sight, and lies in the window and over no other. */
async function standsWell(page, where) {
  const seen = await bar(page).evaluate((bar) =>
    [...bar.querySelectorAll("button")].map((button) => {
      const { x, y, width, height } = button.getBoundingClientRect();
      const word = button.querySelector(".word");
      return { id: button.dataset.control, x, y, width, height, cut: word.scrollWidth > word.clientWidth };
    }),
  );
  const { width, height } = page.viewportSize();
  for (const one of seen) {
    assert.ok(one.width >= 44 && one.height >= 44, `${where}: a finger hits ${one.id}`);
    assert.ok(one.x >= 0 && one.y >= 0, `${where}: ${one.id} is in the window`);
    assert.ok(one.x + one.width <= width && one.y + one.height <= height, `${where}: ${one.id} is in the window`);
    assert.equal(one.cut, false, `${where}: the word of ${one.id} is whole`);
  }
  const lines = new Set(seen.map(({ x, y }) => Math.round(width > height && height < 500 ? x : y)));
  assert.equal(lines.size, 1, `${where}: the controls stand in one line`);
  const ids = seen.map(({ id }) => id);
  assert.deepEqual([...ids.slice(0, 2), ids.at(-1)], ["mic", "camera", "hangUp"], where);
}

test.describe("a call's layout", () => {
  test("the stage and the chat fit every window, from a desktop to a phone sideways", async ({ visitors, base }) => {
    const room = newRoom(base);
    const [ann, ben] = [await guest(visitors, "Ann", room), await guest(visitors, "Ben", room)];
    await joins(ann);

    for (const { width, height, chat: beside, tiles } of SIZES) {
      const where = `${width}x${height}`;
      await ann.setViewportSize({ width, height });
      await expect(chatButton(ann), where).toHaveAttribute("aria-expanded", String(beside));
      await expect(chat(ann), where).toBeVisible({ visible: beside });
      await until(`${where}: the controls have found their places`, () =>
        bar(ann).evaluate((bar) => bar.parentElement.clientWidth >= bar.scrollWidth),
      );
      await fits(ann);
      await standsWell(ann, where);
      const share = (await stage(ann).locator(".view").boundingBox()).height / height;
      assert.ok(share >= tiles, `${where}: the tiles have ${share} of the height`);
    }

    // Of the last size, sideways: what the bar has no room for, and what the header would offer.
    await bar(ann).getByRole("button", { name: "More options" }).click();
    const menu = ann.getByRole("menu");
    await expect(menu.getByRole("menuitem", { name: "Invite" })).toBeVisible();
    const box = await menu.boundingBox();
    assert.ok(box.x >= 0 && box.y >= 0 && box.y + box.height <= 360, "the menu is in the window");
    await ann.keyboard.press("End");
    await until("the keys lead through it", () => focused(ann, menu.getByRole("menuitem").last()));
    await ann.keyboard.press("Escape");
    await expect(menu).toHaveCount(0);
    await until("the focus is back", () => focused(ann, bar(ann).locator("[data-control=more]")));

    await ann.setViewportSize({ width: 360, height: 740 });
    await say(ben, "one");
    await expect(chatButton(ann), "unread").toHaveAccessibleName("Chat: 1 new message");
    await chatButton(ann).click();
    await until("the focus goes into the chat", () => focused(ann, composer(ann)));
    await expect(stage(ann), "nothing behind it is reached").toHaveAttribute("inert", "");
    await expect(ann.getByRole("heading", { name: "Chat" })).toBeVisible();
    await expectAccessible(ann, "the chat over the call");
    // The keyboard of the phone comes up.
    await ann.setViewportSize({ width: 360, height: 400 });
    await ann.keyboard.type("two");
    await ann.keyboard.press("Enter");
    await expect(chat(ann).getByText("two", { exact: true })).toBeInViewport();
    await expect(composer(ann)).toBeInViewport({ ratio: 1 });
    await fits(ann);
    await ann.keyboard.press("Escape");
    await until("and comes back", () => focused(ann, chatButton(ann)));
    await expect(chatButton(ann), "all is read").toHaveAccessibleName("Chat");
    await chatButton(ann).click();
    await ann.getByRole("button", { name: "Close the chat" }).click();
    await expect(chat(ann)).toHaveAttribute("inert", "");

    await ann.setViewportSize({ width: 1280, height: 800 });
    const { width } = await stage(ann).boundingBox();
    await ann.keyboard.press("Alt+T");
    await expect(chat(ann), "by its key, also beside").toBeHidden();
    await expect.poll(async () => (await stage(ann).boundingBox()).width).toBeGreaterThan(width + 250);
    await ann.keyboard.press("Alt+T");
    await until("the focus is in the chat", () => focused(ann, composer(ann)));
  });

  test("the longer words of Russian leave a phone one row", async ({ visitors, base }) => {
    const options = { locale: "ru-RU", viewport: { width: 360, height: 740 } };
    const page = await guest(visitors, "Вера", newRoom(base), options);
    await videoButton(page);
    await page.getByRole("dialog").getByRole("button", { name: "Присоединиться", exact: true }).click();
    await inCall(page);
    await fits(page);
    await standsWell(page, "360x740, ru");
  });

  test("a small window shows the other and has the controls", async ({ visitors, base }) => {
    const room = newRoom(base);
    const [ann, ben] = [await guest(visitors, "Ann", room), await guest(visitors, "Ben", room)];
    await joins(ben, { mic: false });
    await joins(ann);
    await tile(ann, "Ben").locator("video").waitFor({ timeout: MEDIA });
    const [small] = await Promise.all([
      ann.context().waitForEvent("page"),
      control(ann, "Pop out into a small window").click(),
    ]);
    const video = small.getByLabel("Ben", { exact: true }).and(small.locator("video"));
    await until("the picture of Ben", () => video.evaluate((element) => element.videoWidth > 0));
    await expect(small.getByRole("button", { name: "Leave the call" }), "with the page's styles").toHaveCSS(
      "background-color",
      "rgb(196, 43, 28)",
    );
    await small.getByRole("button", { name: "Mute" }).click();
    await expect(control(ann, "Unmute")).toBeVisible();
    const closed = small.waitForEvent("close");
    // The window may close before the click is reported.
    await small
      .getByRole("button", { name: "Back to the room" })
      .click()
      .catch(() => {});
    await closed;

    await Promise.all([ann.context().waitForEvent("page"), control(ann, "Pop out into a small window").click()]);
    await control(ann, "Leave the call").click();
    await expect.poll(() => ann.context().pages().length, { message: "it ends with the call" }).toBe(1);
  });
});
