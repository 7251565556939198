import assert from "node:assert/strict";
import { expect, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { actionsOf, hears, inRoom, log, message, newRoom, react, say } from "./people.mjs";

const STEPS = ["1", "2", "3"];

/** The least contrast of a text with what is behind it, of everything written in the bubbles of the log. */
function leastContrast(box) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrasts = [...box.querySelectorAll(".bubble")].map((bubble) => {
    const text = light(rgb(getComputedStyle(bubble.querySelector(".text")).color));
    const ground = light(rgb(getComputedStyle(bubble).backgroundColor));
    return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  });
  return Math.min(...contrasts);
}

test.describe("forgetting", () => {
  test("a message dims before it goes, and nothing is announced", async ({ serve, visitors }) => {
    const server = await serve({ PARLOR_HISTORY_AGE: "40s" });
    const room = newRoom(server.url);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room, { reducedMotion: "reduce" });
    await say(ann, "soon gone");
    for (const page of [ann, ben]) {
      await hears(page, "soon gone");
      await actionsOf(page, "soon gone");
      await log(page).evaluate((box) => {
        globalThis.looks = [];
        globalThis.moved = 0;
        new MutationObserver((changes) => {
          for (const { target } of changes) {
            globalThis.looks.push(target.dataset.fading);
            if (target.getAnimations().some((one) => one.effect.getKeyframes()[0].height)) globalThis.moved += 1;
          }
        }).observe(box, { subtree: true, attributeFilter: ["data-fading"] });
      });
    }
    await say(ben, "later");
    await message(ann, "soon gone").waitFor({ state: "detached", timeout: 90_000 });
    await message(ben, "soon gone").waitFor({ state: "detached", timeout: 90_000 });
    const looks = await ann.evaluate(() => globalThis.looks);
    assert.ok(looks.length > 0, "it dimmed");
    assert.deepEqual([...new Set(looks)], [...new Set(looks.toSorted())], "and never became bright again");
    assert.equal(await ben.evaluate(() => globalThis.moved), 0, "without motion where none is wanted");
  });

  test("is readable at its dimmest, in both themes", async ({ visitors, base }) => {
    for (const [colorScheme, options] of [
      ["light", PHONE],
      ["dark", PHONE],
      ["light", {}],
      ["dark", {}],
    ]) {
      const room = newRoom(base);
      const ann = await visitors.guest("Ann", room, { ...options, colorScheme });
      const ben = await visitors.guest("Ben", room);
      await say(ann, "mine, with https://example.org/ in it");
      await say(ben, "for @Ann: **bold**, `code` and\n> a quote");
      await hears(ann, "a quote");
      await react(ben, "a quote", "👍");
      await actionsOf(ann, "a quote");
      const plain = await log(ann).evaluate(leastContrast);
      let before = plain;
      for (const step of STEPS) {
        await log(ann).evaluate((box, step) => {
          for (const row of box.querySelectorAll(".message")) row.dataset.fading = step;
        }, step);
        await expectAccessible(ann, `dimmed ${step} times, ${colorScheme}`);
        const contrast = await log(ann).evaluate(leastContrast);
        assert.ok(contrast >= 4.5, `${contrast} at ${step}, ${colorScheme}`);
        assert.ok(contrast < before, `it dims: ${contrast} after ${before}`);
        before = contrast;
      }
    }
  });

  test("the lamp goes out at the goodbye, and at once where no motion is wanted", async ({ visitors, base }) => {
    for (const reducedMotion of ["no-preference", "reduce"]) {
      const ann = await visitors.guest("Ann", newRoom(base), { reducedMotion });
      const lamp = (page) => page.locator("main svg").first();
      await say(ann, "good night");
      await hears(ann, "good night");
      await expect(ann.locator("header svg").first(), "it is lit in a room").toHaveClass(/lit/);
      await ann.getByRole("button", { name: "Leave", exact: true }).click();
      await ann.getByRole("dialog").locator(".solid").click();
      await ann.getByRole("heading", { name: "You left the room." }).waitFor();
      await expect(lamp(ann)).not.toHaveClass(/lit/);
      const lengths = await lamp(ann).evaluate((svg) =>
        [...svg.children].flatMap((part) => {
          const { animationName, animationDuration } = getComputedStyle(part);
          return animationName === "none" ? [] : [parseFloat(animationDuration)];
        }),
      );
      assert.equal(lengths.length, 2, "its shade and its light");
      for (const seconds of lengths)
        assert.ok(reducedMotion === "reduce" ? seconds < 0.01 : seconds > 1, `${seconds} s, ${reducedMotion}`);
      await ann.getByText("You were the last person here").waitFor();
      await expectAccessible(ann, "goodbye");
      await ann.reload();
      await inRoom(ann);
    }
  });
});
