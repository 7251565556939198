import assert from "node:assert/strict";
import { test } from "./fixtures.mjs";
import { box, inRoom, log, newRoom, remember, say, sees, stateOf } from "./people.mjs";

/** A file from outside that is let go over the page, or pasted into it. True if the page kept the browser from taking it. */
const file = (page, how, where) =>
  page.evaluate(
    ([how, where]) => {
      const data = new DataTransfer();
      data.items.add(new File(["x"], "picture.png", { type: "image/png" }));
      const options = { bubbles: true, cancelable: true };
      const event =
        how === "paste"
          ? new ClipboardEvent(how, { ...options, clipboardData: data })
          : new DragEvent(how, { ...options, dataTransfer: data });
      return !document.querySelector(where).dispatchEvent(event);
    },
    [how, where],
  );

test.describe("unsent", () => {
  test("what is written and not sent is asked about before the page goes, and is there after a reload", async ({
    visitors,
    base,
  }) => {
    const ann = await visitors.guest("Ann", newRoom(base));
    await box(ann).fill("half a sen");
    const asked = ann.waitForEvent("dialog");
    const reloaded = ann.reload();
    const question = await asked;
    assert.equal(question.type(), "beforeunload");
    await question.accept();
    await reloaded;
    await inRoom(ann);
    assert.equal(await box(ann).inputValue(), "half a sen");
    await box(ann).press("Enter");
    await stateOf(ann, "half a sen", "sent");
    // Nothing is left to ask about.
    await ann.reload();
    await inRoom(ann);
    assert.equal(await box(ann).inputValue(), "");
    await sees(ann, ["half a sen"]);
  });

  test("what is written in one room stays in that room and in this tab", async ({ visitors, base }) => {
    const context = await visitors.context();
    await remember(context, "Ann");
    const [one, two] = [await context.newPage(), await context.newPage()];
    const room = newRoom(base);
    await one.goto(room);
    await inRoom(one);
    await box(one).fill("for this room");
    await two.goto(newRoom(base));
    await inRoom(two);
    assert.equal(await box(two).inputValue(), "");
    await two.goto(room);
    await inRoom(two);
    assert.equal(await box(two).inputValue(), "");
  });

  test("a file that is dropped or pasted is not opened, and where none can be sent the page says so", async ({
    visitors,
    serve,
  }) => {
    const { url } = await serve({ PARLOR_FILE_BYTES: "0" });
    const ann = await visitors.guest("Ann", newRoom(url));
    const word = ann.getByText("Files and pictures can’t be sent here");
    for (const where of ["textarea", ".log", "body"]) {
      assert.ok(await file(ann, "dragover", where), where);
      assert.equal(await word.count(), 0);
      assert.ok(await file(ann, "drop", where), where);
      await word.waitFor();
      await ann.reload();
      await inRoom(ann);
    }
    assert.ok(await file(ann, "paste", "textarea"));
    await word.waitFor();
  });

  test("text is dropped and pasted into the field as ever", async ({ visitors, base }) => {
    const ann = await visitors.guest("Ann", newRoom(base));
    const taken = await ann.evaluate(() => {
      const data = new DataTransfer();
      data.setData("text/plain", "words");
      const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data });
      return !document.querySelector("textarea").dispatchEvent(event);
    });
    assert.equal(taken, false);
  });

  test("a page that is older than the server says so and offers to reload", async ({ visitors, base }) => {
    visitors.expected = /status of 404|Unable to preload CSS/;
    const gone = async (page) => {
      // What a page has from its start, words included, it has.
      await page.route(/assets\/(?!index|english|russian|plural)/, (route) => route.fulfill({ status: 404 }));
      await page.route(`${base}/`, (route) =>
        route.fulfill({ contentType: "text/html", body: '<script type="module" src="/assets/index-new.js"></script>' }),
      );
    };
    const old = "Parlor has been updated. Reload the page";
    const page = await visitors.page();
    await gone(page);
    await page.goto(`${base}/transports`);
    await page.getByText(old).waitFor();
    await page.unrouteAll();
    await page.getByRole("button", { name: "Reload" }).click();
    await page.getByRole("heading", { name: "Four" }).waitFor();

    const ann = await visitors.guest("Ann", newRoom(base));
    await gone(ann);
    await ann.getByRole("button", { name: "Invite", exact: true }).first().click();
    await ann.locator(".top").getByText(old).waitFor();
    await ann.locator(".top").getByRole("button", { name: "Reload" }).waitFor({ state: "attached" });
  });

  test("a page whose words do not come says so", async ({ visitors, base }) => {
    visitors.expected = /status of 404/;
    const page = await visitors.page();
    await page.route(/assets\/english/, (route) => route.fulfill({ status: 404 }));
    await page.goto(base);
    await page.getByText("Parlor could not be loaded. Reload the page.").waitFor();
    await page.unrouteAll();
    await page.reload();
    await page.getByRole("button", { name: "Create a room" }).waitFor();
  });

  test("marks on a letter stay on their own line, and each line has a direction of its own", async ({
    visitors,
    base,
  }) => {
    const room = newRoom(base);
    const ann = await visitors.guest(`Z${"\u0301".repeat(31)}`, room);
    await say(ann, `above\n${`e${"\u0301".repeat(90)}`.repeat(4)}\nbelow`);
    await say(ann, "latin\nעברית");
    const text = log(ann).locator(".text").first();
    await text.waitFor();
    const marks = (of) => of.match(/\p{M}/gu)?.length ?? 0;
    assert.ok(marks(await text.innerText()) <= 32, "the marks on four letters are bounded");
    assert.ok(marks(await ann.getByRole("complementary").innerText()) <= 8, "and those in a name");
    assert.equal(
      await log(ann)
        .locator(".bubble")
        .first()
        .evaluate((of) => getComputedStyle(of).overflow),
      "clip",
    );
    const edges = await log(ann)
      .locator(".text")
      .nth(1)
      .evaluate((of) => {
        const range = document.createRange();
        const node = document
          .createTreeWalker(of, NodeFilter.SHOW_TEXT, (n) => (n.data.includes("latin") ? 1 : 3))
          .nextNode();
        const box = of.getBoundingClientRect();
        const at = (from, to) => {
          range.setStart(node, node.data.indexOf(from));
          range.setEnd(node, node.data.indexOf(from) + to);
          return range.getBoundingClientRect();
        };
        return { latin: at("latin", 5).left - box.left, hebrew: box.right - at("עברית", 5).right };
      });
    assert.ok(Math.abs(edges.latin) < 2 && Math.abs(edges.hebrew) < 2, JSON.stringify(edges));
  });
});
