// Messages on their way: by each transport, by the next one where one is blocked, and a link to pass on.

import assert from "node:assert/strict";
import { newRoom } from "../../browser/people.mjs";
import { startProxy } from "../../browser/proxy.mjs";
import { listener } from "../listener.mjs";
import { enters, FIELD, goesBy, isLocked, press, says, seat, sees, shows, TRANSPORTS } from "../page.mjs";
import { KEY } from "./key.mjs";

const SOCKET = /^GET \/ws\?/;
const SOCKET_OR_STREAM = /^GET (\/ws\?|\/api\/rooms\/[^/]+\/events)/;

export default {
  async "talk: three windows, each by a transport of its own, read each other in one order"(stage) {
    const room = newRoom(stage.base);
    const tabs = [];
    for (const [n, transport] of TRANSPORTS.entries()) {
      const tab = await stage.visitor(`Visitor ${n}`);
      await enters(tab, `${room}?transport=${transport}`);
      tabs.push(tab);
    }
    const talk = [];
    for (const [n, tab] of tabs.entries()) {
      talk.push(`from ${TRANSPORTS[n]}, на всех`);
      await says(tab, talk.at(-1));
      for (const reader of tabs) await shows(reader, talk);
    }
  },

  async "fallback: without a WebSocket by a stream, without a stream by polls, and nothing is lost"(stage) {
    const room = newRoom(stage.base);
    const ben = await listener(stage, room);
    const proxy = await startProxy(Number(new URL(stage.base).port));
    stage.ends(() => proxy.stop());
    proxy.refuse(SOCKET);
    const ann = await stage.visitor("Ann", proxy.url);
    await enters(ann, room.replace(stage.base, proxy.url));
    await goesBy(ann, "SSE");
    const was = await seat(ann);
    await says(ann, "one");
    await ben.say("two");
    await shows(ann, ["one", "two"]);
    proxy.refuse(SOCKET_OR_STREAM);
    await ben.say("three");
    await goesBy(ann, "long poll");
    await says(ann, "four");
    await ben.say("five");
    await shows(ann, ["one", "two", "three", "four", "five"]);
    await ben.heard(({ text }) => text === "four");
    // A member is not sent what it has said itself.
    assert.deepEqual(ben.texts(), ["one", "four"]);
    assert.equal(await seat(ann), was, "the room has not noticed");
  },

  async "clipboard: the link is copied with its key"(stage) {
    const link = `${newRoom(stage.base)}#${KEY}`;
    const ann = await stage.visitor("Ann");
    await enters(ann, link);
    await isLocked(ann);
    await press(ann, { where: "main", name: /^Copy link$/ });
    await ann.paste(FIELD);
    await sees(ann, (field, link) => document.querySelector(field).value === link, FIELD, link);
  },
};
