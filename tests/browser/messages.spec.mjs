import assert from "node:assert/strict";
import { test } from "./fixtures.mjs";
import { apiSender, box, bubble, hears, inRoom, log, newRoom, remember, say, sees, stateOf, types } from "./people.mjs";

test.describe("messages", () => {
  test("markup in a message is text, and only web addresses are links", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("<b>Ann</b>", room);
    const ben = await visitors.guest("Ben", room);
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
  });

  test("white space stays as it was written", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    await box(ann).fill("one");
    await box(ann).press("Shift+Enter");
    await box(ann).pressSequentially("  two");
    await box(ann).press("Enter");
    await sees(ann, ["one\n  two"]);
    assert.equal(await box(ann).inputValue(), "");
  });

  test("Enter that ends the choosing of a word does not send", async ({ visitors, base }) => {
    const ann = await visitors.guest("Ann", newRoom(base));
    await box(ann).fill("にほん");
    await box(ann).evaluate((area) => {
      area.dispatchEvent(
        new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }),
      );
    });
    assert.equal(await box(ann).inputValue(), "にほん");
    await box(ann).press("Enter");
    await sees(ann, ["にほん"]);
  });

  test("typing is seen, and ends with the message", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    await types(ann, "Ann", "hm", ben);
    await box(ann).press("Enter");
    await hears(ben, "hm");
    await ben.getByText("Ann is typing").waitFor({ state: "detached" });
    await types(ann, "Ann", "well", ben);
    await box(ann).fill("");
    await ben.getByText("Ann is typing").waitFor({ state: "detached" });
  });

  test("a message too long is said to be before it is sent", async ({ visitors, base }) => {
    const ann = await visitors.guest("Ann", newRoom(base));
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
  });

  test("a refused message says so and can be sent again", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.page();
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
    const ben = await visitors.guest("Ben", room);
    await say(ann, "no room for this");
    await stateOf(ann, "no room for this", "failed");
    await ann.getByText("Not sent. The server has no space left right now.").waitFor();
    await say(ann, "in time");
    await sees(ben, ["in time"]);
    await ann.getByRole("button", { name: "Try again" }).click();
    await stateOf(ann, "no room for this", "sent");
    await sees(ben, ["in time", "no room for this"]);
    await sees(ann, ["in time", "no room for this"]);
  });

  test("a reader who scrolled up stays there and is told of new messages", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room, { viewport: { width: 800, height: 420 } });
    const ben = await visitors.guest("Ben", room);
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
  });

  test("a long log is bounded, and stays where it is read when lines come and go", async ({ serve, visitors }) => {
    const server = await serve({
      PARLOR_HISTORY_LEN: "10000",
      PARLOR_HISTORY_BYTES: "1000000",
      PARLOR_RATE: "100000",
      PARLOR_LEASE: "5m",
    });
    const room = newRoom(server.url);
    const speak = await apiSender("Ben", room);
    for (let n = 1; n <= 1_100; n += 1) await speak(`line ${n}.`);
    const ann = await visitors.guest("Ann", room);
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
  });
});
