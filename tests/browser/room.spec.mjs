import assert from "node:assert/strict";
import { test } from "./fixtures.mjs";
import { box, hears, inRoom, log, members, newRoom, remember, say, sees, stateOf, storedSession } from "./people.mjs";

test.describe("room", () => {
  test("two people talk, and a later member reads what was said", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    await log(ann).getByText("Ben joined").waitFor();
    await say(ann, "Good evening");
    await hears(ben, "Good evening");
    await say(ben, "Evening, Ann");
    const talk = ["Good evening", "Evening, Ann"];
    for (const page of [ann, ben]) await sees(page, talk);
    const cat = await visitors.guest("Cat", room);
    await sees(cat, talk);
    await cat.getByText("3 people here").waitFor();
    assert.equal(await members(base, room), 3);
  });

  test("too many people are counted, by every transport, and listed again when enough have left", async ({
    serve,
    visitors,
  }) => {
    const server = await serve({ PARLOR_CROWD: "2" });
    const room = newRoom(server.url);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    await log(ann).getByText("Ben joined").waitFor();
    const cat = await visitors.guest("Cat", room);
    const many = (page) => page.getByText("too many participants to list them all").first();
    const listed = (page) => page.getByRole("list", { name: "Participants" }).first().getByRole("listitem");
    for (const page of [ann, ben, cat]) {
      await page.getByText("3 people here").waitFor();
      await many(page).waitFor();
      assert.equal(await listed(page).count(), 1, "only its reader, when no member is in a call");
    }
    await say(cat, "unlisted");
    for (const page of [ann, ben]) await hears(page, "unlisted");
    for (const page of [cat, ben]) {
      await page.getByRole("button", { name: "Leave", exact: true }).click();
      await page.getByText("The room stays open").waitFor();
    }
    await many(ann).waitFor({ state: "detached" });
    await visitors.guest("Dan", room);
    await log(ann).getByText("Dan joined").waitFor();
    await listed(ann).nth(1).getByText("Dan").waitFor();
    assert.equal(
      await log(ann)
        .getByText(/^(Cat|Ben) (joined|left)/)
        .count(),
      1,
    );
    const panes = await visitors.page();
    await panes.goto(`${server.url}/transports`);
    for (const transport of ["ws", "sse", "long-poll", "short-poll"]) {
      const pane = panes.locator(`[data-transport=${transport}]`);
      await pane.getByText("4 people here").waitFor();
      await many(pane).waitFor();
    }
  });

  test("a reload keeps the member and the messages", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    await say(ann, "before");
    await hears(ben, "before");
    await say(ben, "me too");
    await sees(ann, ["before", "me too"]);
    const { clientId } = await storedSession(ann);
    await ann.reload();
    await inRoom(ann);
    await sees(ann, ["before", "me too"]);
    assert.equal((await storedSession(ann)).clientId, clientId);
    await say(ann, "after");
    await sees(ben, ["before", "me too", "after"]);
    assert.equal(await log(ben).getByText("Ann left").count(), 0);
    await ann.locator(".message.mine").nth(1).waitFor();
    assert.equal(await members(base, room), 2);
  });

  test("the room is entered while the page is still on its way, and once", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ben = await visitors.guest("Ben", room);
    await say(ben, "come in");
    const ann = await visitors.page();
    await remember(ann, "Ann");
    const sockets = [];
    ann.on("websocket", (socket) => sockets.push(socket.url()));
    const arrives = async (visit, told) => {
      let deliver;
      const there = new Promise((then) => (deliver = then));
      await ann.route("**/assets/index-*.js", (route) => there.then(() => route.continue()));
      const welcome = ann.waitForEvent("websocket").then((socket) => socket.waitForEvent("framereceived"));
      const visited = visit();
      assert.equal(JSON.parse((await welcome).payload).type, "welcome");
      await told();
      deliver();
      await visited;
      await sees(ann, ["come in"]);
      await ann.unroute("**/assets/index-*.js");
    };
    await arrives(
      () => ann.goto(room),
      () => log(ben).getByText("Ann joined").waitFor(),
    );
    const { clientId } = await storedSession(ann);
    await arrives(
      () => ann.reload(),
      async () => {},
    );
    assert.equal((await storedSession(ann)).clientId, clientId);
    assert.equal(sockets.length, 2, String(sockets));
    assert.equal(await members(base, room), 2);
    await say(ann, "thank you");
    await sees(ben, ["come in", "thank you"]);
    await stateOf(ann, "thank you", "sent");
  });

  test("a room is gone when its last member leaves", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    await say(ann, "a secret");
    await hears(ben, "a secret");
    await log(ann).getByText("Ben joined").waitFor();
    await ann.getByRole("button", { name: "Leave", exact: true }).click();
    await ann.getByText("The room stays open").waitFor();
    await log(ben).getByText("Ann left").waitFor();
    assert.equal(await members(base, room), 1);
    await ben.getByRole("button", { name: "Leave", exact: true }).click();
    await ben.getByRole("button", { name: "Stay" }).click();
    await sees(ben, ["a secret"]);
    await ben.getByRole("button", { name: "Leave", exact: true }).click();
    await ben.getByRole("button", { name: "Leave and close the room" }).click();
    await ben.getByText("You were the last person").waitFor();
    await assertGone(base, room);
    const cat = await visitors.guest("Cat", room);
    await cat.getByText("Nobody else is here yet").waitFor();
    await sees(cat, []);
    await ben.getByRole("button", { name: "Join again" }).click();
    await inRoom(ben);
    await ben.getByText("2 people here").waitFor();
  });

  test("the copied link opens the same room", async ({ visitors, base }) => {
    const room = newRoom(base);
    const context = await visitors.context({ permissions: ["clipboard-read", "clipboard-write"] });
    await remember(context, "Ann");
    const ann = await context.newPage();
    await ann.goto(room);
    await inRoom(ann);
    await ann.bringToFront();
    const copy = ann.getByRole("main").getByRole("button", { name: "Copy link" });
    // It says so for two seconds and a half: a busy machine may look too late.
    await copy.evaluate((button) => {
      globalThis.copied = new Promise((then) => {
        new MutationObserver(() => button.textContent.trim() === "Copied" && then()).observe(button, {
          subtree: true,
          childList: true,
          characterData: true,
        });
      });
    });
    await copy.click();
    await ann.waitForFunction(() => globalThis.copied.then(() => true));
    const link = await ann.evaluate(() => navigator.clipboard.readText());
    assert.equal(link, room);
    await visitors.guest("Ben", link);
    await log(ann).getByText("Ben joined").waitFor();
  });

  test("an invitation shows the link and a code to photograph", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    await ann.getByRole("banner").getByRole("button", { name: "Invite" }).click();
    const dialog = ann.getByRole("dialog", { name: "Invite people" });
    assert.equal(await dialog.getByRole("textbox", { name: "Link to this room" }).inputValue(), room);
    await dialog.getByRole("img", { name: "QR code" }).waitFor();
    await ann.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });

  test("a member that goes back has left at once, and finds the draft on return", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ben = await visitors.guest("Ben", room);
    const ann = await visitors.page();
    await remember(ann, "Ann");
    await ann.goto(base);
    await ann.getByLabel("Join by ID or link").fill(room);
    await ann.keyboard.press("Enter");
    await inRoom(ann);
    await say(ann, "one moment");
    await stateOf(ann, "one moment", "sent");
    await box(ann).fill("half a sen");
    await ann.goBack();
    await ann.getByRole("button", { name: "Create a room" }).waitFor();
    await log(ben).getByText("Ann left").waitFor();
    assert.equal(await members(base, room), 1);
    await ann.goForward();
    await inRoom(ann);
    await sees(ann, ["one moment"]);
    assert.equal(await box(ann).inputValue(), "half a sen");
  });

  test("a second tab takes the session over, and the first can take it back", async ({ visitors, base }) => {
    const context = await visitors.context();
    await remember(context, "Ann");
    const first = await context.newPage();
    await first.goto(newRoom(base));
    await inRoom(first);
    await say(first, "hello");
    await stateOf(first, "hello", "sent");
    const { clientId } = await storedSession(first);
    const storage = await first.evaluate(() => ({ ...sessionStorage }));
    await box(first).fill("half a thought");

    const second = await context.newPage();
    await second.addInitScript((storage) => {
      if (location.protocol !== "about:" && sessionStorage.length === 0) Object.assign(sessionStorage, storage);
    }, storage);
    await second.goto(first.url());
    await inRoom(second);
    assert.equal((await storedSession(second)).clientId, clientId);
    await first.getByRole("heading", { name: "open in another tab" }).waitFor();
    await first.getByRole("button", { name: "Continue here" }).click();
    await inRoom(first);
    await sees(first, ["hello"]);
    assert.equal(await box(first).inputValue(), "half a thought");
    await second.getByRole("heading", { name: "open in another tab" }).waitFor();
    assert.equal((await storedSession(first)).clientId, clientId);
  });

  test("people of the same name are told apart", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const people = ann.getByRole("complementary").getByRole("listitem");
    assert.equal(await people.locator(".tag").count(), 0);
    const other = await visitors.guest("Ann", room);
    await people.locator(".tag").nth(1).waitFor();
    await say(other, "it is me");
    await hears(ann, "it is me");
    const mark = (await storedSession(other)).clientId.slice(-4);
    await log(ann).locator(".message .tag", { hasText: mark }).waitFor();
    await people.filter({ hasText: "you" }).waitFor();
  });
});

async function assertGone(base, room) {
  const { status } = await fetch(`${base}/healthz`);
  assert.equal(status, 200);
  assert.equal(await members(base, room), 0);
}
