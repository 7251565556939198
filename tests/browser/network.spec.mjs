import assert from "node:assert/strict";
import { test } from "./fixtures.mjs";
import {
  hears,
  inRoom,
  log,
  members,
  newRoom,
  reconnects,
  remember,
  say,
  storedSession,
  sees,
  SLOWED,
  stateOf,
} from "./people.mjs";

test.describe("network", () => {
  test("a cut network loses nothing and doubles nothing", async ({ visitors, base, tcpProxy }) => {
    const room = newRoom(base);
    const ben = await visitors.guest("Ben", room);
    const ann = await visitors.guest("Ann", room.replace(base, tcpProxy.url));
    await say(ann, "one");
    await sees(ben, ["one"]);
    const { clientId } = await storedSession(ann);

    await ann.context().setOffline(true);
    tcpProxy.cut();
    await ann.getByText("Messages will be sent once you’re back").waitFor();
    await log(ann).getByText("Connection lost").waitFor();
    await say(ann, "written in the dark");
    await say(ann, "and another");
    await stateOf(ann, "written in the dark", "pending");
    await say(ben, "are you there?");
    await stateOf(ben, "are you there?", "sent");

    tcpProxy.restore();
    await ann.context().setOffline(false);
    await reconnects(ann);
    const talk = ["one", "are you there?", "written in the dark", "and another"];
    await sees(ann, talk);
    await sees(ben, talk);
    await log(ann).getByText("Reconnected").waitFor();
    assert.equal(
      await ann.getByText("Backup connection in use").count(),
      0,
      "a network that is away is no reason to fall back",
    );
    assert.equal((await storedSession(ann)).clientId, clientId);
    assert.equal(
      await log(ben)
        .getByText(/^Ann (left|disconnected)/)
        .count(),
      0,
    );
  });

  test("a member that leaves without a connection is not told that the room is gone", async ({
    visitors,
    tcpProxy,
  }) => {
    const ann = await cutOff(visitors, tcpProxy);
    await ann.getByRole("button", { name: "Leave", exact: true }).click();
    await ann.getByText("the server didn’t hear").waitFor();
    assert.equal(await ann.getByText("You were the last person").count(), 0);
  });

  test("a member goes home without a network, at the latest when it is back", async ({ visitors, tcpProxy }) => {
    visitors.expected = /net::ERR_|WebSocket connection to/;
    const home = (page) => page.getByRole("button", { name: "Create a room" });
    for (const acts of [true, false]) {
      const ann = await visitors.guest("Ann", newRoom(tcpProxy.url));
      if (acts) {
        await log(ann).press("Home");
        await ann.waitForFunction(() => {
          const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
          const parts = ["Landing", "PasteLink", "LanguageSwitcher"];
          return parts.every((part) => loaded.some((name) => new RegExp(`/${part}-[^/]*js$`).test(name)));
        });
      }
      await ann.context().setOffline(true);
      tcpProxy.cut();
      await ann.getByText("Messages will be sent once you’re back").waitFor();
      await ann.getByRole("button", { name: "Leave", exact: true }).click();
      await ann.getByRole("button", { name: "Home" }).click();
      if (!acts) await ann.getByText("This part of the page couldn’t be loaded.").waitFor();
      else await home(ann).waitFor();
      await ann.evaluate(() => (window.stays = true));
      tcpProxy.restore();
      await ann.context().setOffline(false);
      await home(ann).waitFor();
      // Firefox fetches a part that failed again only for a new document.
      assert.equal(await ann.evaluate(() => window.stays === true), acts);
    }
  });

  test("a member that leaves by a connection lost unnoticed is not told so either", async ({
    visitors,
    base,
    tcpProxy,
  }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room.replace(base, tcpProxy.url));
    tcpProxy.stall();
    await ann.getByRole("button", { name: "Leave", exact: true }).click();
    await ann.getByText("You left the room.").waitFor();
    assert.equal(await ann.getByText("You were the last person").count(), 0);
    await ann.getByText("the server didn’t hear").waitFor();
    assert.equal(await ann.getByText("You were the last person").count(), 0);
    assert.equal(await members(base, room), 1);
  });

  test("a page with something unsent asks before it goes", async ({ visitors, tcpProxy }) => {
    const ann = await cutOff(visitors, tcpProxy);
    await say(ann, "not yet");
    await stateOf(ann, "not yet", "pending");
    const asked = ann.waitForEvent("dialog");
    const gone = ann.close({ runBeforeUnload: true });
    const question = await asked;
    assert.equal(question.type(), "beforeunload");
    await question.dismiss();
    await gone;
    await sees(ann, ["not yet"]);
  });

  test("going back with something unsent asks first", async ({ visitors, tcpProxy }) => {
    const ann = await visitors.page();
    await remember(ann, "Ann");
    await ann.goto(tcpProxy.url);
    const room = newRoom(tcpProxy.url);
    await ann.getByLabel("Join by ID or link").fill(room);
    await ann.keyboard.press("Enter");
    await inRoom(ann);
    tcpProxy.cut();
    await ann.getByText("Messages will be sent once you’re back").waitFor();
    await say(ann, "not yet");
    await stateOf(ann, "not yet", "pending");
    const back = async (answer) => {
      const asked = ann.waitForEvent("dialog");
      const gone = ann.evaluate(() => history.back());
      const question = await asked;
      assert.match(question.message(), /haven’t been sent/);
      await question[answer]();
      await gone;
    };
    await back("dismiss");
    await ann.waitForURL(room);
    await sees(ann, ["not yet"]);
    await back("accept");
    await ann.getByRole("button", { name: "Create a room" }).waitFor();
  });

  test("a message whose answer got lost is said once", async ({ visitors, base, tcpProxy }) => {
    const room = newRoom(base);
    const ben = await visitors.guest("Ben", room);
    const ann = await visitors.guest("Ann", room.replace(base, tcpProxy.url));
    await say(ann, "one");
    await stateOf(ann, "one", "sent");

    tcpProxy.dropAnswers();
    await say(ann, "two");
    await hears(ben, "two");
    await stateOf(ann, "two", "pending");
    tcpProxy.cut();
    await ann.getByText("Messages will be sent once you’re back").waitFor();
    await say(ben, "three");
    await stateOf(ben, "three", "sent");
    tcpProxy.restore();
    await reconnects(ann);

    const talk = ["one", "two", "three"];
    await sees(ann, talk);
    await stateOf(ann, "two", "sent");
    await sees(ben, talk);
  });

  test("a server that stops is waited for, and what was not sent goes to the next one", async ({
    serve,
    startsProxy,
    visitors,
  }) => {
    const first = await serve();
    const tcpProxy = await startsProxy(first.port);
    const ann = await visitors.guest("Ann", newRoom(tcpProxy.url));
    await say(ann, "to the old");
    await stateOf(ann, "to the old", "sent");
    tcpProxy.cut();
    await first.stop();
    await log(ann).getByText("Connection lost").waitFor();
    await say(ann, "to the new");
    await stateOf(ann, "to the new", "pending");

    const second = await serve();
    tcpProxy.restore(second.port);
    await reconnects(ann);
    await log(ann).getByText("Earlier messages are gone").waitFor();
    await stateOf(ann, "to the new", "sent");
    await sees(ann, ["to the new"]);
  });

  test("a plain EventSource is never ended by what is wrong for the moment", async ({ serve, visitors }) => {
    let server = await serve();
    const page = await visitors.page();
    await page.goto(server.url);
    await page.evaluate(() => {
      globalThis.heard = [];
      globalThis.source = new EventSource("/api/rooms/of-a-program/events?name=Bot");
      globalThis.source.onmessage = ({ data }) => globalThis.heard.push(JSON.parse(data));
    });
    const hears = (type, code) =>
      page.waitForFunction(
        ([type, code]) => globalThis.heard.some((frame) => frame.type === type && frame.code === code),
        [type, code],
        { timeout: SLOWED },
      );
    await hears("welcome");
    await server.stop();
    // Back, but its rooms are not.
    server = await serve({ REDIS_URL: "redis://127.0.0.1:1" }, server.port);
    await hears("closing", "store_unavailable");
    assert.notEqual(await page.evaluate(() => globalThis.source.readyState), 2, "it is not closed");
    await server.stop();
    await page.evaluate(() => (globalThis.heard = []));
    server = await serve({}, server.port);
    await hears("welcome");
  });

  test("what was written too fast goes out by itself, in order and without alarm", async ({ serve, visitors }) => {
    const server = await serve({ PARLOR_RATE: "3" });
    const room = newRoom(server.url);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    await ann.evaluate(() => {
      globalThis.alarms = 0;
      new MutationObserver(() => (globalThis.alarms += document.querySelectorAll("[role=alert]").length)).observe(
        document,
        { subtree: true, childList: true },
      );
    });
    const lines = Array.from({ length: 40 }, (_, i) => `line ${i + 1}`);
    // A message waits for the answer before, so only typing can exceed the rate. The number of frames is odd: every
    // second one is refused.
    await ann.evaluate(() => {
      globalThis.flood = 8;
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function (text) {
        send.call(this, text);
        if (JSON.parse(text).type === "chat")
          for (let n = 0; n < globalThis.flood; n += 1) send.call(this, '{"type":"typing","typing":true}');
      };
    });
    const notice = ann
      .getByRole("status")
      .getByText("the rest will be sent automatically")
      .waitFor({ timeout: SLOWED });
    await ann.evaluate(async (lines) => {
      const box = document.querySelector("textarea");
      for (const line of lines) {
        box.value = line;
        box.dispatchEvent(new Event("input", { bubbles: true }));
        await Promise.resolve();
        box.form.requestSubmit();
        await Promise.resolve();
      }
    }, lines);
    await notice;
    await ann.evaluate(() => (globalThis.flood = 0));
    for (const page of [ann, ben]) await sees(page, lines, SLOWED);
    await ann.getByText("the rest will be sent automatically").waitFor({ state: "detached" });
    assert.equal(await ann.evaluate(() => globalThis.alarms), 0);
  });

  test("messages fade from the page after the age the server gives", async ({ serve, visitors }) => {
    const server = await serve({ PARLOR_HISTORY_AGE: "10m" });
    const ann = await visitors.guest("Ann", newRoom(server.url), { clocked: true });
    await ann.getByText("messages disappear after 10 minutes").waitFor();
    await say(ann, "soon gone");
    await stateOf(ann, "soon gone", "sent");
    await sees(ann, ["soon gone"]);
    await ann.clock.fastForward("10:00");
    await sees(ann, []);
    await inRoom(ann);
    await ann.getByText("Nobody else is here yet").waitFor();
  });

  test("a full room is waited for", async ({ serve, visitors }) => {
    const server = await serve({ PARLOR_ROOM_MEMBERS: "1" });
    const room = newRoom(server.url);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.page();
    await remember(ben, "Ben");
    await ben.clock.install();
    await ben.goto(room);
    const full = ben.getByText("The room is full. Waiting for a place…");
    await full.waitFor();
    // So that Ben's own retry does not come first.
    await ben.clock.pauseAt(await ben.evaluate(() => Date.now() + 5_000));
    await full.waitFor();
    await ann.getByRole("button", { name: "Leave", exact: true }).click();
    await ann.getByText("You were the last person").waitFor();
    await ben.getByRole("button", { name: "Try now" }).click();
    await inRoom(ben);
  });

  test("a refusal the page does not know ends with its message and a way on", async ({ visitors, base }) => {
    const ann = await visitors.page();
    await remember(ann, "Ann");
    await ann.routeWebSocket(/\/ws\?/, (socket) => {
      socket.send(JSON.stringify({ type: "error", code: "house_rule", message: "Slippers only." }));
      socket.close({ code: 4477 });
    });
    await ann.goto(newRoom(base));
    await ann.getByText("Slippers only.").waitFor();
    await ann.getByRole("button", { name: "Home" }).click();
    await ann.getByRole("button", { name: "Create a room" }).waitFor();
  });

  test("trouble of the store is a bar, until it is over", async ({ visitors, base }) => {
    const ann = await visitors.page();
    await remember(ann, "Ann");
    let route;
    await ann.routeWebSocket(/\/ws\?/, (socket) => {
      route = socket;
      socket.connectToServer();
    });
    await ann.goto(newRoom(base));
    await inRoom(ann);
    route.send(JSON.stringify({ type: "status", code: "store_unavailable", message: "" }));
    await ann.getByText("The server is overloaded").waitFor();
    route.send(JSON.stringify({ type: "status", code: "store_available", message: "" }));
    await ann.getByText("The server is overloaded").waitFor({ state: "detached" });
  });
});

/** A member alone in a room, whose connection has just been cut. */
async function cutOff(visitors, tcpProxy) {
  const ann = await visitors.guest("Ann", newRoom(tcpProxy.url));
  tcpProxy.cut();
  await ann.getByText("Messages will be sent once you’re back").waitFor();
  return ann;
}
