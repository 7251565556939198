// What must hold in every engine. Each case is written once, against the few things that every driver can do.

import assert from "node:assert/strict";
import { members, newRoom } from "../browser/people.mjs";
import { listener } from "./listener.mjs";

const KEY = `_-${"b".repeat(38)}-_0`;
const SEEN_WITHIN = 60_000;
const FIELD = "textarea#say";
const TRANSPORTS = ["ws", "sse", "long-poll"];

/** Looks until the page gives something for it; a page that is just going to another document is looked at again. */
async function sees(tab, look, ...args) {
  const until = Date.now() + SEEN_WITHIN;
  let last;
  for (;;) {
    last = await tab.evaluate(look, ...args).catch((cause) => ({ cause }));
    if (last && !last.cause) return last;
    if (Date.now() > until)
      throw new Error(
        `not seen: ${look} with ${JSON.stringify(args)}\n${last?.cause ?? (await tab.evaluate(() => `${location.href}\n${document.body.innerText}`))}`,
      );
    await new Promise((then) => setTimeout(then, 50));
  }
}

const inRoom = (tab) =>
  sees(tab, () => document.querySelector("[role=log]") !== null && document.querySelector("textarea#say") !== null);
const shows = (tab, texts) =>
  sees(
    tab,
    (texts) =>
      JSON.stringify([...document.querySelectorAll("[role=log] .text")].map((e) => e.innerText.trim())) === texts,
    JSON.stringify(texts),
  );
const heading = (tab, text) => sees(tab, (text) => document.querySelector("h1")?.innerText === text, text);
const isLocked = (tab) => sees(tab, () => document.querySelector("header [title='End-to-end encrypted']") !== null);
const seat = (tab) =>
  tab.evaluate(
    () =>
      JSON.parse(Object.entries(sessionStorage).find(([key]) => key.startsWith("parlor.seat."))?.[1] ?? "null")
        ?.clientId,
  );

async function enters(tab, room) {
  await tab.goto(room);
  await inRoom(tab);
}

async function says(tab, text) {
  await tab.type(FIELD, `${text}\n`);
  await sees(
    tab,
    (text) =>
      [...document.querySelectorAll(".message.mine")].some(
        (e) => e.innerText.includes(text) && e.querySelector("[data-state=sent]") !== null,
      ),
    text,
  );
}

/** From the front page into the room, without a new document. */
async function walksInto(tab, room) {
  await sees(tab, () => document.querySelector("input[name=link]") !== null);
  await tab.type("input[name=link]", `${room}\n`);
  await inRoom(tab);
}

/** Ann comes into a room of Ben's by one transport. */
async function meets(stage, base, transport) {
  const room = newRoom(base);
  const ben = await listener(stage, room);
  const ann = await stage.visitor("Ann", base);
  await enters(ann, `${room}?transport=${transport}`);
  await ben.heard(({ type, user }) => type === "joined" && user === "Ann");
  return { room, ben, ann };
}

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
    await ann.type("input[name=link]", `Come in (${room}#${KEY}), 7 pm.\n`);
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
    for (const text of ben.texts()) assert.match(text, /^sealed2\.[\w-]+$/);
    for (const tab of [ann, cat])
      assert.equal(
        await tab.evaluate(() => document.querySelectorAll("[role=log] [role=alert], [role=log] .doubt").length),
        0,
      );
  },

  async "links: each leads where it says"(stage) {
    const room = newRoom(stage.base);
    const ann = await stage.visitor("Ann");
    await enters(ann, room);
    const ben = await listener(stage, room);
    await ben.say(LINKS.map(([text]) => text).join("\n"));
    const wanted = LINKS.flatMap(([, href]) => href ?? []);
    await sees(ann, () => document.querySelector("[role=log] .text a") !== null);
    assert.deepEqual(
      await ann.evaluate(() => [...document.querySelectorAll("[role=log] .text a")].map((a) => a.href)),
      wanted,
    );
    assert.equal(
      await ann.evaluate(() => document.querySelector("[role=log] .text").innerText.trim()),
      LINKS.map(([text]) => text).join("\n"),
    );
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

  async "goodbye: Back inside the page is heard at once"(stage) {
    const room = newRoom(stage.base);
    const ben = await listener(stage, room);
    const ann = await stage.visitor("Ann");
    await ann.goto(stage.base);
    await walksInto(ann, room);
    await ben.heard(({ type, user }) => type === "joined" && user === "Ann");
    await ann.evaluate(() => history.back());
    // The grace is longer than anything here waits.
    assert.equal((await ben.heard(({ type }) => type === "left")).reason, "left");
    await sees(ann, () => document.querySelector("input[name=link]") !== null);
  },

  async "goodbye: a reload is none"(stage) {
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

  async "goodbye: whoever goes on to another page in the same tab is gone after the grace"(stage) {
    for (const transport of TRANSPORTS) {
      const { room, ben, ann } = await meets(stage, stage.hasty, transport);
      await ann.goto(`${stage.hasty}/robots.txt`);
      await ben.heard(({ type }) => type === "left");
      assert.equal(await members(stage.hasty, room), 1, transport);
    }
  },

  async "goodbye: a closed tab is heard long before the grace is over"(stage) {
    for (const transport of TRANSPORTS) {
      const { ben, ann } = await meets(stage, stage.patient, transport);
      await ann.shut();
      await ben.heard(({ type }) => type === "left");
    }
  },

  async "goodbye: whoever comes back in time is where they were, unseen, with what was said meanwhile"(stage) {
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
