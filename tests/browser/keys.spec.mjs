import assert from "node:assert/strict";
import { callTest, expect, test } from "./fixtures.mjs";
import { expectAccessible } from "./axe.mjs";
import { arrived, guest, joins, MEDIA, seesAndHears, stage, tile, until } from "./call.mjs";
import { hears, inRoom, newRoom, say } from "./people.mjs";

const keyed = (room, letter) => `${room}#${letter.repeat(43)}`;
const [RIGHT, WRONG] = ["A", "Q"];

/** What a page shows of another member's text, video and sound. */
async function perceives(page, name) {
  const pictures = await tile(page, name)
    .locator("video")
    .evaluateAll((all) => all.filter((video) => video.videoWidth > 0).length);
  const { frames, loud } = await arrived(page);
  return { pictures, frames, loud };
}

test.describe("keys", () => {
  test("a room made here is encrypted: members with the link read it, and the server has only ciphertext", async ({
    visitors,
    base,
  }) => {
    const maker = await guest(visitors, "Ann", base);
    await maker.getByRole("button", { name: "Create a room" }).click();
    await inRoom(maker);
    const link = maker.url();
    assert.match(link, /\/r\/[a-z-]+#[\w-]{43}$/);
    await say(maker, "the treasure lies under the lamp");
    await hears(maker, "the treasure");
    await maker.getByRole("button", { name: "Encrypted", exact: true }).click();
    await expectAccessible(maker, "the lock explained");
    await maker.keyboard.press("Escape");

    const ben = await guest(visitors, "Ben", link);
    await hears(ben, "the treasure lies under the lamp");
    await say(ben, "под лампой 🪔");
    await hears(maker, "под лампой 🪔");
    await maker.reload();
    await hears(maker, "the treasure lies under the lamp");
    await hears(maker, "под лампой 🪔");

    const [plain] = link.split("#");
    const kept = await ben.evaluate(
      (room) =>
        new Promise((then) => {
          const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws?name=Spy&room=${room}`);
          socket.onmessage = ({ data }) =>
            JSON.parse(data).history && then(JSON.parse(data).history.map((chat) => chat.text));
        }),
      plain.split("/r/")[1],
    );
    assert.equal(kept.length, 2);
    for (const text of kept) assert.match(text, /^sealed2\.[\w-]+$/, "the server has nothing else");
  });

  callTest(
    "with the wrong key there is no text, no picture and no sound, and all members are told why",
    async ({ visitors, base }) => {
      const room = newRoom(base);
      const [ann, ben] = [
        await guest(visitors, "Ann", keyed(room, RIGHT)),
        await guest(visitors, "Ben", keyed(room, RIGHT)),
      ];
      await say(ann, "the treasure lies under the lamp");
      await hears(ben, "the treasure");
      const eve = await guest(visitors, "Eve", keyed(room, WRONG));
      await eve.getByText("another key than yours").waitFor();
      await say(eve, "let me in");
      await ann.getByText("Can’t decrypt this message").waitFor();
      for (const page of [ann, ben]) assert.doesNotMatch(await page.locator("body").innerText(), /let me in/);
      assert.doesNotMatch(await eve.locator("body").innerText(), /treasure/);

      for (const page of [ann, ben, eve]) await joins(page);
      await stage(eve)
        .getByText("You do not have the same key as Ann and Ben, so you cannot see or hear each other")
        .waitFor({ timeout: MEDIA });
      for (const page of [ann, ben]) {
        await stage(page).getByText("You do not have the same key as Eve").waitFor({ timeout: MEDIA });
        await tile(page, "Eve").getByTitle("another key").waitFor();
        await tile(page, "Eve").locator("video").waitFor({ state: "detached" });
      }
      await expectAccessible(ann, "a wrong key in the call");
      for (const name of ["Ann", "Ben"])
        assert.deepEqual(await perceives(eve, name), { pictures: 0, frames: 0, loud: 0 });
      assert.match(await stage(eve).innerText(), /Eve \(you\)/);
      // Members with the key are not disturbed.
      await seesAndHears(ann, "Ben");
      await seesAndHears(ben, "Ann");
      assert.equal(await tile(ann, "Ben").locator(".lock").count(), 0);

      // With the right key she is decrypted, and the warning is gone.
      await eve.goto(keyed(room, RIGHT));
      await hears(eve, "the treasure lies under the lamp");
      await expect(stage(ann).getByText("the same key"), "the warning is gone").toHaveCount(0, { timeout: MEDIA });
      await joins(eve);
      await seesAndHears(ann, "Eve");
      await seesAndHears(eve, "Ann");
      for (const page of [ann, ben, eve]) assert.equal(await stage(page).locator(".lock").count(), 0);
    },
  );

  callTest(
    "a browser that cannot encrypt video says so, sends none, and goes on with the chat",
    async ({ visitors, livekit, base }) => {
      const room = keyed(newRoom(base), RIGHT);
      const old = await guest(visitors, "Old", room);
      await old.evaluate(() => {
        delete globalThis.RTCRtpScriptTransform;
        delete RTCRtpSender.prototype.createEncodedStreams;
      });
      await old.getByRole("banner").getByRole("button", { name: /^Call/ }).click();
      const told = old.getByRole("dialog", { name: "This browser can’t join calls" });
      await told.getByText("this browser can’t encrypt video and sound").waitFor();
      await told.getByRole("button", { name: "Close" }).click();
      assert.deepEqual(await livekit.rooms(), []);
      await say(old, "I can still write");
      await hears(old, "I can still write");
    },
  );

  callTest("a member without the key in a room with one is told, and so are the others", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await guest(visitors, "Ann", keyed(room, RIGHT));
    await say(ann, "the treasure lies under the lamp");
    const bare = await guest(visitors, "Bare", room);
    await bare.getByText("your link has no key").waitFor();
    await bare.getByRole("button", { name: "Not encrypted", exact: true }).waitFor();
    assert.doesNotMatch(await bare.locator("body").innerText(), /treasure/);
    await say(bare, "hello from outside");
    await bare.getByRole("button", { name: "Send unencrypted" }).click();
    await ann.getByText("Not encrypted:").waitFor();

    await joins(ann);
    await joins(bare);
    await stage(bare).getByText("You came without the key, so you cannot see or hear Ann").waitFor({ timeout: MEDIA });
    await tile(bare, "Ann").getByTitle("encrypted", { exact: true }).waitFor();
    assert.equal(await tile(bare, "Ann").locator("video").count(), 0);
    assert.equal(await bare.locator("audio").count(), 0, "no noise either");
    await stage(ann)
      .getByText("Bare came without the key: what comes from there is not encrypted")
      .waitFor({ timeout: MEDIA });
    await tile(ann, "Bare").getByTitle("not encrypted").waitFor();
    await until("Bare sends", async () => (await arrived(ann)).packets > 100);
    assert.deepEqual(
      await perceives(ann, "Bare"),
      { pictures: 0, frames: 0, loud: 0 },
      "nothing that is not encrypted",
    );
    await expectAccessible(bare, "without the key in the call");
  });
});
