// A room with a key in its link.

import assert from "node:assert/strict";
import { members, newRoom } from "../../browser/people.mjs";
import { listener } from "../listener.mjs";
import { DOUBT, enters, FIELD, heading, inRoom, isLocked, LINK, says, shows } from "../page.mjs";

export const KEY = `_-${"b".repeat(38)}-_0`;

export default {
  async "key: a damaged one is said to be damaged, and nobody joins"({ visitor, base }) {
    const room = newRoom(base);
    const ann = await visitor("Ann");
    for (const fragment of [
      "#",
      `#${KEY.slice(0, -1)}`,
      `#${KEY}x`,
      `#${KEY.slice(0, 20)}%20${KEY.slice(20)}`,
      `%23${KEY.slice(0, -3)}`,
    ]) {
      await ann.goto(`${base}/robots.txt`);
      await ann.goto(room + fragment);
      await heading(ann, "This link is damaged");
      assert.equal(await ann.evaluate((field) => document.querySelectorAll(field).length, FIELD), 0, fragment);
    }
    assert.equal(await members(base, room), 0);
    // A heading that is read aloud for being new looks like no button.
    assert.deepEqual(
      await ann.evaluate(() => [document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]),
      ["H1", "none"],
    );
    await ann.type(LINK, `Come in (${room}#${KEY}), 7 pm.\n`);
    await inRoom(ann);
    await isLocked(ann);
  },

  async "key: what prose puts behind it is trimmed, and two windows read each other while the server cannot"(stage) {
    const room = newRoom(stage.base);
    const [ann, cat] = [await stage.visitor("Ann"), await stage.visitor("Cat")];
    await enters(ann, `${room}#${KEY}).`);
    await enters(cat, `${room}%23${KEY},`);
    for (const tab of [ann, cat]) {
      assert.equal(await tab.evaluate(() => location.href), `${room}#${KEY}`);
      await isLocked(tab);
    }
    const ben = await listener(stage, room);
    await says(ann, "the treasure lies under the lamp");
    await shows(cat, ["the treasure lies under the lamp"]);
    await says(cat, "под лампой, ночью");
    await shows(ann, ["the treasure lies under the lamp", "под лампой, ночью"]);
    await ben.heard(() => ben.texts().length === 2);
    await ann.reload();
    await isLocked(ann);
    await shows(ann, ["the treasure lies under the lamp", "под лампой, ночью"]);
    for (const text of ben.texts()) assert.match(text, /^sealed2\.[\w-]+$/);
    for (const tab of [ann, cat])
      assert.equal(await tab.evaluate((doubt) => document.querySelectorAll(doubt).length, DOUBT), 0);
  },
};
