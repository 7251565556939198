import assert from "node:assert/strict";
import { guest, joins, stage, until } from "./call.mjs";
import { callTest as test } from "./fixtures.mjs";
import { newRoom, remember } from "./people.mjs";

test.use({
  flags: ["--autoplay-policy=document-user-activation-required"],
  // A snapshot of the page would count as a click there.
  trace: { mode: "retain-on-failure", screenshots: false, snapshots: false, sources: true },
});

test("where the browser wants a click before it plays sound, one button does it", async ({ visitors, base }) => {
  const room = newRoom(base);
  await joins(await guest(visitors, "Ben", room));
  const context = await visitors.context();
  await remember(context, "Ann");
  const ann = await context.newPage();
  await ann.goto(room);
  // Whatever else is asked of a page counts as a click there; this does not.
  const session = await context.newCDPSession(ann);
  const ask = async (expression) =>
    (await session.send("Runtime.evaluate", { expression, userGesture: false, returnByValue: true })).result.value;
  const click = (selector, text) =>
    ask(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].find((e) => ${text}.test(e.textContent + e.ariaLabel))?.click() === undefined`,
    );
  await until("the room is open", () => ask("document.querySelector('[role=log]') !== null"));
  await click("header button", "/call/i");
  await until("the devices are on", () =>
    ask("document.querySelector('dialog video') !== null && document.querySelectorAll('dialog select')[1]?.length > 1"),
  );
  // A page that uses the microphone may play sound in some browsers.
  for (const device of ["/^Camera$|nullCamera|^\\s*Camera/", "/Microphone/"])
    await click("dialog .choice button", device);
  await click("dialog button.solid", "/Join/");
  await until("Ann is in the call", () => ask("document.querySelector('[data-stage=on]') !== null"));
  await until("sound waits for a click", () =>
    ask("[...document.querySelectorAll('button')].some((e) => e.textContent === 'Tap for sound')"),
  );
  const silent = () => ask("[...document.querySelectorAll('audio')].every((audio) => audio.paused)");
  assert.ok(await silent(), "nothing plays before the click");
  await stage(ann).getByRole("button", { name: "Tap for sound" }).click();
  await stage(ann).getByRole("button", { name: "Tap for sound" }).waitFor({ state: "detached" });
  await until("Ben's voice plays", async () => !(await silent()));
});
