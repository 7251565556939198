import assert from "node:assert/strict";
import { expectAccessible, PHONE } from "./axe.mjs";
import { expect, test } from "./fixtures.mjs";
import { act, box, fits, hears, inRoom, log, message, newRoom, remember, say, sees } from "./people.mjs";

const SETTINGS = /^(Room settings|Настройки комнаты)$/;
const people = (page) => page.getByRole("complementary");
const row = (page, name) => people(page).getByRole("listitem").filter({ hasText: name });
const settings = (page) => page.getByRole("dialog", { name: SETTINGS });
const bar = (page) => page.getByRole("region", { name: /^(About this room|О комнате)$/ });
const tells = (page, text) => log(page).getByText(text).first().waitFor();

/** The first sign of a hand brings the host's part. */
async function guests(visitors, room, ...names) {
  const pages = [];
  for (const name of names) {
    const page = await visitors.guest(name, room);
    await page.mouse.move(5, 5);
    await page.mouse.move(9, 9);
    pages.push(page);
  }
  return pages;
}

async function openSettings(page) {
  await people(page).getByRole("button", { name: SETTINGS }).click();
  await settings(page).waitFor();
}

/** A newcomer: whether it comes in is for the test to say. */
async function newcomer(visitors, name, room, options = {}) {
  const page = await visitors.page(options);
  await remember(page, name);
  await page.goto(room);
  return page;
}

test.describe("the host of a room", () => {
  test("is the first member, is marked for everybody, and gives the room to another", async ({ visitors, base }) => {
    const [ann, ben] = await guests(visitors, newRoom(base), "Ann", "Ben");
    for (const page of [ann, ben]) await row(page, "Ann").getByText("host", { exact: true }).waitFor();
    assert.equal(
      await people(ben)
        .getByRole("button", { name: /Actions for|Room settings/ })
        .count(),
      0,
    );

    // By keyboard alone: the list, the dialog, the question, and back to where the focus was.
    await row(ann, "Ben").getByRole("button", { name: "Actions for Ben" }).press("Enter");
    const dialog = ann.getByRole("dialog", { name: "Ben" });
    await dialog.getByRole("button", { name: "Make host" }).press("Enter");
    await dialog.getByText("You’ll no longer be the host").waitFor();
    await expect(dialog.getByRole("button", { name: "Make host" })).toBeFocused();
    await ann.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    await tells(ann, "Ben is now the host");
    await tells(ben, "You are now the host");
    await row(ben, "Ben").getByText("host", { exact: true }).waitFor();
    await row(ben, "Ann").getByRole("button", { name: "Actions for Ann" }).waitFor();
    assert.equal(await row(ann, "Ann").getByText("host", { exact: true }).count(), 0);
  });

  test("passes to the oldest member when the host leaves", async ({ visitors, base }) => {
    const [ann, ben, cat] = await guests(visitors, newRoom(base), "Ann", "Ben", "Cat");
    await ann.getByRole("button", { name: "Leave" }).click();
    await tells(cat, "Ben is now the host");
    await tells(ben, "You are now the host");
    await openSettings(ben);
  });

  test("is still the host after a reload", async ({ visitors, base }) => {
    const [ann, ben] = await guests(visitors, newRoom(base), "Ann", "Ben");
    await ann.reload();
    await inRoom(ann);
    await ann.mouse.move(7, 7);
    await row(ann, "Ann").getByText("host", { exact: true }).waitFor();
    await row(ben, "Ann").getByText("host", { exact: true }).waitFor();
  });

  test("removes a member, with all its messages, and it cannot come back", async ({ visitors, base }) => {
    const room = newRoom(base);
    const [ann, ben, cat] = await guests(visitors, room, "Ann", "Ben", "Cat");
    await say(ben, "spam one");
    await hears(cat, "spam one");
    await hears(ann, "spam one");
    await row(ann, "Ben").getByRole("button", { name: "Actions for Ben" }).click();
    const dialog = ann.getByRole("dialog", { name: "Ben" });
    await dialog.getByRole("button", { name: "Remove from the room" }).click();
    await expect(dialog.getByLabel("Block this connection’s address too")).toBeChecked();
    // All members of this test come from one address.
    await dialog.getByLabel("Block this connection’s address too").uncheck();
    await dialog.getByLabel("Delete their messages").check();
    await dialog.getByRole("button", { name: "Remove", exact: true }).click();
    await tells(ann, "Ben was removed by the host");
    for (const page of [ann, cat]) await log(page).getByText("This message was deleted.").waitFor();
    for (const page of [ann, cat]) assert.equal(await log(page).getByText("spam one").count(), 0);
    // The next message of the host is none that the server has counted already.
    await say(ann, "sorry about that");
    await hears(cat, "sorry about that");
    await log(ben).waitFor({ state: "detached" });
    assert.equal(await row(ann, "Ben").count(), 0);
  });

  test("mutes a member in the chat, which is told, and lets it write again", async ({ visitors, base }) => {
    const [ann, ben] = await guests(visitors, newRoom(base), "Ann", "Ben");
    await row(ann, "Ben").getByRole("button", { name: "Actions for Ben" }).click();
    const dialog = ann.getByRole("dialog", { name: "Ben" });
    await dialog.getByRole("button", { name: "Mute in the chat" }).click();
    await bar(ben).getByText("The host has muted you in the chat.").waitFor();
    await tells(ann, "Ben can’t write: muted by the host");
    await say(ben, "hello?");
    await log(ben).getByText("Not sent. The host has muted you in the chat.").waitFor();
    await dialog.getByRole("button", { name: "Allow to write again" }).click();
    await tells(ben, "Ben can write again");
    await bar(ben).waitFor({ state: "detached" });
    await log(ben).getByRole("button", { name: "Try again" }).click();
    await ann.keyboard.press("Escape");
    await hears(ann, "hello?");
  });

  test("deletes what others wrote", async ({ visitors, base }) => {
    const [ann, ben] = await guests(visitors, newRoom(base), "Ann", "Ben");
    await say(ben, "unwanted");
    await hears(ann, "unwanted");
    const button = await act(ann, "unwanted", "Delete");
    await button.press("Enter");
    for (const page of [ann, ben]) await log(page).getByText("This message was deleted.").waitFor();
    await say(ann, "mine");
    await hears(ben, "mine");
    await message(ben, "mine").locator(".bubble").hover();
    await message(ben, "mine").getByRole("toolbar").waitFor();
    assert.equal(await message(ben, "mine").getByRole("button", { name: "Delete" }).count(), 0);
  });
});

test.describe("the rules of a room", () => {
  test("are set by the host and shown to everybody", async ({ visitors, base }) => {
    const [ann, ben] = await guests(visitors, newRoom(base), "Ann", "Ben");
    await openSettings(ann);
    const dialog = settings(ann);
    await dialog.getByLabel("Title").fill("Our plans");
    await dialog.getByLabel("Title").press("Enter");
    await bar(ben).getByText("Our plans").waitFor();
    await tells(ben, "The title is now “Our plans”");
    await dialog.getByLabel("Nobody new").click();
    await bar(ben).getByText("Locked").waitFor();
    await dialog.getByLabel("The room ends").selectOption({ label: "In 10 minutes" });
    await bar(ben)
      .getByText(/^Ends in \d+ min\.$/)
      .waitFor();
    await dialog.getByLabel("Messages disappear after").selectOption({ label: "5 minutes" });
    await ben.getByText("Messages disappear after 5 minutes.").waitFor();
    await dialog.getByRole("switch", { name: "Earlier messages for new people" }).click();
    await tells(ben, "New people don’t see earlier messages");
    await dialog.getByText("Saved").waitFor();
    // A member that comes back sees them at once.
    await ben.reload();
    await bar(ben).getByText("Our plans").waitFor();
    await bar(ben).getByText("Locked").waitFor();
    await dialog.getByLabel("The room ends").selectOption({ label: "When the last person leaves" });
    await dialog.getByLabel("Title").fill("");
    await dialog.getByLabel("Title").press("Enter");
    await dialog.getByLabel("Anyone with the link").click();
    await bar(ben).waitFor({ state: "detached" });
  });

  test("a date that cannot be is refused in the dialog", async ({ visitors, base }) => {
    const [ann] = await guests(visitors, newRoom(base), "Ann");
    await openSettings(ann);
    const dialog = settings(ann);
    await dialog.getByLabel("The room ends").selectOption({ label: "At a date…" });
    await dialog.getByLabel("Date and time").fill("2001-01-01T10:00");
    await dialog.getByRole("button", { name: "Set" }).click();
    await dialog.getByText("Choose an end between 10 minutes and 7 days from now.").waitFor();
    const tomorrow = new Date(Date.now() + 26 * 3_600_000 - new Date().getTimezoneOffset() * 60_000);
    await dialog.getByLabel("Date and time").fill(tomorrow.toISOString().slice(0, 16));
    await dialog.getByRole("button", { name: "Set" }).click();
    await bar(ann)
      .getByText(/^Ends in 2\d hr\.$/)
      .waitFor();
  });

  test("a title is sealed where the room has a key", async ({ visitors, base }) => {
    const room = `${newRoom(base)}#${"A".repeat(43)}`;
    const [ann, ben] = await guests(visitors, room, "Ann", "Ben");
    const frames = [];
    await openSettings(ann);
    await settings(ann).getByText("It is encrypted with the room’s key.").waitFor();
    await settings(ann).getByLabel("Title").fill("Our secret");
    await settings(ann).getByLabel("Title").press("Enter");
    await bar(ben).getByText("Our secret").waitFor();
    const bare = await newcomer(visitors, "Eve", room.split("#")[0]);
    bare.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.push(String(payload))));
    await bare.reload();
    await inRoom(bare);
    await expect.poll(() => frames.join("").includes('"title":"sealed2.')).toBe(true);
    assert.ok(!frames.join("").includes("Our secret"));
    await bare.mouse.move(5, 5);
    await row(bare, "Ann").getByText("host", { exact: true }).waitFor();
    assert.equal(await bar(bare).count(), 0, "a title that cannot be opened is none");
  });

  test("who knocks is let in or refused where the host can see it", async ({ visitors, base }) => {
    const room = newRoom(base);
    const [ann] = await guests(visitors, room, "Ann");
    await say(ann, "/knock");
    await tells(ann, "New people now ask to join, and the host lets them in");
    const ben = await newcomer(visitors, "Ben", room);
    const knocks = ann.getByRole("list", { name: "Waiting to join" });
    await knocks.getByText("Ben wants to join").waitFor();
    await expect(ann.getByRole("status").filter({ hasText: "Ben wants to join" })).toHaveCount(1);
    await expectAccessible(ann, "a knock");
    await knocks.getByRole("button", { name: "Let in Ben" }).press("Enter");
    await inRoom(ben);
    await knocks.waitFor({ state: "detached" });
    await expect(log(ann)).toBeFocused();
    const eve = await newcomer(visitors, "Eve", room);
    await knocks.getByRole("button", { name: "Refuse Eve" }).click();
    await knocks.waitFor({ state: "detached" });
    assert.equal(await log(eve).count(), 0);
  });

  test("the room ends for everybody once the host has confirmed it", async ({ visitors, base }) => {
    const [ann, ben] = await guests(visitors, newRoom(base), "Ann", "Ben");
    await openSettings(ann);
    await settings(ann).getByRole("button", { name: "End the room now" }).press("Enter");
    await expect(settings(ann).getByRole("button", { name: "End the room", exact: true })).toBeFocused();
    await ann.keyboard.press("Enter");
    for (const page of [ann, ben]) await log(page).waitFor({ state: "detached" });
  });
});

test.describe("commands in the composer", () => {
  test("are run and not sent, and what they are not stays in the field", async ({ visitors, base }) => {
    const [ann, ben] = await guests(visitors, newRoom(base), "Ann", "Ben");
    await say(ann, "/me waves");
    await hears(ben, "Ann waves");
    await expect(message(ben, "Ann waves").locator("em")).toHaveText("Ann waves");
    await say(ben, "/nick Benny");
    await tells(ann, "Ben is now called Benny");
    await expect(box(ben)).toHaveValue("");
    await say(ann, "/topic Our plans");
    await bar(ben).getByText("Our plans").waitFor();
    await say(ann, "/lock");
    await bar(ben).getByText("Locked").waitFor();
    await say(ann, "/unlock");
    await tells(ben, "The host opened the room");
    await say(ben, "/lock");
    await ben.getByText("Only the host can do that.").waitFor();
    await expect(box(ben)).toHaveValue("/lock");
    await say(ben, "/lokc");
    await ben.getByText("There is no command /lokc.").waitFor();
    await expect(box(ben)).toHaveValue("/lokc");
    await say(ben, "//lokc");
    await hears(ann, "/lokc");
    await sees(ann, ["Ann waves", "/lokc"]);
  });

  test("are completed, listed, and end the room only once confirmed", async ({ visitors, base }) => {
    const [ann, ben] = await guests(visitors, newRoom(base), "Ann", "Ben");
    await box(ann).pressSequentially("/ki");
    await ann.getByRole("option").filter({ hasText: "kick" }).waitFor();
    await ann.keyboard.press("Tab");
    await expect(box(ann)).toHaveValue("/kick ");
    await box(ann).pressSequentially("b");
    await ann.getByRole("option").filter({ hasText: "Ben" }).waitFor();
    await ann.keyboard.press("Escape");
    await say(ann, "/help");
    await ann.getByText("/topic TITLE").waitFor();
    await expectAccessible(ann, "the list of commands");
    await ann.getByRole("button", { name: "Close" }).press("Enter");
    await expect(box(ann)).toBeFocused();
    await say(ann, "/burn");
    await expect(ann.getByRole("button", { name: "End the room" })).toBeFocused();
    await ann.keyboard.press("Escape");
    await expect(box(ann)).toBeFocused();
    await say(ann, "/burn");
    await ann.getByRole("button", { name: "End the room" }).press("Enter");
    for (const page of [ann, ben]) await log(page).waitFor({ state: "detached" });
  });
});

test.describe("the host's controls", () => {
  for (const [name, options] of [
    ["in the light theme", {}],
    ["in the dark theme", { colorScheme: "dark" }],
    ["in Russian on a narrow phone", { ...PHONE, viewport: { width: 320, height: 640 }, locale: "ru-RU" }],
  ])
    test(`are accessible and fit ${name}`, async ({ visitors, base }) => {
      const room = newRoom(base);
      const ann = await visitors.guest("Ann", room, options);
      const ben = await visitors.guest("Ben with a name of some length", room);
      await say(ben, "hello");
      await hears(ann, "hello");
      await say(ann, "/topic A title that is longer than a narrow phone is wide, and then some more");
      await bar(ann).waitFor();
      await say(ann, "/knock");
      await expect(bar(ann).getByText(/Ask to join|Вход по запросу/)).toBeVisible();
      const eve = await newcomer(visitors, "Eve", room);
      await ann.getByRole("list", { name: /Waiting to join|Ждут входа/ }).waitFor();
      await fits(ann);
      await expectAccessible(ann, "the room");
      await ann.screenshot({ path: `target/browser/hosts-room-${name.replaceAll(" ", "-")}.png` });
      await bar(ann).getByRole("button", { name: SETTINGS }).click();
      await settings(ann).waitFor();
      await fits(ann);
      await expectAccessible(ann, "the settings");
      await ann.screenshot({ path: `target/browser/hosts-settings-${name.replaceAll(" ", "-")}.png` });
      await ann.keyboard.press("Escape");
      await expect(bar(ann).getByRole("button", { name: SETTINGS })).toBeFocused();
      if (options.isMobile) await ann.getByRole("button", { name: /Показать участников/ }).click();
      await ann.getByRole("button", { name: /Actions for Ben|Действия: Ben/ }).click();
      const dialog = ann.getByRole("dialog", { name: /^Ben with/ });
      await dialog.getByRole("button", { name: /Remove from the room|Удалить из комнаты/ }).click();
      await fits(ann);
      await expectAccessible(ann, "what may be done with a member");
      await ann.screenshot({ path: `target/browser/hosts-member-${name.replaceAll(" ", "-")}.png` });
      assert.equal(await log(eve).count(), 0);
    });
});
