// Who has left, and who has only loaded another document.

import assert from "node:assert/strict";
import { members, newRoom } from "../../browser/people.mjs";
import { listener } from "../listener.mjs";
import { enters, inRoom, isThere, LINK, says, seat, shows, TRANSPORTS, walksInto } from "../page.mjs";

/** Ann comes into a room of Ben's by one transport. */
async function meets(stage, base, transport) {
  const room = newRoom(base);
  const ben = await listener(stage, room);
  const ann = await stage.visitor("Ann", base);
  await enters(ann, `${room}?transport=${transport}`);
  await ben.heard(({ type, user }) => type === "joined" && user === "Ann");
  return { room, ben, ann };
}

export default {
  async "leaving: Back inside the page is heard at once"(stage) {
    const room = newRoom(stage.base);
    const ben = await listener(stage, room);
    const ann = await stage.visitor("Ann");
    await ann.goto(stage.base);
    await walksInto(ann, room);
    await ben.heard(({ type, user }) => type === "joined" && user === "Ann");
    await ann.evaluate(() => history.back());
    // The grace is longer than anything here waits.
    assert.equal((await ben.heard(({ type }) => type === "left")).reason, "left");
    await isThere(ann, LINK);
  },

  async "leaving: a reload is none, and the log is whole after it"(stage) {
    for (const transport of TRANSPORTS) {
      const { ben, ann } = await meets(stage, stage.base, transport);
      await says(ann, "one");
      const was = await seat(ann);
      assert.ok(was);
      await ann.reload();
      await inRoom(ann);
      await says(ann, "two");
      await shows(ann, ["one", "two"]);
      assert.equal(await seat(ann), was, transport);
      await ben.heard(({ text }) => text === "two");
      assert.deepEqual(
        ben.frames.filter(({ type }) => type === "left"),
        [],
        transport,
      );
      await ann.goto(`${stage.base}/robots.txt`);
    }
  },

  async "leaving: a member who goes on to another page in the same tab is gone after the grace"(stage) {
    for (const transport of TRANSPORTS) {
      const { room, ben, ann } = await meets(stage, stage.hasty, transport);
      await ann.goto(`${stage.hasty}/robots.txt`);
      await ben.heard(({ type }) => type === "left");
      assert.equal(await members(stage.hasty, room), 1, transport);
    }
  },

  async "leaving: a closed tab is heard long before the grace is over"(stage) {
    for (const transport of TRANSPORTS) {
      const { ben, ann } = await meets(stage, stage.patient, transport);
      await ann.shut();
      await ben.heard(({ type }) => type === "left");
    }
  },

  async "leaving: a member who comes back in time has missed nothing, and the room has not noticed"(stage) {
    for (const transport of TRANSPORTS) {
      const { ben, ann } = await meets(stage, stage.base, transport);
      await says(ann, "one");
      const was = await seat(ann);
      await ann.goto(`${stage.base}/robots.txt`);
      await ben.say("two");
      await ann.evaluate(() => history.back());
      await inRoom(ann);
      await shows(ann, ["one", "two"]);
      await says(ann, "three");
      await ben.heard(({ text }) => text === "three");
      assert.equal(await seat(ann), was, transport);
      assert.deepEqual(
        ben.frames.filter(({ type, user }) => type === "left" || (type === "joined" && user !== "Ann")),
        [],
        transport,
      );
      assert.equal(ben.frames.filter(({ type }) => type === "joined").length, 1, transport);
    }
  },
};
