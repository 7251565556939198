import assert from "node:assert/strict";
import {
  box,
  bubble,
  hears,
  inRoom,
  log,
  members,
  newRoom,
  remember,
  say,
  seatOf,
  sees,
  stateOf,
  types,
  voice,
} from "./people.mjs";
import { startServer } from "./server.mjs";

const bring = (page) => page.bringToFront();

export default {
  async "two people talk, and whoever comes later reads what was said"({ cast, base }) {
    const room = newRoom(base);
    const ann = await cast.guest("Ann", room);
    const ben = await cast.guest("Ben", room);
    await log(ann).getByText("Ben joined").waitFor();
    await say(ann, "Good evening");
    await hears(ben, "Good evening");
    await say(ben, "Evening, Ann");
    const talk = ["Good evening", "Evening, Ann"];
    for (const page of [ann, ben]) await sees(page, talk);
    const cat = await cast.guest("Cat", room);
    await sees(cat, talk);
    await cat.getByText("3 people here").waitFor();
    assert.equal(await members(base, room), 3);
  },

  async "too many people are counted, by every transport, and listed again when enough have left"({ cast }) {
    const server = await startServer({ PARLOR_CROWD: "2" });
    try {
      const room = newRoom(server.url);
      const ann = await cast.guest("Ann", room);
      const ben = await cast.guest("Ben", room);
      await log(ann).getByText("Ben joined").waitFor();
      const cat = await cast.guest("Cat", room);
      const many = (page) => page.getByText("too many participants to list them all").first();
      const listed = (page) => page.getByRole("list", { name: "Participants" }).first().getByRole("listitem");
      for (const page of [ann, ben, cat]) {
        await page.getByText("3 people here").waitFor();
        await many(page).waitFor();
        assert.equal(await listed(page).count(), 1, "whoever reads it, and nobody in a call");
      }
      await say(cat, "unlisted");
      for (const page of [ann, ben]) await hears(page, "unlisted");
      for (const page of [cat, ben]) {
        await page.getByRole("button", { name: "Leave", exact: true }).click();
        await page.getByText("The room stays open").waitFor();
      }
      await many(ann).waitFor({ state: "detached" });
      await cast.guest("Dan", room);
      await log(ann).getByText("Dan joined").waitFor();
      await listed(ann).nth(1).getByText("Dan").waitFor();
      assert.equal(
        await log(ann)
          .getByText(/^(Cat|Ben) (joined|left)/)
          .count(),
        1,
      );
      const panes = await cast.page();
      await panes.goto(`${server.url}/transports`);
      for (const transport of ["ws", "sse", "long-poll", "short-poll"]) {
        const pane = panes.locator(`[data-transport=${transport}]`);
        await pane.getByText("4 people here").waitFor();
        await many(pane).waitFor();
      }
    } finally {
      await cast.disperse();
      await server.stop();
    }
  },

  async "a reload keeps the seat and the messages"({ cast, base }) {
    const room = newRoom(base);
    const ann = await cast.guest("Ann", room);
    const ben = await cast.guest("Ben", room);
    await say(ann, "before");
    await hears(ben, "before");
    await say(ben, "me too");
    await sees(ann, ["before", "me too"]);
    const { clientId } = await seatOf(ann);
    await ann.reload();
    await inRoom(ann);
    await sees(ann, ["before", "me too"]);
    assert.equal((await seatOf(ann)).clientId, clientId);
    await say(ann, "after");
    await sees(ben, ["before", "me too", "after"]);
    assert.equal(await log(ben).getByText("Ann left").count(), 0);
    await ann.locator(".message.mine").nth(1).waitFor();
    assert.equal(await members(base, room), 2);
  },

  async "the room is entered while the page is still on its way, and once"({ cast, base }) {
    const room = newRoom(base);
    const ben = await cast.guest("Ben", room);
    await say(ben, "come in");
    const ann = await cast.page();
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
    const { clientId } = await seatOf(ann);
    await arrives(
      () => ann.reload(),
      async () => {},
    );
    assert.equal((await seatOf(ann)).clientId, clientId);
    assert.equal(sockets.length, 2, String(sockets));
    assert.equal(await members(base, room), 2);
    await say(ann, "thank you");
    await sees(ben, ["come in", "thank you"]);
    await stateOf(ann, "thank you", "sent");
  },

  async "the last one to leave takes everything along"({ cast, base }) {
    const room = newRoom(base);
    const ann = await cast.guest("Ann", room);
    const ben = await cast.guest("Ben", room);
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
    const cat = await cast.guest("Cat", room);
    await cat.getByText("Nobody else is here yet").waitFor();
    await sees(cat, []);
    await ben.getByRole("button", { name: "Join again" }).click();
    await inRoom(ben);
    await ben.getByText("2 people here").waitFor();
  },

  async "the copied link opens the same room"({ cast, base }) {
    const room = newRoom(base);
    const context = await cast.context({ permissions: ["clipboard-read", "clipboard-write"] });
    await remember(context, "Ann");
    const ann = await context.newPage();
    await ann.goto(room);
    await inRoom(ann);
    await bring(ann);
    const copy = ann.getByRole("banner").getByRole("button", { name: "Copy link" });
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
    await cast.guest("Ben", link);
    await log(ann).getByText("Ben joined").waitFor();
  },

  async "an invitation shows the link and a code to photograph"({ cast, base }) {
    const room = newRoom(base);
    const ann = await cast.guest("Ann", room);
    await ann.getByRole("banner").getByRole("button", { name: "Invite" }).click();
    const dialog = ann.getByRole("dialog", { name: "Invite people" });
    assert.equal(await dialog.getByRole("textbox", { name: "Link to this room" }).inputValue(), room);
    await dialog.getByRole("img", { name: "QR code" }).waitFor();
    await ann.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  },

  async "markup in a message is text, and only web addresses are links"({ cast, base }) {
    const room = newRoom(base);
    const ann = await cast.guest("<b>Ann</b>", room);
    const ben = await cast.guest("Ben", room);
    const text =
      '<img src=x onerror="document.title=1"><script>alert(1)</script> &amp; javascript:alert(1) https://example.org/?a=<b>';
    await say(ann, text);
    await sees(ben, [text]);
    const links = log(ben).getByRole("link");
    assert.equal(await links.count(), 1);
    assert.equal(await links.getAttribute("href"), "https://example.org/?a=");
    assert.equal(await links.getAttribute("rel"), "noopener noreferrer nofollow");
    assert.equal(await log(ben).locator("img, script, b").count(), 0);
    await ben.getByRole("complementary").getByText("<b>Ann</b>").waitFor();
  },

  async "white space stays as it was written"({ cast, base }) {
    const room = newRoom(base);
    const ann = await cast.guest("Ann", room);
    await box(ann).fill("one");
    await box(ann).press("Shift+Enter");
    await box(ann).pressSequentially("  two");
    await box(ann).press("Enter");
    await sees(ann, ["one\n  two"]);
    assert.equal(await box(ann).inputValue(), "");
  },

  async "Enter that ends the choosing of a word does not send"({ cast, base }) {
    const ann = await cast.guest("Ann", newRoom(base));
    await box(ann).fill("にほん");
    await box(ann).evaluate((area) => {
      area.dispatchEvent(
        new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }),
      );
    });
    assert.equal(await box(ann).inputValue(), "にほん");
    await box(ann).press("Enter");
    await sees(ann, ["にほん"]);
  },

  async "whoever goes back has left at once, and finds what was written when they come again"({ cast, base }) {
    const room = newRoom(base);
    const ben = await cast.guest("Ben", room);
    const ann = await cast.page();
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
  },

  async "typing is seen, and ends with the message"({ cast, base }) {
    const room = newRoom(base);
    const ann = await cast.guest("Ann", room);
    const ben = await cast.guest("Ben", room);
    await types(ann, "Ann", "hm", ben);
    await box(ann).press("Enter");
    await hears(ben, "hm");
    await ben.getByText("Ann is typing").waitFor({ state: "detached" });
    await types(ann, "Ann", "well", ben);
    await box(ann).fill("");
    await ben.getByText("Ann is typing").waitFor({ state: "detached" });
  },

  async "a message too long is said to be before it is sent"({ cast, base }) {
    const ann = await cast.guest("Ann", newRoom(base));
    await box(ann).fill("ж".repeat(3_990));
    await ann.getByText("10 characters left").waitFor();
    await box(ann).fill("ж".repeat(4_001));
    await ann.getByText("1 character over the limit").waitFor();
    assert.equal(await ann.getByRole("button", { name: "Send" }).isDisabled(), true);
    await box(ann).press("Enter");
    await sees(ann, []);
    await box(ann).fill("😀".repeat(4_000));
    await box(ann).press("Enter");
    await ann.locator("[data-state=sent]").waitFor({ state: "attached" });
  },

  async "a refused message says so and can be sent again"({ cast, base }) {
    const room = newRoom(base);
    const ann = await cast.page();
    await remember(ann, "Ann");
    let refuse = true;
    await ann.routeWebSocket(/\/ws\?/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((data) => {
        const frame = JSON.parse(data);
        if (refuse && frame.type === "chat" && frame.text === "no room for this") {
          refuse = false;
          socket.send(JSON.stringify({ type: "error", code: "store_full", message: "", n: frame.n }));
        } else {
          server.send(data);
        }
      });
    });
    await ann.goto(room);
    await inRoom(ann);
    const ben = await cast.guest("Ben", room);
    await say(ann, "no room for this");
    await stateOf(ann, "no room for this", "failed");
    await ann.getByText("Not sent. The server has no space left right now.").waitFor();
    await say(ann, "in time");
    await sees(ben, ["in time"]);
    await ann.getByRole("button", { name: "Try again" }).click();
    await stateOf(ann, "no room for this", "sent");
    await sees(ben, ["in time", "no room for this"]);
    await sees(ann, ["in time", "no room for this"]);
  },

  async "a second tab takes the seat, and the first can take it back"({ cast, base }) {
    const context = await cast.context();
    await remember(context, "Ann");
    const first = await context.newPage();
    await first.goto(newRoom(base));
    await inRoom(first);
    await say(first, "hello");
    await stateOf(first, "hello", "sent");
    const { clientId } = await seatOf(first);
    const storage = await first.evaluate(() => ({ ...sessionStorage }));
    await box(first).fill("half a thought");

    const second = await context.newPage();
    await second.addInitScript((storage) => {
      if (location.protocol !== "about:" && sessionStorage.length === 0) Object.assign(sessionStorage, storage);
    }, storage);
    await second.goto(first.url());
    await inRoom(second);
    assert.equal((await seatOf(second)).clientId, clientId);
    await first.getByRole("heading", { name: "open in another tab" }).waitFor();
    await first.getByRole("button", { name: "Continue here" }).click();
    await inRoom(first);
    await sees(first, ["hello"]);
    assert.equal(await box(first).inputValue(), "half a thought");
    await second.getByRole("heading", { name: "open in another tab" }).waitFor();
    assert.equal((await seatOf(first)).clientId, clientId);
  },

  async "people of the same name are told apart"({ cast, base }) {
    const room = newRoom(base);
    const ann = await cast.guest("Ann", room);
    const people = ann.getByRole("complementary").getByRole("listitem");
    assert.equal(await people.locator(".tag").count(), 0);
    const other = await cast.guest("Ann", room);
    await people.locator(".tag").nth(1).waitFor();
    await say(other, "it is me");
    await hears(ann, "it is me");
    const mark = (await seatOf(other)).clientId.slice(-4);
    await log(ann).locator(".message .tag", { hasText: mark }).waitFor();
    await people.filter({ hasText: "you" }).waitFor();
  },

  async "whoever scrolled up is not pulled down, but told"({ cast, base }) {
    const room = newRoom(base);
    const ann = await cast.guest("Ann", room, { viewport: { width: 800, height: 420 } });
    const ben = await cast.guest("Ben", room);
    for (const n of [1, 2, 3, 4, 5]) await say(ben, `line ${n}\n${"·\n".repeat(5)}end`);
    await hears(ann, "line 5");
    await log(ann).evaluate((element) => element.scrollTo(0, 0));
    await ann.getByRole("button", { name: "Jump to the latest message" }).waitFor();
    await say(ben, "the newest");
    await ann.getByRole("button", { name: "1 new message" }).click();
    await ann.getByRole("button", { name: /new(est)? message/ }).waitFor({ state: "detached" });
    await bubble(ann, "the newest").evaluate((e) => {
      const { bottom } = e.getBoundingClientRect();
      if (bottom > innerHeight) throw new Error("the newest message is out of sight");
    });
  },

  async "a long log is bounded, and stays where it is read when lines come and go"({ cast }) {
    const server = await startServer({
      PARLOR_HISTORY_LEN: "10000",
      PARLOR_HISTORY_BYTES: "1000000",
      PARLOR_RATE: "100000",
      PARLOR_LEASE: "5m",
    });
    try {
      const room = newRoom(server.url);
      const speak = await voice("Ben", room);
      for (let n = 1; n <= 1_100; n += 1) await speak(`line ${n}.`);
      const ann = await cast.guest("Ann", room);
      await hears(ann, "line 1100.");
      const drawn = () => log(ann).locator(".message").count();
      const most = 1_000;
      assert.ok((await drawn()) <= most, "no more than a page can draw");

      const place = () =>
        log(ann).evaluate((box) => {
          const edge = box.getBoundingClientRect().top;
          const first = [...box.querySelectorAll(".text")].find((text) => text.getBoundingClientRect().bottom > edge);
          return { text: first.innerText, top: first.getBoundingClientRect().top - edge };
        });
      await log(ann).evaluate((box) => box.scrollTo(0, box.scrollHeight / 2));
      await ann.getByRole("button", { name: "Jump to the latest message" }).waitFor();
      const before = await place();
      // More than goes at once from the other end.
      for (let n = 1_101; n <= 1_200; n += 1) await speak(`line ${n}.`);
      await ann.getByRole("button", { name: "100 new messages" }).waitFor();
      const after = await place();
      assert.equal(after.text, before.text);
      assert.ok(Math.abs(after.top - before.top) <= 1, `moved from ${before.top} to ${after.top}`);
      assert.ok((await drawn()) <= most, "however many come");
    } finally {
      await server.stop();
    }
  },
};

async function assertGone(base, room) {
  const { status } = await fetch(`${base}/healthz`);
  assert.equal(status, 200);
  assert.equal(await members(base, room), 0);
}
