// What a page shows when the server lies: it renames, repeats, reorders,
// withholds, swaps authors, and sends plain text in a member's name.

import assert from "node:assert/strict";
import { test } from "./fixtures.mjs";
import { expectAccessible } from "./axe.mjs";
import { bubble, hears, inRoom, log, newRoom, remember, say, sees, stateOf } from "./people.mjs";

const KEY = "A".repeat(43);

/** Ann, whose frames are true, and Ben, whose page gets what `lie` makes of each frame: one, none or many. */
async function lied(visitors, base, lie) {
  const room = `${newRoom(base)}#${KEY}`;
  const ann = await visitors.guest("Ann", room);
  const ben = await visitors.page();
  await remember(ben, "Ben");
  await ben.routeWebSocket(/\/ws\?/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((data) => {
      for (const frame of [lie(JSON.parse(data))].flat()) if (frame) socket.send(JSON.stringify(frame));
    });
  });
  await ben.goto(room);
  await inRoom(ben);
  return { ann, ben, room };
}

async function says(page, ...texts) {
  for (const text of texts) {
    await say(page, text);
    await stateOf(page, text, "sent");
  }
}

/** Each line with what is marked at it; the marks of all others are asked for, too. */
async function marked(page, expected) {
  await sees(
    page,
    expected.map(([text]) => text),
  );
  const marks = await log(page)
    .locator(".bubble")
    .evaluateAll((all) =>
      all.map(
        (bubble) =>
          bubble.querySelector("[data-doubt]")?.dataset.doubt ?? (bubble.querySelector(".seal") ? "shut" : ""),
      ),
    );
  assert.deepEqual(
    marks,
    expected.map(([, mark]) => mark),
  );
}

const isChat = (frame, from) => frame.type === "chat" && (from === undefined || frame.from === from);

test.describe("tamper", () => {
  test("an honest server leaves nothing to mark", async ({ visitors, base }) => {
    const { ann, ben } = await lied(visitors, base, (frame) => frame);
    await says(ann, "one", "two");
    await hears(ben, "two");
    await says(ben, "three");
    await ann.reload();
    await inRoom(ann);
    await says(ann, "four");
    const all = [
      ["one", ""],
      ["two", ""],
      ["three", ""],
      ["four", ""],
    ];
    await marked(ben, all);
    await marked(ann, all);
    await ben.reload();
    await inRoom(ben);
    await marked(ben, all);
  });

  test("another name and the mark of a verified one are said at the line", async ({ visitors, base }) => {
    const { ann, ben } = await lied(visitors, base, (frame) =>
      isChat(frame) ? { ...frame, user: "Mallory", verified: true } : frame,
    );
    await says(ann, "it is me");
    await bubble(ben, "it is me").getByText("The name was changed on the way. Written by Ann.").waitFor();
    assert.equal(await log(ben).getByText("verified", { exact: true }).count(), 0, "the mark is not shown");
    await expectAccessible(ben, "a line under another name");
  });

  test("a line that is told again is marked", async ({ visitors, base }) => {
    let first;
    const { ann, ben } = await lied(visitors, base, (frame) => {
      if (!isChat(frame)) return frame;
      first ??= frame;
      return frame.seq === 2 ? [frame, { ...first, seq: 3 }] : frame;
    });
    await says(ann, "pay 5", "done");
    await marked(ben, [
      ["pay 5", ""],
      ["done", ""],
      ["pay 5", "twice"],
    ]);
  });

  test("lines that change places are marked, and so is a history turned around", async ({ visitors, base }) => {
    let held;
    const { ann, ben } = await lied(visitors, base, (frame) => {
      if (frame.type === "welcome")
        return { ...frame, history: frame.history.toReversed().map((chat, at) => ({ ...chat, seq: at + 1 })) };
      if (!isChat(frame)) return frame;
      if (frame.seq === 2) return void (held = frame);
      return frame.seq === 3
        ? [
            { ...frame, seq: 2 },
            { ...held, seq: 3 },
          ]
        : frame;
    });
    await says(ann, "one", "two", "three");
    await marked(ben, [
      ["one", ""],
      ["three", "hole"],
      ["two", "order"],
    ]);
    await ben.evaluate(() => sessionStorage.clear());
    await ben.reload();
    await inRoom(ben);
    await marked(ben, [
      ["three", ""],
      ["two", "order"],
      ["one", "order"],
    ]);
  });

  test("a line that is withheld leaves a mark at the next one", async ({ visitors, base }) => {
    const { ann, ben } = await lied(visitors, base, (frame) => (isChat(frame) && frame.seq === 2 ? null : frame));
    await says(ann, "one", "two", "three", "four");
    await marked(ben, [
      ["one", ""],
      ["three", "hole"],
      ["four", ""],
    ]);
    await bubble(ben, "three").getByText("An earlier message by Ann is missing.").waitFor();
  });

  test("plain text in a member's name is marked, and the header claims no encryption", async ({ visitors, base }) => {
    const { ann, ben } = await lied(visitors, base, (frame) =>
      isChat(frame) && frame.seq === 2 ? { ...frame, text: "send money" } : frame,
    );
    await says(ann, "one");
    await hears(ben, "one");
    await ben.getByRole("button", { name: "Encrypted", exact: true }).waitFor();
    await says(ann, "two");
    await marked(ben, [
      ["one", ""],
      ["send money", "unencrypted"],
    ]);
    await bubble(ben, "send money").getByText("Ann writes encrypted. This may be from somebody else.").waitFor();
    await bubble(ben, "send money").getByText("Not encrypted:").waitFor();
    await ben.getByRole("button", { name: "Partly encrypted", exact: true }).waitFor();
    assert.equal(await ben.getByRole("button", { name: "Encrypted", exact: true }).count(), 0);
  });

  test("a line under another member's id cannot be decrypted", async ({ visitors, base }) => {
    let own;
    const { ann, ben } = await lied(visitors, base, (frame) => {
      if (frame.type === "welcome") own = frame.members.find((member) => member.user === "Ben").clientId;
      return isChat(frame) ? { ...frame, from: `${own.slice(0, -1)}x`, user: "Mallory" } : frame;
    });
    await says(ann, "one");
    await log(ben).getByText("Can’t decrypt this message.").waitFor();
    assert.doesNotMatch(await log(ben).innerText(), /one/);
  });
});
