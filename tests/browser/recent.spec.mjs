import assert from "node:assert/strict";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { box, fits, inRoom, newRoom, remember, say } from "./people.mjs";

const section = (page) => page.getByRole("region", { name: /^(Recent rooms|Недавние комнаты)$/ });
const id = (room) => room.split("/r/")[1].split("#")[0];
const kept = (page) => page.evaluate(() => localStorage.getItem("parlor.recent") ?? "");

/** Someone does something in a room, which is how it comes to be remembered. */
async function visit(page, room) {
  await page.goto(room);
  await inRoom(page);
  await box(page).press("a");
  await expect.poll(() => kept(page)).toContain(id(room));
  await box(page).fill("");
}

test.describe("recent rooms", () => {
  test("rooms are offered on the landing, in this browser alone, and forgotten one by one or all", async ({
    visitors,
    base,
  }) => {
    const [first, second, third] = [newRoom(base), newRoom(base), newRoom(base)];
    const page = await visitors.page();
    await remember(page, "Ann");
    await page.goto(base);
    await page.getByRole("button", { name: "Create a room" }).waitFor();
    assert.equal(await section(page).count(), 0, "nothing is there before");
    for (const room of [first, second, third]) await visit(page, room);
    await page.goto(base);
    const names = () => section(page).getByRole("link").allInnerTexts();
    await expect.poll(names).toEqual([third, second, first].map(id));
    await section(page)
      .getByRole("link", { name: id(second) })
      .click();
    await inRoom(page);
    assert.equal(page.url(), second);

    await page.goto(base);
    await section(page)
      .getByRole("button", { name: `Forget ${id(third)}` })
      .press("Enter");
    await expect.poll(names).toEqual([second, first].map(id));
    await section(page).getByText("Room forgotten").waitFor();
    await expect(section(page).getByRole("button", { name: `Forget ${id(second)}` })).toBeFocused();
    await section(page).getByRole("button", { name: "Forget all" }).click();
    await section(page).getByText("All rooms forgotten").waitFor();
    await expect(section(page).getByRole("heading")).toBeFocused();
    assert.equal(await kept(page), "");
    await page.reload();
    await page.getByRole("button", { name: "Create a room" }).waitFor();
    assert.equal(await section(page).count(), 0);
  });

  test("a key is kept only where that is chosen, and the room then opens with it", async ({ visitors, base }) => {
    const key = "B".repeat(42) + "A";
    const room = `${newRoom(base)}#${key}`;
    const page = await visitors.page();
    await remember(page, "Ann");
    await visit(page, room);
    assert.ok(!(await kept(page)).includes(key));
    await page.goto(base);
    await section(page).getByText("Encrypted, and its key isn’t kept").waitFor();
    assert.equal(await section(page).getByRole("link").count(), 0, "it would be entered without its key");

    await page.goto(room);
    await inRoom(page);
    await page.getByRole("button", { name: "More" }).click();
    const keys = page.getByRole("radio", { name: "Remember with keys" });
    await keys.check();
    await page.getByText("Anyone who uses this browser can then open").waitFor();
    assert.ok((await kept(page)).includes(key));
    await page.goto(base);
    await section(page)
      .getByRole("link", { name: id(room) })
      .click();
    await inRoom(page);
    assert.equal(page.url(), room);
    await page.getByRole("button", { name: "Encrypted", exact: true }).waitFor();

    await page.goto(base);
    await section(page).getByRole("radio", { name: "Remember without keys" }).check();
    assert.ok(!(await kept(page)).includes(key), "and goes when the choice changes");
    await section(page).getByText("Encrypted, and its key isn’t kept").waitFor();
    await section(page).getByRole("radio", { name: "Don’t remember" }).check();
    assert.equal(await kept(page), "");
    await page.goto(room);
    await inRoom(page);
    await say(page, "unremembered");
    assert.equal(await kept(page), "");
  });

  test("they fit a phone in both languages and themes, and axe finds nothing wrong", async ({ visitors, base }) => {
    for (const colorScheme of ["light", "dark"])
      for (const locale of ["en-US", "ru-RU"]) {
        const page = await visitors.page({ ...PHONE, colorScheme, locale });
        await page.addInitScript(() => {
          const at = Date.now();
          const rooms = [
            { room: "w".repeat(64), at },
            { room: "kitchen", at: at - 1_000, sealed: true },
            { room: "комната", at: at - 86_400_000, sealed: true, secret: "A".repeat(43) },
          ];
          if (location.protocol !== "about:") localStorage.setItem("parlor.recent", JSON.stringify(rooms));
        });
        await page.goto(base);
        await section(page).getByRole("listitem").nth(2).waitFor();
        await fits(page);
        await expectAccessible(page, `recent rooms, ${colorScheme} ${locale}`);
      }
  });
});
