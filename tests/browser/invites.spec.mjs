// Invite links, and what a room says of itself before one joins.

import assert from "node:assert/strict";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { asHost, makeInvite, revokeInvite, withInvite } from "./hosting.mjs";
import { fits, hears, inRoom, newRoom, remember, say } from "./people.mjs";

const KEY = "B".repeat(42) + "A";
const heading = (page, name) => page.getByRole("heading", { level: 1, name });
const dialog = (page) => page.getByRole("dialog", { name: "Invite people" });
const invites = (page) => dialog(page).getByRole("listitem");
const about = (page) => page.getByRole("list", { name: "About this room" });

async function opens(visitors, address, name = "Ben", options = {}) {
  const page = await visitors.page(options);
  await remember(page, name);
  await page.goto(address);
  return page;
}

async function create(page, { expiry = "1 day", people = "1", name = "" }) {
  await dialog(page).getByLabel("Works for").selectOption(expiry);
  await dialog(page).getByLabel("People", { exact: true }).fill(people);
  await dialog(page).getByLabel("Name for a guest").fill(name);
  await dialog(page).getByRole("button", { name: "Create invite link" }).click();
}

test.describe("invites", () => {
  test("the host makes one, copies it with the key, and takes it back", async ({ visitors, base }) => {
    const room = `${newRoom(base)}#${KEY}`;
    const ann = await visitors.guest("Ann", room, { permissions: ["clipboard-read", "clipboard-write"] });
    await asHost(ann, { type: "invite-only", inviteOnly: true });
    await ann.getByRole("button", { name: "Invite", exact: true }).click();
    await create(ann, { people: "0" });
    await dialog(ann).getByRole("alert").filter({ hasText: "1 to 1000" }).waitFor();
    await create(ann, { expiry: "1 hour", people: "2", name: "Eve" });
    await dialog(ann).getByText("Invite link created.").waitFor();
    await expect(invites(ann)).toHaveCount(1);
    await invites(ann).getByText("2 people left").waitFor();
    await invites(ann).getByRole("button", { name: "Copy link" }).click();
    const link = await ann.evaluate(() => navigator.clipboard.readText());
    const url = new URL(link);
    assert.deepEqual([url.hash, url.pathname], [`#${KEY}`, new URL(room).pathname]);
    assert.ok(url.searchParams.get("invite"));
    await expectAccessible(ann, "the dialog with invites");

    const ben = await opens(visitors, link);
    await inRoom(ben);
    await say(ben, "here I am");
    await hears(ann, "here I am");
    await ann.keyboard.press("Escape");
    await ann.getByRole("button", { name: "Invite", exact: true }).click();
    await invites(ann).getByText("1 person left").waitFor();
    await invites(ann)
      .getByRole("button", { name: /Revoke/ })
      .click();
    await dialog(ann).getByText("Invite revoked.").waitFor();
    await expect(invites(ann)).toHaveCount(0);
    const eve = await opens(visitors, link, "Eve");
    await heading(eve, "This invite was withdrawn").waitFor();
  });

  test("only the host is offered to make them", async ({ visitors, base }) => {
    const room = newRoom(base);
    await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    await ben.getByRole("button", { name: "Invite", exact: true }).click();
    await dialog(ben).getByRole("textbox", { name: "Link to this room" }).waitFor();
    await dialog(ben).getByRole("img", { name: "QR code" }).waitFor();
    assert.equal(await dialog(ben).getByRole("button", { name: "Create invite link" }).count(), 0);
  });

  for (const transport of ["ws", "sse", "long-poll", "short-poll"])
    test(`one lets in, once, and leaves the address: ${transport}`, async ({ visitors, base }) => {
      // Requests that are refused on purpose.
      visitors.expected = /WebSocket connection to|net::ERR_|Failed to load resource/;
      const room = newRoom(base);
      const ann = await visitors.guest("Ann", room);
      await asHost(ann, { type: "invite-only", inviteOnly: true });
      const outside = await opens(visitors, room);
      await heading(outside, "This room needs an invite").waitFor();
      const { invite } = await makeInvite(ann);
      const address = `${withInvite(room, invite)}&transport=${transport}`;
      const ben = await opens(visitors, address);
      await inRoom(ben);
      await expect.poll(() => ben.url()).toBe(`${room}?transport=${transport}`);
      await say(ben, "in");
      const stored = () => ben.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
      await expect.poll(stored).toContain("parlor.recent");
      assert.ok(!(await stored()).includes(invite));
      await ben.reload();
      await hears(ben, "in");
      const eve = await opens(visitors, address, "Eve");
      await heading(eve, "This invite has been used").waitFor();
      if (transport === "ws") await expectAccessible(eve, "a spent invite");
      await eve.getByRole("button", { name: "Try without the invite" }).click();
      await heading(eve, "This room needs an invite").waitFor();
      assert.equal(new URL(eve.url()).searchParams.has("invite"), false);
    });

  test("one passes a room that lets people in one by one, and none a locked room", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const { invite } = await makeInvite(ann, { uses: 5 });
    await asHost(ann, { type: "lock", lock: "knock" });
    await inRoom(await opens(visitors, withInvite(room, invite)));
    await asHost(ann, { type: "lock", lock: "locked" });
    await heading(await opens(visitors, withInvite(room, invite), "Eve"), "This room is locked").waitFor();
  });

  test("a pasted link brings its invite along; a wrong one and a revoked one are told apart", async ({
    visitors,
    base,
  }) => {
    const room = `${newRoom(base)}#${KEY}`;
    const ann = await visitors.guest("Ann", room);
    await asHost(ann, { type: "invite-only", inviteOnly: true });
    const { invite } = await makeInvite(ann);
    const ben = await opens(visitors, base);
    await ben.getByLabel("Join by ID or link").fill(`come: ${withInvite(room, invite)}`);
    await ben.keyboard.press("Enter");
    await inRoom(ben);
    await heading(await opens(visitors, withInvite(room, "no-invite"), "Eve"), "This invite isn’t valid").waitFor();
    const second = await makeInvite(ann);
    await revokeInvite(ann, second.invite);
    const cat = await opens(visitors, withInvite(room, second.invite), "Cat");
    await heading(cat, "This invite was withdrawn").waitFor();
  });
});

test.describe("the question for a name", () => {
  test("says how many are inside, and which rules the room has", async ({ visitors, base }) => {
    const room = `${newRoom(base)}#${KEY}`;
    const outside = await visitors.page();
    await outside.goto(room);
    await about(outside).getByText("Nobody is inside yet.").waitFor();
    await about(outside).getByText("encrypted with the key").waitFor();
    const ann = await visitors.guest("Ann", room);
    await asHost(ann, { type: "history", history: "since_join" });
    await asHost(ann, { type: "lock", lock: "knock" });
    await asHost(ann, { type: "lifetime", endsAt: Date.now() + 3_600_000 });
    await outside.reload();
    await about(outside).getByText("1 person is inside.").waitFor();
    for (const text of ["from before you joined", "one by one", "The room closes on"])
      await about(outside).getByText(text).waitFor();
    await expectAccessible(outside, "the question for a name, with rules");
    await asHost(ann, { type: "lock", lock: "locked" });
    await outside.goto("about:blank");
    await outside.goto(room.split("#")[0]);
    await about(outside).getByText("locked: nobody else").waitFor();
    await about(outside).getByText("aren’t end-to-end encrypted").waitFor();
  });

  test("fits the smallest phone, in Russian and in the dark", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    await asHost(ann, { type: "lock", lock: "knock" });
    const { invite } = await makeInvite(ann);
    const page = await visitors.page({
      ...PHONE,
      viewport: { width: 320, height: 640 },
      locale: "ru-RU",
      colorScheme: "dark",
    });
    await page.goto(withInvite(room, invite));
    await page.getByText("В вашей ссылке есть приглашение.").waitFor();
    await page.getByText("Внутри 1 человек.").waitFor();
    await fits(page);
    await expectAccessible(page, "the question for a name, Russian and dark");
    await page.locator("#name").fill("Бен");
    await page.keyboard.press("Enter");
    await inRoom(page);
  });
});
