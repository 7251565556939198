// What a page shows of a room, and keeps.

import assert from "node:assert/strict";
import { newRoom } from "../../browser/people.mjs";
import { listener } from "../listener.mjs";
import { enters, FIELD, inRoom, isThere, says, sees, shows, TEXT, walksInto } from "../page.mjs";

/** What stands around an address does not lead anywhere, and what belongs to it is not lost. */
const LINKS = [
  ["https://example.com/some_name_", "https://example.com/some_name_"],
  ["https://parlor.example/r/team_", "https://parlor.example/r/team_"],
  ["https://parlor.example/r/team~", "https://parlor.example/r/team~"],
  ["https://parlor.example/r/a#b7_-_", "https://parlor.example/r/a#b7_-_"],
  ["(see https://example.com/x_(y)).", "https://example.com/x_(y)"],
  ["https://example.com/it’s", "https://example.com/it%E2%80%99s"],
  ["‘https://example.com/q’", "https://example.com/q"],
  ["https://example.com/a，谢谢", "https://example.com/a"],
  ["（https://example.com/x）", "https://example.com/x"],
  ["https://example.com。", "https://example.com/"],
  ["https://пример.рф/путь!", "https://xn--e1afmkfd.xn--p1ai/%D0%BF%D1%83%D1%82%D1%8C"],
  ["www.example.com/a_.", "https://www.example.com/a_"],
  ["https://bank.example@evil.example/", null],
  ["javascript:alert(1)", null],
];

export default {
  async "links: each leads where it says"(stage) {
    const room = newRoom(stage.base);
    const ann = await stage.visitor("Ann");
    await enters(ann, room);
    const ben = await listener(stage, room);
    await ben.say(LINKS.map(([text]) => text).join("\n"));
    const wanted = LINKS.flatMap(([, href]) => href ?? []);
    await isThere(ann, `${TEXT} a`);
    assert.deepEqual(
      await ann.evaluate((text) => [...document.querySelectorAll(`${text} a`)].map((a) => a.href), TEXT),
      wanted,
    );
    await shows(ann, [LINKS.map(([text]) => text).join("\n")]);
  },

  async "clock: one that is half an hour ahead takes no message away"(stage) {
    const room = newRoom(stage.base);
    const ann = await stage.visitor("Ann");
    const ben = await listener(stage, room);
    await ben.say("before");
    await ann.goto(stage.base);
    await ann.evaluate((ahead) => {
      const Real = Date;
      globalThis.Date = class extends Real {
        constructor(...of) {
          super(...(of.length > 0 ? of : [Real.now() + ahead]));
        }
        static now = () => Real.now() + ahead;
      };
    }, 31 * 60_000);
    await walksInto(ann, room);
    await shows(ann, ["before"]);
    await says(ann, "mine");
    await ben.say("after");
    await shows(ann, ["before", "mine", "after"]);
    assert.ok(await ann.evaluate((now) => Date.now() > now, Date.now() + 25 * 60_000), "the page has that clock");
  },

  async "title: what is said while the page is out of sight is counted there, again and again"(stage) {
    const room = newRoom(stage.base);
    const ann = await stage.visitor("Ann");
    await enters(ann, room);
    const ben = await listener(stage, room);
    const title = (start) => sees(ann, (start) => document.title.startsWith(start), start);
    const plain = await ann.evaluate(() => document.title);
    for (let time = 0; time < 5; time += 1) {
      await ann.hide();
      await sees(ann, () => document.hidden);
      await ben.say(`one ${time}`);
      await title("(1) ");
      await ben.say(`two ${time}`);
      await title("(2) ");
      await ann.show();
      await sees(ann, () => !document.hidden);
      await sees(ann, (plain) => document.title === plain, plain);
    }
  },

  async "draft: what is typed survives a reload, and is asked about before"({ visitor, base }) {
    const ann = await visitor("Ann");
    await enters(ann, newRoom(base));
    const asks = () => ann.evaluate(() => !dispatchEvent(new Event("beforeunload", { cancelable: true })));
    assert.equal(await asks(), false);
    await ann.type(FIELD, "half a sen");
    assert.equal(await asks(), true);
    await ann.reload();
    await inRoom(ann);
    assert.equal(await ann.evaluate((field) => document.querySelector(field).value, FIELD), "half a sen");
    await says(ann, "tence");
    await shows(ann, ["half a sentence"]);
    assert.equal(await asks(), false);
  },
};
