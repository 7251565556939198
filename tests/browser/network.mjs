import assert from "node:assert/strict";
import { startServer, startWire, wired } from "./server.mjs";
import {
  hears,
  inRoom,
  log,
  members,
  newRoom,
  reconnects,
  remember,
  say,
  seatOf,
  sees,
  SLOWED,
  stateOf,
} from "./people.mjs";

export default {
  "a cut network loses nothing and doubles nothing": wired(async ({ cast, base, wire }) => {
    const room = newRoom(base);
    const ben = await cast.guest("Ben", room);
    const ann = await cast.guest("Ann", room.replace(base, wire.url));
    await say(ann, "one");
    await sees(ben, ["one"]);
    const { clientId } = await seatOf(ann);

    await ann.context().setOffline(true);
    wire.cut();
    await ann.getByText("Messages will be sent once you’re back").waitFor();
    await log(ann).getByText("Connection lost").waitFor();
    await say(ann, "written in the dark");
    await say(ann, "and another");
    await stateOf(ann, "written in the dark", "pending");
    await say(ben, "are you there?");
    await stateOf(ben, "are you there?", "sent");

    wire.mend();
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
    assert.equal((await seatOf(ann)).clientId, clientId);
    assert.equal(
      await log(ben)
        .getByText(/^Ann (left|disconnected)/)
        .count(),
      0,
    );
  }),

  "who leaves without a connection is not told that the room is gone": wired(async ({ cast, wire }) => {
    const ann = await cutOff(cast, wire);
    await ann.getByRole("button", { name: "Leave", exact: true }).click();
    await ann.getByText("the server didn’t hear").waitFor();
    assert.equal(await ann.getByText("You were the last person").count(), 0);
  }),

  "who leaves by a link that died unnoticed is not told that the room is gone either": wired(
    async ({ cast, base, wire }) => {
      const room = newRoom(base);
      const ann = await cast.guest("Ann", room.replace(base, wire.url));
      wire.freeze();
      await ann.getByRole("button", { name: "Leave", exact: true }).click();
      await ann.getByText("You left the room.").waitFor();
      assert.equal(await ann.getByText("You were the last person").count(), 0);
      await ann.getByText("the server didn’t hear").waitFor();
      assert.equal(await ann.getByText("You were the last person").count(), 0);
      assert.equal(await members(base, room), 1);
    },
  ),

  "a page with something unsent asks before it goes": wired(async ({ cast, wire }) => {
    const ann = await cutOff(cast, wire);
    await say(ann, "not yet");
    await stateOf(ann, "not yet", "pending");
    const asked = ann.waitForEvent("dialog");
    const gone = ann.close({ runBeforeUnload: true });
    const question = await asked;
    assert.equal(question.type(), "beforeunload");
    await question.dismiss();
    await gone;
    await sees(ann, ["not yet"]);
  }),

  "going back with something unsent asks first": wired(async ({ cast, wire }) => {
    const ann = await cast.page();
    await remember(ann, "Ann");
    await ann.goto(wire.url);
    const room = newRoom(wire.url);
    await ann.getByLabel("Join by ID or link").fill(room);
    await ann.keyboard.press("Enter");
    await inRoom(ann);
    wire.cut();
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
  }),

  "a message whose answer got lost is said once": wired(async ({ cast, base, wire }) => {
    const room = newRoom(base);
    const ben = await cast.guest("Ben", room);
    const ann = await cast.guest("Ann", room.replace(base, wire.url));
    await say(ann, "one");
    await stateOf(ann, "one", "sent");

    wire.deafen();
    await say(ann, "two");
    await hears(ben, "two");
    await stateOf(ann, "two", "pending");
    wire.cut();
    await ann.getByText("Messages will be sent once you’re back").waitFor();
    await say(ben, "three");
    await stateOf(ben, "three", "sent");
    wire.mend();
    await reconnects(ann);

    const talk = ["one", "two", "three"];
    await sees(ann, talk);
    await stateOf(ann, "two", "sent");
    await sees(ben, talk);
  }),

  async "a server that stops is waited for, and what was not sent goes to the next one"({ cast }) {
    const first = await startServer();
    const wire = await startWire(first.port);
    try {
      const ann = await cast.guest("Ann", newRoom(wire.url));
      await say(ann, "to the old");
      await stateOf(ann, "to the old", "sent");
      wire.cut();
      await first.stop();
      await log(ann).getByText("Connection lost").waitFor();
      await say(ann, "to the new");
      await stateOf(ann, "to the new", "pending");

      const second = await startServer();
      const rewired = await rewire(wire, second.port);
      try {
        await reconnects(ann);
        await log(ann).getByText("Earlier messages are gone").waitFor();
        await stateOf(ann, "to the new", "sent");
        await sees(ann, ["to the new"]);
      } finally {
        await rewired.stop();
        await second.stop();
      }
    } finally {
      await first.stop();
    }
  },

  async "a plain EventSource is never ended by what is wrong for the moment"({ cast }) {
    let server = await startServer();
    try {
      const page = await cast.page();
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
      server = await startServer({ REDIS_URL: "redis://127.0.0.1:1" }, server.port);
      await hears("closing", "store_unavailable");
      assert.notEqual(await page.evaluate(() => globalThis.source.readyState), 2, "it is not closed");
      await server.stop();
      await page.evaluate(() => (globalThis.heard = []));
      server = await startServer({}, server.port);
      await hears("welcome");
    } finally {
      await server.stop();
    }
  },

  async "what was written too fast goes out by itself, in order and without alarm"({ cast }) {
    const server = await startServer({ PARLOR_RATE: "3" });
    try {
      const room = newRoom(server.url);
      const ann = await cast.guest("Ann", room);
      const ben = await cast.guest("Ben", room);
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
    } finally {
      await server.stop();
    }
  },

  async "messages fade from the page after the age the server gives"({ cast }) {
    const server = await startServer({ PARLOR_HISTORY_AGE: "10m" });
    try {
      const ann = await cast.guest("Ann", newRoom(server.url), { clocked: true });
      await ann.getByText("messages disappear after 10 minutes").waitFor();
      await say(ann, "soon gone");
      await stateOf(ann, "soon gone", "sent");
      await sees(ann, ["soon gone"]);
      await ann.clock.fastForward("10:00");
      await sees(ann, []);
      await inRoom(ann);
      await ann.getByText("Nobody else is here yet").waitFor();
    } finally {
      await server.stop();
    }
  },

  async "a full room is waited for"({ cast }) {
    const server = await startServer({ PARLOR_ROOM_MEMBERS: "1" });
    try {
      const room = newRoom(server.url);
      const ann = await cast.guest("Ann", room);
      const ben = await cast.page();
      await remember(ben, "Ben");
      await ben.clock.install();
      await ben.goto(room);
      const full = ben.getByText("The room is full. Waiting for a place…");
      await full.waitFor();
      // So that he does not come in by himself first.
      await ben.clock.pauseAt(await ben.evaluate(() => Date.now() + 5_000));
      await full.waitFor();
      await ann.getByRole("button", { name: "Leave", exact: true }).click();
      await ann.getByText("You were the last person").waitFor();
      await ben.getByRole("button", { name: "Try now" }).click();
      await inRoom(ben);
    } finally {
      await server.stop();
    }
  },

  async "a refusal the page does not know ends with its message and a way on"({ cast, base }) {
    const ann = await cast.page();
    await remember(ann, "Ann");
    await ann.routeWebSocket(/\/ws\?/, (socket) => {
      socket.send(JSON.stringify({ type: "error", code: "house_rule", message: "Slippers only." }));
      socket.close({ code: 4477 });
    });
    await ann.goto(newRoom(base));
    await ann.getByText("Slippers only.").waitFor();
    await ann.getByRole("button", { name: "Home" }).click();
    await ann.getByRole("button", { name: "Create a room" }).waitFor();
  },

  async "trouble of the store is a bar, until it is over"({ cast, base }) {
    const ann = await cast.page();
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
  },
};

/** A member alone in a room, whose network has just gone. */
async function cutOff(cast, wire) {
  const ann = await cast.guest("Ann", newRoom(wire.url));
  wire.cut();
  await ann.getByText("Messages will be sent once you’re back").waitFor();
  return ann;
}

/** The same address, another server behind it. */
async function rewire(wire, port) {
  const { port: at } = new URL(wire.url);
  await wire.stop();
  return startWire(port, Number(at));
}
