// Two people talk, a window for each: they write, answer, react, mend and delete.

import { beside, decode } from "./apng.mjs";
import { act, actionsOf, box, bubble, comesByLanding, hears, message, REACT, say } from "./people.mjs";

const WINDOW = { width: 440, height: 430 };
/** Of the ground that both windows stand on. */
const GROUND = [201, 184, 160];
const GAP = 14;

/** Frames, each with how long it stands: the same film on every machine, however slow it is. */
export async function film(visitors, room) {
  const window = async (name, colorScheme) =>
    comesByLanding(await visitors.page({ viewport: WINDOW, colorScheme }), name, room);
  const iris = await window("Iris", "light");
  const tomas = await window("Tomas", "dark");
  const both = [iris, tomas];
  const frames = [];

  async function show(stands) {
    const pngs = await Promise.all(both.map((page) => page.screenshot({ animations: "disabled", caret: "hide" })));
    frames.push({ picture: beside(pngs.map(decode), GROUND, GAP), stands });
  }

  async function write(page, text) {
    for (const part of text.match(/.{1,2}/gs)) {
      await box(page).pressSequentially(part);
      await show(80);
    }
    await show(400);
    await box(page).press("Enter");
  }

  async function reads(text, stands) {
    await Promise.all(both.map((page) => hears(page, text)));
    await show(stands);
  }

  /** The pointer comes to the message, and the button is pressed. */
  async function acts(page, text, name) {
    await page.mouse.move(0, 0);
    await bubble(page, text).first().hover();
    await message(page, text).getByRole("toolbar").waitFor();
    await show(600);
    await act(page, text, name);
    await page.mouse.move(0, 0);
  }

  // Where pictures do not move, the first frame is all that is seen.
  for (const [page, text] of [
    [tomas, "Evening, Iris!"],
    [iris, "Hello, Tomas"],
  ]) {
    await say(page, text);
    for (const reader of both) await hears(reader, text);
  }
  await show(900);

  await write(iris, "Where do we meet tonight?");
  await reads("Where do we meet tonight?", 700);

  await acts(tomas, "Where do we meet", "Reply");
  await tomas.getByText("Replying to Iris").waitFor();
  await show(500);
  await write(tomas, "At the lighthose, eight");
  await reads("At the lighthose, eight", 900);

  await acts(tomas, "At the lighthose", "Edit");
  await tomas.getByText("Editing your message").waitFor();
  await show(500);
  for (let i = 0; i < "se, eight".length; i += 3) {
    for (let n = 0; n < 3; n += 1) await box(tomas).press("Backspace");
    await show(90);
  }
  await write(tomas, "use, eight");
  await reads("At the lighthouse, eight", 900);

  const actions = await actionsOf(iris, "At the lighthouse");
  await show(600);
  await actions.getByRole("button", { name: REACT }).click();
  const offer = actions.getByRole("group", { name: REACT }).getByRole("button", { name: "👍" });
  await offer.hover();
  await show(800);
  await offer.click();
  await iris.mouse.move(0, 0);
  for (const page of both) await page.getByRole("button", { name: "👍: 1" }).waitFor();
  await show(1_200);

  await write(iris, "Milk, bread, batteries");
  await reads("Milk, bread, batteries", 600);
  await acts(iris, "Milk, bread", "Delete");
  await show(700);
  await message(iris, "Milk, bread").getByRole("button", { name: "Delete for everyone?" }).click();
  await iris.mouse.move(0, 0);
  await iris.getByText("This message was deleted.").waitFor();
  await tomas.getByText("This message was deleted").waitFor();
  await show(3_000);

  await visitors.closeContexts();
  return frames;
}
