import assert from "node:assert/strict";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import {
  act,
  actionsOf,
  box,
  bubble,
  fits,
  hears,
  inRoom,
  log,
  message,
  newRoom,
  react,
  remember,
  say,
  sees,
  stateOf,
} from "./people.mjs";

const KEY = "A".repeat(43);
const quoteIn = (page, text) => message(page, text).locator(".quote");

/** Ann and Ben in a room, with or without a key. */
async function two(visitors, base, key = "", options = {}) {
  const room = newRoom(base) + key;
  return {
    room,
    ann: await visitors.guest("Ann", room, options),
    ben: await visitors.guest("Ben", room, options),
  };
}

/** Answers what the page sends with a refusal, where `code` gives one. */
async function refusing(visitors, room, code) {
  const page = await visitors.page();
  await remember(page, "Ann");
  await page.routeWebSocket(/\/ws\?/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((data) => {
      const frame = JSON.parse(data);
      const refused = code(frame);
      if (refused) socket.send(JSON.stringify({ type: "error", code: refused, message: "", n: frame.n }));
      else server.send(data);
    });
  });
  await page.goto(room);
  await inRoom(page);
  return page;
}

test.describe("talk", () => {
  for (const [kind, key] of [
    ["", ""],
    [" in a room with a key", `#${KEY}`],
  ]) {
    test(`an answer shows what it answers and leads there${kind}`, async ({ visitors, base }) => {
      const { ann, ben, room } = await two(visitors, base, key);
      await say(ann, "shall we meet at noon?");
      await hears(ben, "shall we meet");
      for (let i = 1; i <= 20; i += 1) await say(ann, `line ${i}`);
      await hears(ben, "line 20");
      await act(ben, "shall we meet", "Reply");
      await expect(box(ben)).toBeFocused();
      await ben.getByText("Replying to Ann").waitFor();
      await expect(box(ben)).toHaveAccessibleDescription(/Replying to Ann.*shall we meet at noon\?/s);
      await ben.keyboard.press("Escape");
      await ben.getByText("Replying to Ann").waitFor({ state: "detached" });
      await act(ben, "shall we meet", "Reply");
      await ben.keyboard.type("with pleasure");
      await ben.keyboard.press("Enter");
      await ben.getByText("Replying to Ann").waitFor({ state: "detached" });
      const cy = await visitors.guest("Cy", room);
      for (const page of [ann, ben, cy]) {
        await quoteIn(page, "with pleasure").waitFor();
        assert.match(await quoteIn(page, "with pleasure").innerText(), /Ann\s+shall we meet at noon\?/);
        await page.emulateMedia({ reducedMotion: "reduce" });
        await quoteIn(page, "with pleasure").click();
        await expect(message(page, "shall we meet")).toBeFocused();
        await expect(message(page, "shall we meet")).toBeInViewport();
      }
      await expectAccessible(cy, "an answer");
    });

    test(`an edit replaces the text for all and is marked${kind}`, async ({ visitors, base }) => {
      const { ann, ben, room } = await two(visitors, base, key);
      await say(ann, "see you tomorow");
      await say(ben, "yes");
      await hears(ann, "yes");
      await box(ann).fill("a draft");
      await act(ann, "tomorow", "Edit");
      await expect(box(ann)).toBeFocused();
      await expect(box(ann)).toHaveValue("see you tomorow");
      await ann.getByText("Editing your message").waitFor();
      await ann.keyboard.press("Escape");
      await expect(box(ann)).toHaveValue("a draft");
      await act(ann, "tomorow", "Edit");
      await box(ann).fill("see you tomorrow");
      await ann.keyboard.press("Enter");
      await expect(box(ann), "the draft is back").toHaveValue("a draft");
      const cy = await visitors.guest("Cy", room);
      for (const page of [ann, ben, cy]) {
        await sees(page, ["see you tomorrow", "yes"]);
        const mark = message(page, "tomorrow").getByText("edited");
        await mark.waitFor();
        assert.match(await mark.getAttribute("title"), /\d:\d\d/);
        assert.equal(await message(page, "yes").getByText("edited").count(), 0);
        assert.equal(await page.locator(".doubt").count(), 0);
      }
      await ann.reload();
      await sees(ann, ["see you tomorrow", "yes"]);
      await expectAccessible(ben, "an edited message");
    });

    test(`a delete leaves the place and nothing else${kind}`, async ({ visitors, base }) => {
      const { ann, ben, room } = await two(visitors, base, key);
      await say(ann, "the wrong window");
      await hears(ben, "the wrong window");
      await react(ben, "the wrong window", "👍");
      await act(ben, "the wrong window", "Reply");
      await box(ben).fill("what?");
      await box(ben).press("Enter");
      await quoteIn(ann, "what?").waitFor();
      const button = await act(ann, "the wrong window", "Delete");
      await expect(button, "it asks").toHaveText("Delete for everyone?");
      await expect(button, "and keeps the focus").toBeFocused();
      await ann.keyboard.press("Escape");
      await expect(button).toHaveText("");
      await button.press("Enter");
      await button.press("Enter");
      await ann.getByText("This message was deleted.").waitFor();
      await ben.getByText("This message was deleted.").waitFor();
      const cy = await visitors.guest("Cy", room);
      for (const page of [ann, ben, cy]) {
        await sees(page, ["what?"]);
        const place = log(page).locator(".message").first();
        await place.locator(".removed").waitFor();
        await place.locator(".bubble").hover();
        assert.equal(await place.getByRole("button").count(), 0, "no reactions, no actions");
        assert.equal(await quoteIn(page, "what?").innerText(), "The original message is gone.");
        assert.doesNotMatch(await page.locator("body").innerText(), /wrong window/);
        assert.equal(await page.locator(".doubt").count(), 0);
      }
      await expectAccessible(cy, "a deleted message");
      await say(ann, "never mind");
      await hears(cy, "never mind");
      assert.equal(await cy.locator(".doubt").count(), 0);
    });
  }

  test("ArrowUp in an empty field edits the last message of one's own", async ({ visitors, base }) => {
    const { ann, ben } = await two(visitors, base);
    await say(ann, "first");
    await say(ann, "secnd");
    await hears(ben, "secnd");
    await say(ben, "hm");
    await hears(ann, "hm");
    await box(ann).press("ArrowUp");
    await expect(box(ann)).toHaveValue("secnd");
    await ann.keyboard.type("!");
    await expect(box(ann)).toHaveValue("secnd!");
    await box(ann).fill("second");
    await ann.keyboard.press("Enter");
    for (const page of [ann, ben]) await sees(page, ["first", "second", "hm"]);
    await expect(box(ann)).toHaveValue("");
  });

  test("what can be done with a long message is in sight, wherever it is read", async ({ visitors, base }) => {
    const { ann, ben } = await two(visitors, base, "", { viewport: { width: 800, height: 500 } });
    await say(ben, `long\n${"line\n".repeat(40)}end`);
    await hears(ann, "end");
    await log(ann).hover();
    const actions = message(ann, "long").getByRole("toolbar");
    await actions.waitFor();
    await expect(actions).toBeInViewport({ ratio: 1 });
    await actions.getByRole("button", { name: "Reply" }).click();
    await ann.getByText("Replying to Ben").waitFor();
  });

  test("what one may do depends on whose message it is", async ({ visitors, base }) => {
    const { ann, ben } = await two(visitors, base);
    await say(ann, "mine");
    await hears(ben, "mine");
    const names = async (page) =>
      (await actionsOf(page, "mine")).getByRole("button").evaluateAll((all) => all.map((b) => b.ariaLabel));
    await stateOf(ann, "mine", "sent");
    assert.deepEqual(await names(ann), ["React", "Reply", "Edit", "Delete"]);
    assert.deepEqual(await names(ben), ["React", "Reply"]);
  });

  test("a change that is refused says why, and the message stays as it was", async ({ visitors, base }) => {
    const room = newRoom(base);
    const codes = { edit: "too_late", delete: "store_full" };
    const ann = await refusing(visitors, room, ({ type }) => {
      const code = codes[type];
      if (type === "delete") delete codes.delete;
      return code;
    });
    const ben = await visitors.guest("Ben", room);
    await say(ann, "as it was");
    await hears(ben, "as it was");
    await act(ann, "as it was", "Edit");
    await box(ann).fill("as it never was");
    await box(ann).press("Enter");
    await ann.getByText("It’s too late to edit this message.").waitFor();
    await sees(ann, ["as it was"]);
    await expectAccessible(ann, "a refused edit");
    await ann.getByRole("alert").getByRole("button", { name: "Close" }).click();
    await ann.getByText("too late").waitFor({ state: "detached" });
    const button = await act(ann, "as it was", "Delete");
    await button.click();
    await ann.getByText("Not sent. The server has no space left right now.").waitFor();
    await sees(ann, ["as it was"]);
    await ann.getByRole("button", { name: "Try again" }).click();
    await ben.getByText("This message was deleted.").waitFor();
  });

  test("by keyboard alone: answer, edit and delete", async ({ visitors, base }) => {
    const { ann, ben } = await two(visitors, base);
    const press = (key) => ann.keyboard.press(key);
    await say(ben, "by hand?");
    await hears(ann, "by hand?");
    const button = (text, name) => message(ann, text).getByRole("button", { name });
    const reach = async (target) => {
      for (let i = 0; i < 30; i += 1) {
        await press("Shift+Tab");
        if (await target.evaluate((e) => e === document.activeElement)) return;
      }
      assert.fail("the keyboard does not reach it");
    };
    await box(ann).focus();
    await press("Shift");
    await button("by hand?", "React").waitFor();
    await reach(button("by hand?", "React"));
    await press("ArrowRight");
    await expect(button("by hand?", "Reply")).toBeFocused();
    await press("Enter");
    await ann.keyboard.type("by keys");
    await press("Enter");
    await quoteIn(ben, "by keys").waitFor();
    await stateOf(ann, "by keys", "sent");
    await reach(button("by keys", "React"));
    await press("ArrowUp");
    await expect(button("by hand?", "React"), "to the message above").toBeFocused();
    await press("ArrowDown");
    await expect(button("by keys", "React")).toBeFocused();
    await press("End");
    await press("ArrowLeft");
    await expect(button("by keys", "Edit")).toBeFocused();
    await press("Enter");
    await ann.keyboard.type(" only");
    await press("Enter");
    await hears(ben, "by keys only");
    // The toolbar knows where the focus was last.
    await reach(button("by keys only", "Edit"));
    await press("End");
    await press("Enter");
    await press("Enter");
    await ben.getByText("This message was deleted.").waitFor();
    await expect(log(ann).locator(".message").nth(1), "the focus stays at the place").toBeFocused();
  });

  test("by finger, in Russian, at 360 px, light and dark", async ({ visitors, base }) => {
    for (const colorScheme of ["light", "dark"]) {
      const phone = { ...PHONE, locale: "ru-RU", colorScheme };
      const { ann, ben } = await two(visitors, base, "", phone);
      const finger = (target) => target.tap();
      await say(ann, "встретимся в полдень у старого моста, если не будет дождя, ладно?");
      await hears(ben, "встретимся");
      const actions = await actionsOf(ann, "встретимся", finger);
      for (const button of await actions.getByRole("button").all()) {
        const { width, height } = await button.boundingBox();
        assert.ok(width >= 40 && height >= 40, `${width} x ${height} are enough for a finger`);
      }
      await fits(ann);
      await (await actionsOf(ben, "встретимся", finger)).getByRole("button", { name: "Ответить" }).tap();
      await ben.getByText("Ответ на сообщение: Ann").waitFor();
      await fits(ben);
      await expectAccessible(ben, `answering, ${colorScheme}`);
      await say(ben, "ладно");
      await quoteIn(ann, "ладно").waitFor();
      await (await actionsOf(ann, "встретимся", finger)).getByRole("button", { name: "Изменить" }).tap();
      await ann.getByText("Изменение сообщения").waitFor();
      await box(ann).fill("встретимся в час");
      await ann.getByRole("button", { name: "Сохранить" }).tap();
      await message(ben, "встретимся в час").getByText("изменено").waitFor();
      await fits(ann);
      await expectAccessible(ann, `edited, ${colorScheme}`);
      await (await actionsOf(ann, "в час", finger)).getByRole("button", { name: "Удалить" }).tap();
      await expectAccessible(ann, `asked, ${colorScheme}`);
      await fits(ann);
      await message(ann, "в час").getByRole("button", { name: "Удалить у всех?" }).tap();
      await ann.getByText("Сообщение удалено.").waitFor();
      await ben.getByText("Сообщение удалено.").waitFor();
      await bubble(ben, "Исходного сообщения уже нет.").waitFor();
      await expectAccessible(ben, `deleted, ${colorScheme}`);
    }
  });
});
