import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { file, give, jpeg, pick, png } from "./file-samples.mjs";
import { act, box, fits, hears, inRoom, log, newRoom, remember, say, sees } from "./people.mjs";

const KEY = `#${"A".repeat(43)}`;
const RED = png(640, 480, [200, 40, 40]);
const BLUE = png(300, 900, [40, 40, 200]);
const NOTES = Buffer.from("the words of a file\n".repeat(20_000));

const tray = (page) => page.getByRole("list", { name: "Files to send" });
const chips = (page) => tray(page).getByRole("listitem");
const pictures = (page) => log(page).locator("figure img");
const sendable = (page) => expect(page.getByRole("button", { name: "Send" })).toBeEnabled();

async function shown(page, count) {
  await expect(pictures(page)).toHaveCount(count);
  for (const img of await pictures(page).all())
    await expect.poll(() => img.evaluate((img) => img.complete && img.naturalWidth)).toBeGreaterThan(0);
}

/** Not cut off at its sides. */
async function isWithin(inner, outer) {
  const [{ x, width }, around] = [await inner.boundingBox(), await outer.boundingBox()];
  assert.ok(x >= around.x && x + width <= around.x + around.width, "it is as wide as there is room");
}

async function downloaded(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

async function two(visitors, base, key = "", options = {}) {
  const room = newRoom(base) + key;
  return {
    room,
    ann: await visitors.guest("Ann", room, options),
    ben: await visitors.guest("Ben", room, options),
  };
}

test.describe("files", () => {
  for (const [kind, key] of [
    ["", ""],
    [" in a room with a key", KEY],
  ]) {
    test(`pictures and files reach the others, and are gone when deleted${kind}`, async ({ visitors, base }) => {
      const room = newRoom(base) + key;
      const ann = await visitors.guest("Ann", room);
      const frames = [];
      const told = [];
      const ben = await visitors.page();
      ben.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.push(payload)));
      ann.on("request", (request) => {
        if (/\/files$/.test(request.url())) told.push(request.postData());
      });
      await remember(ben, "Ben");
      await ben.goto(room);
      await inRoom(ben);
      await pick(ann, file("red cat.png", "image/png", RED), file("notes.txt", "text/plain", NOTES));
      await expect(chips(ann)).toHaveCount(2);
      await expectAccessible(ann, "files before they are sent");
      await sendable(ann);
      await box(ann).fill("look at this");
      await ann.keyboard.press("Enter");
      await tray(ann).waitFor({ state: "detached" });
      await hears(ben, "look at this");
      await shown(ben, 1);
      await shown(ann, 1);
      await expectAccessible(ben, "a message with files");
      const plain = [...frames, ...told].some((text) => /red cat|notes\.txt|image\/png/.test(text));
      assert.equal(plain, key === "", "the server sees names and types only without a key");

      const notes = await downloaded(ben, ben.getByRole("button", { name: /^Download notes\.txt, 400 kB/ }));
      assert.equal(notes.name, "notes.txt");
      assert.ok(notes.bytes.equals(NOTES), "the file is what was sent");
      const cat = await downloaded(ben, ben.getByRole("button", { name: /^Download red cat\.png/ }));
      assert.equal(cat.bytes.includes("Made by Ann"), false, "what told of its making is gone");

      const cy = await visitors.guest("Cy", room);
      await hears(cy, "look at this");
      await shown(cy, 1);
      await ann.reload();
      await shown(ann, 1);
      assert.equal(await cy.locator(".doubt").count(), 0);

      await act(ann, "look at this", "Edit");
      await box(ann).fill("look at that");
      await ann.keyboard.press("Enter");
      await sees(ben, ["look at that"]);
      await shown(ben, 1);
      const dan = await visitors.guest("Dan", room);
      await shown(dan, 1);

      await act(ann, "look at that", "Delete");
      await ann.getByRole("button", { name: "Delete for everyone?" }).click();
      for (const page of [ann, ben, cy, dan]) {
        await expect(pictures(page)).toHaveCount(0);
        await expect(page.getByRole("button", { name: /^Download/ })).toHaveCount(0);
      }
      await ben.reload();
      await inRoom(ben);
      await ben.getByText("This message was deleted").waitFor();
      await expect(pictures(ben)).toHaveCount(0);
    });
  }

  test("files are pasted and dropped, and a message may have no words", async ({ visitors, base }) => {
    const { ann, ben } = await two(visitors, base);
    await give(ann, "paste", file("image.png", "image/png", RED));
    await expect(chips(ann)).toHaveCount(1);
    await give(ann, "drop", file("blue.png", "image/png", BLUE), file("a.bin", "", Buffer.from([1, 2, 3])));
    await expect(chips(ann)).toHaveCount(3);
    await ann.getByRole("button", { name: "Remove a.bin" }).click();
    await expect(chips(ann)).toHaveCount(2);
    await expect(box(ann)).toBeFocused();
    await sendable(ann);
    await ann.keyboard.press("Enter");
    await shown(ben, 2);
    const sizes = await ben.locator("figure .box").evaluateAll((all) =>
      all.map((box) => {
        const { width, height } = box.getBoundingClientRect();
        return Math.round((width / height) * 100);
      }),
    );
    assert.deepEqual(new Set(sizes), new Set([133]), "one shape for all, whatever comes");
    await say(ben, "nice");
    await hears(ann, "nice");
  });

  test("pictures are shown large, by keyboard, and the focus comes back", async ({ visitors, base }) => {
    const { ann, ben } = await two(visitors, base);
    await pick(ann, file("one.png", "image/png", RED));
    await sendable(ann);
    await say(ann, "first");
    await tray(ann).waitFor({ state: "detached" });
    await pick(ann, file("two.png", "image/png", BLUE));
    await sendable(ann);
    await say(ann, "second");
    await shown(ben, 2);
    const preview = ben.getByRole("button", { name: "Show one.png" });
    await preview.focus();
    await ben.keyboard.press("Enter");
    const dialog = ben.getByRole("dialog");
    await dialog.getByRole("img", { name: "one.png" }).waitFor();
    await expect(dialog).toHaveAccessibleName("one.png");
    await expectAccessible(ben, "a picture shown large");
    await ben.keyboard.press("ArrowRight");
    await dialog.getByRole("img", { name: "two.png" }).waitFor();
    await dialog.getByText("2 of 2").waitFor();
    await ben.keyboard.press("ArrowRight");
    await dialog.getByRole("img", { name: "two.png" }).waitFor();
    await ben.keyboard.press("ArrowLeft");
    await dialog.getByRole("img", { name: "one.png" }).waitFor();
    await ben.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await expect(preview).toBeFocused();
    await ben.keyboard.press("Enter");
    await dialog.getByRole("img", { name: "one.png" }).waitFor();
    await act(ann, "first", "Delete");
    await ann.getByRole("button", { name: "Delete for everyone?" }).click();
    await dialog.waitFor({ state: "detached" });
  });

  test("a photo keeps how it is turned, and nothing else of its camera", async ({ visitors, base }) => {
    const { ann, ben } = await two(visitors, base);
    const photo = await jpeg(ann, 400, 200, 6, "N 48.8584 E 2.2945");
    await pick(ann, file("tower.jpg", "image/jpeg", photo), file("photo.heic", "image/heic", Buffer.from("ftypheic")));
    await ann.getByText("this page can’t remove that").first().waitFor();
    await expect(ann.getByRole("button", { name: "Send", exact: true })).toBeDisabled();
    await expectAccessible(ann, "a question about a picture");
    await ann.getByRole("button", { name: "Send it as it is: photo.heic" }).click();
    await sendable(ann);
    await say(ann, "the tower");
    await shown(ben, 1);
    const [width, height] = await pictures(ben).evaluate((img) => [img.naturalWidth, img.naturalHeight]);
    assert.deepEqual([width, height], [200, 400], "it stands as it was taken");
    const { bytes } = await downloaded(ben, ben.getByRole("button", { name: /^Download tower/ }));
    assert.equal(bytes.includes("48.8584"), false);
    assert.ok(bytes.length < photo.length);
  });

  test("what is too large or empty is told before anything is sent", async ({ visitors, serve }) => {
    // The room that is full.
    visitors.expected = /status of 409/;
    const { url } = await serve({ PARLOR_FILE_BYTES: "300000", PARLOR_ROOM_FILE_BYTES: "500000" });
    for (const key of ["", KEY]) {
      const ann = await visitors.guest("Ann", newRoom(url) + key);
      const asked = [];
      ann.on("request", (request) => asked.push(request.method() + new URL(request.url()).pathname));
      const exact = file("exact.bin", "", Buffer.alloc(300_000 - (key === "" ? 0 : 5 * 16), 7));
      await pick(
        ann,
        file("large.bin", "", Buffer.alloc(exact.buffer.length + 1)),
        file("empty.txt", "text/plain", Buffer.alloc(0)),
      );
      await chips(ann).getByText("The limit is 300 kB").waitFor();
      await chips(ann).getByText("This file is empty").waitFor();
      await expect(ann.getByRole("button", { name: "Send", exact: true })).toBeDisabled();
      await box(ann).press("Enter");
      await ann.getByText("Remove the file that can’t be sent.").waitFor();
      assert.equal(asked.filter((path) => /\/files/.test(path)).length, 0);
      await ann.getByRole("button", { name: "Remove large.bin" }).click();
      await ann.getByRole("button", { name: "Remove empty.txt" }).click();
      await pick(ann, exact);
      await sendable(ann);
      await ann.keyboard.press("Enter");
      await ann.getByRole("button", { name: /^Download exact\.bin/ }).waitFor();
      // The room has no space for another one.
      await pick(ann, file("more.bin", "", Buffer.alloc(250_000, 1)));
      await chips(ann).getByText("The room has no space left").waitFor();
    }
  });

  test("where files are off, nothing offers them and a dropped one is told of", async ({ visitors, serve }) => {
    const { url } = await serve({ PARLOR_FILE_BYTES: "0" });
    const ann = await visitors.guest("Ann", newRoom(url));
    await expect(ann.getByRole("button", { name: "Attach files" })).toHaveCount(0);
    await give(ann, "drop", file("a.png", "image/png", RED));
    await ann.getByText("Files and pictures can’t be sent here.").waitFor();
    await expect(tray(ann)).toHaveCount(0);
  });

  test("a broken upload goes on where it broke off, and one can be cancelled", async ({ visitors, base }) => {
    const { ann, ben } = await two(visitors, base);
    const big = file("big.bin", "", Buffer.alloc(700_000, 5));
    const pieces = [];
    await ann.route(/\/files\/[^/]+$/, async (route) => {
      const request = route.request();
      if (request.method() === "PATCH") {
        pieces.push(Number(request.headers()["upload-offset"]));
        // The second piece is lost twice.
        if (pieces.length === 2 || pieces.length === 3) return route.abort();
      }
      return route.continue();
    });
    await pick(ann, big);
    await sendable(ann);
    await say(ann, "all of it");
    const { bytes } = await downloaded(ben, ben.getByRole("button", { name: /^Download big/ }));
    assert.ok(bytes.equals(big.buffer));
    assert.deepEqual(pieces, [0, 262_144, 262_144, 262_144, 524_288]);

    let dropped = 0;
    await ann.route(/\/files\/[^/]+$/, async (route) => {
      if (route.request().method() === "DELETE") dropped += 1;
      return route.request().method() === "PATCH" ? route.abort() : route.continue();
    });
    await pick(ann, big);
    await chips(ann).getByText("The upload will go on").waitFor();
    await chips(ann).getByRole("progressbar", { name: "Upload of big.bin" }).waitFor();
    await ann.getByRole("button", { name: "Remove big.bin" }).click();
    await expect(chips(ann)).toHaveCount(0);
    await expect.poll(() => dropped).toBe(1);
  });

  test("a message that is refused gives words and files back", async ({ visitors, base }) => {
    const page = await visitors.page();
    await remember(page, "Ann");
    let refuse = true;
    await page.routeWebSocket(/\/ws\?/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((data) => {
        const frame = JSON.parse(data);
        if (refuse && frame.files)
          socket.send(JSON.stringify({ type: "error", code: "no_file", message: "", n: frame.n }));
        else server.send(data);
      });
    });
    await page.goto(newRoom(base));
    await inRoom(page);
    await pick(page, file("cat.png", "image/png", RED));
    await sendable(page);
    await say(page, "my cat");
    await page.getByText("The server no longer has these files").waitFor();
    await expectAccessible(page, "a refused message with a file");
    refuse = false;
    await page.getByRole("button", { name: "Put back" }).click();
    await expect(box(page)).toHaveValue("my cat");
    await expect(chips(page)).toHaveCount(1);
    await sendable(page);
    await page.keyboard.press("Enter");
    await page.locator("[data-state=sent]").waitFor({ state: "attached" });
    await shown(page, 1);
  });

  test("without the room's key nothing is uploaded before the person allows it", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room + KEY);
    await say(ann, "a secret");
    const ben = await visitors.guest("Ben", room);
    let uploads = 0;
    ben.on("request", (request) => (uploads += /\/files/.test(request.url()) ? 1 : 0));
    await ben.getByText("Can’t decrypt").first().waitFor();
    await pick(ben, file("cat.png", "image/png", RED));
    await ben.getByRole("button", { name: "Don’t send" }).click();
    await chips(ben).getByText("Not sent without encryption").waitFor();
    assert.equal(uploads, 0);
    await ben.getByRole("button", { name: "Try cat.png again" }).click();
    await ben.getByRole("button", { name: "Send unencrypted" }).click();
    await sendable(ben);
    await box(ben).press("Enter");
    await shown(ann, 1);
  });

  for (const scheme of ["light", "dark"])
    test(`on a phone, ${scheme}, everything fits`, async ({ visitors, base }) => {
      const { ann, ben } = await two(visitors, base, "", { ...PHONE, colorScheme: scheme });
      await pick(
        ann,
        file("a name that is much too long for the line that it stands on.png", "image/png", RED),
        file("blue.png", "image/png", BLUE),
        file(`${"long".repeat(30)}.pdf`, "application/pdf", NOTES),
      );
      await expect(chips(ann)).toHaveCount(3);
      await sendable(ann);
      await fits(ann);
      for (const remove of await tray(ann)
        .getByRole("button", { name: /^Remove/ })
        .all())
        await isWithin(remove, tray(ann));
      await expectAccessible(ann, `files to send, ${scheme}`);
      await say(ann, "three of them");
      await shown(ben, 2);
      await fits(ben);
      const bubble = log(ben).locator(".bubble");
      for (const part of await bubble.locator("figure .box, .file button, .file .size:visible").all())
        await isWithin(part, bubble);
      await expectAccessible(ben, `files of a message, ${scheme}`);
      await ben.getByRole("button", { name: "Show blue.png" }).tap();
      await ben.getByRole("dialog").getByRole("img", { name: "blue.png" }).waitFor();
      await fits(ben);
      await expectAccessible(ben, `a picture shown large, ${scheme}`);
    });
});
