// How a room ends for those who are in it, or who want to be.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { asHost } from "./hosting.mjs";
import { box, fits, hears, inRoom, newRoom, remember, say, storedSession } from "./people.mjs";

const KEY = "B".repeat(42) + "A";
const heading = (page, name) => page.getByRole("heading", { level: 1, name });
const receipt = (page) => page.getByRole("region", { name: /^(What was deleted|Что удалено)$/ });
const storage = (page) => page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
const id = (room) => room.split("/r/")[1].split(/[?#]/)[0];

/** What browsers report of requests that are refused on purpose. */
const REFUSED = /WebSocket connection to|net::ERR_|Failed to load resource/;

/** The address of a room with this transport. */
const over = (room, transport) => (transport ? room.replace(/(#|$)/, `?transport=${transport}$1`) : room);

test.describe("the end of a room", () => {
  for (const transport of ["ws", "sse", "long-poll"])
    test(`a host's end is told with a receipt, and wipes the page: ${transport}`, async ({ visitors, base }) => {
      visitors.expected = REFUSED;
      const room = `${newRoom(base)}#${KEY}`;
      const ann = await visitors.guest("Ann", room);
      const ben = await visitors.guest("Ben", over(room, transport));
      await say(ann, "a secret of ours");
      await hears(ben, "a secret of ours");
      await box(ben).pressSequentially("half a sen");
      await expect.poll(() => storage(ben)).toContain("half a sen");
      await expect.poll(() => storage(ben)).toContain('"parlor.recent"');
      await asHost(ann, { type: "burn" });
      for (const page of [ann, ben]) {
        await heading(page, "The host ended this room").waitFor();
        await expect(heading(page, "The host ended this room")).toBeFocused();
        await receipt(page).getByText("signed with this server’s key").waitFor();
        assert.equal(new URL(page.url()).hash, "", "the key has left the address");
        const kept = await storage(page);
        for (const part of ["secret of ours", "half a sen", id(room), KEY, "parlor.seat", "parlor.draft"])
          assert.ok(!kept.includes(part), `${part} is still in ${kept}`);
        assert.equal(await page.getByText("a secret of ours").count(), 0);
        assert.equal(await page.getByRole("button", { name: /again/ }).count(), 0, "there is no way back");
      }
      await receipt(ben).getByText("1 entry").waitFor();
      await expectAccessible(ben, "a burned room");
      await ben.getByRole("button", { name: "New room" }).click();
      await inRoom(ben);
      assert.notEqual(id(ben.url()), id(room));
    });

  test("the last that leaves gets the receipt too, and can keep it", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    await say(ann, "good night");
    await hears(ann, "good night");
    await ann.getByRole("button", { name: "Leave", exact: true }).click();
    await ann.getByRole("dialog").locator(".solid").click();
    await heading(ann, "You left the room.").waitFor();
    await receipt(ann).getByText("signed with this server’s key").waitFor();
    await ann.getByText("It can’t prove that no copy exists").waitFor();
    const saved = ann.waitForEvent("download");
    await ann.getByRole("button", { name: "Save receipt" }).click();
    const file = await saved;
    assert.match(file.suggestedFilename(), /^parlor-[\d-]+\.jws$/);
    assert.match(await readFile(await file.path(), "utf8"), /^[\w-]+\.[\w-]+\.[\w-]+$/);
    await ann.getByText(`Saved: ${file.suggestedFilename()}`).waitFor();
    await expectAccessible(ann, "the goodbye with a receipt");
  });

  test("one that leaves others behind gets no receipt", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    await visitors.guest("Ben", room);
    await ann.getByRole("button", { name: "Leave", exact: true }).click();
    await ann.getByText("The room stays open for the others").waitFor();
    assert.equal(await receipt(ann).count(), 0);
  });

  test("a receipt whose signature is not the server's is called invalid", async ({ visitors, base }) => {
    const ann = await visitors.page();
    await remember(ann, "Ann");
    await ann.route("**/.well-known/parlor-receipt-key", (route) => route.fulfill({ json: { keys: [] } }));
    await ann.goto(newRoom(base));
    await inRoom(ann);
    await asHost(ann, { type: "burn" });
    await receipt(ann).getByText("doesn’t publish the key").waitFor();
  });

  for (const transport of ["ws", "sse", "long-poll"])
    test(`a member that the host removes is told so, and does not come back: ${transport}`, async ({
      visitors,
      base,
    }) => {
      visitors.expected = REFUSED;
      const room = newRoom(base);
      const ann = await visitors.guest("Ann", room);
      const ben = await visitors.guest("Ben", over(room, transport));
      const { clientId } = await storedSession(ben);
      await asHost(ann, { type: "kick", clientId });
      await heading(ben, "The host removed you").waitFor();
      await expectAccessible(ben, "a member that was removed");
      await ben.reload();
      await heading(ben, "The host removed you").waitFor();
      await ann.getByRole("complementary").getByText("Ben", { exact: true }).waitFor({ state: "detached" });
    });

  test("a locked room says so, and lets in once it is open", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    await asHost(ann, { type: "lock", lock: "locked" });
    const ben = await visitors.page(PHONE);
    await remember(ben, "Ben");
    await ben.goto(room);
    await heading(ben, "This room is locked").waitFor();
    await fits(ben);
    await ben.getByRole("button", { name: "Try again" }).click();
    await heading(ben, "This room is locked").waitFor();
    await asHost(ann, { type: "lock", lock: "open" });
    await ben.getByRole("button", { name: "Try again" }).click();
    await inRoom(ben);
  });

  test("the views of an end speak Russian, and are readable in the dark on the smallest phone", async ({
    visitors,
    base,
  }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room, {
      locale: "ru-RU",
      colorScheme: "dark",
      viewport: { width: 320, height: 640 },
    });
    await asHost(ann, { type: "burn" });
    await heading(ben, "Организатор закрыл эту комнату").waitFor();
    await receipt(ben).getByText("подписана ключом этого сервера").waitFor();
    await fits(ben);
    await expectAccessible(ben, "a burned room, Russian and dark");
  });
});

test.describe("a room that one has to be let into", () => {
  for (const transport of ["ws", "sse", "long-poll", "short-poll"])
    test(`a newcomer waits until the host lets it in: ${transport}`, async ({ visitors, base }) => {
      visitors.expected = REFUSED;
      const room = newRoom(base);
      const ann = await visitors.guest("Ann", room);
      await asHost(ann, { type: "lock", lock: "knock" });
      await say(ann, "before");
      const ben = await visitors.page();
      await remember(ben, "Ben");
      await ben.goto(over(room, transport));
      await heading(ben, "Waiting for the host").waitFor();
      await ben.getByText("You’ll appear as").waitFor();
      assert.equal(await ben.getByText("before").count(), 0);
      if (transport === "ws") await expectAccessible(ben, "waiting for the host");
      await ann.getByRole("button", { name: "Let in Ben" }).click();
      await inRoom(ben);
      await ann.getByRole("complementary").getByText("Ben", { exact: true }).waitFor();
    });

  test("one that is refused is told so", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    await asHost(ann, { type: "lock", lock: "knock" });
    const ben = await visitors.page({ viewport: { width: 320, height: 640 } });
    await remember(ben, "Ben");
    await ben.goto(room);
    await heading(ben, "Waiting for the host").waitFor();
    await fits(ben);
    await ann.getByRole("button", { name: "Refuse Ben" }).click();
    await heading(ben, "You weren’t let in").waitFor();
  });

  test("one that does not wait any longer goes home", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    await asHost(ann, { type: "lock", lock: "knock" });
    const ben = await visitors.page();
    await remember(ben, "Ben");
    await ben.goto(room);
    await heading(ben, "Waiting for the host").waitFor();
    await ben.getByRole("button", { name: "Leave" }).click();
    await ben.getByRole("button", { name: "Create a room" }).waitFor();
  });
});
