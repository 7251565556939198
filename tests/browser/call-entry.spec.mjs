import assert from "node:assert/strict";
import { control, dialog, guest, inCall, joins, MEDIA, sending, stage, tile, until, videoButton } from "./call.mjs";
import { callTest as test, expect } from "./fixtures.mjs";
import { box, inRoom, log, newRoom } from "./people.mjs";

const header = (page) => page.getByRole("banner").locator(".actions .button").first();

/** Switches the ring on; the page counts its sounds from then on. */
async function ringsFor(page) {
  await page.getByRole("banner").getByRole("button", { name: "More" }).click();
  const ring = page.getByRole("dialog").getByRole("switch", { name: "Ring" });
  await ring.click();
  await expect(ring).toBeChecked();
  await page.keyboard.press("Escape");
  await page.evaluate(() => {
    globalThis.sounds = 0;
    globalThis.AudioContext = class extends AudioContext {
      constructor() {
        super();
        globalThis.sounds += 1;
      }
    };
  });
}

test("a call is seen in the log and in the header, and is joined from there", async ({ visitors, base }) => {
  const room = newRoom(base);
  const [ann, ben, cy] = [
    await guest(visitors, "Ann", room),
    await guest(visitors, "Ben", room),
    await guest(visitors, "Cy", room, { viewport: { width: 360, height: 740 } }),
  ];
  assert.equal(await header(ben).innerText(), "Call");
  await ringsFor(ben);
  await videoButton(ann);
  await dialog(ann).locator("video").waitFor({ timeout: MEDIA });
  await ann.keyboard.press("Enter");
  await inCall(ann);
  await expect(stage(ann), "Enter joined, and leads to the call").toBeFocused();

  const line = (page) => log(page).locator("[data-what=call]");
  await expect(line(ann)).toHaveText("You started a call");
  await expect(line(ben)).toHaveText(/^Ann started a call/, { timeout: MEDIA });
  await until("it rings where that was chosen", () => ben.evaluate(() => globalThis.sounds > 0));
  await expect(header(ben)).toHaveText(/^\s*Join call\s*1\s*$/);
  await expect(header(ben)).toHaveAccessibleName("Join call, 1 in the call");

  await line(ben).getByRole("button", { name: "Join", exact: true }).click();
  await dialog(ben).locator("video").waitFor({ timeout: MEDIA });
  await dialog(ben).getByRole("button", { name: "Join", exact: true }).click();
  await inCall(ben);
  await expect(line(ben).getByRole("button"), "who is in it is not asked").toHaveCount(0);
  await expect(header(cy)).toHaveAccessibleName("Join call, 2 in the call", { timeout: MEDIA });
  await expect(header(ben)).toHaveAccessibleName("Call, 2 in the call");
  await box(ben).focus();
  await header(ben).click();
  await expect(stage(ben), "the button leads to the call").toBeFocused();

  await line(cy).getByRole("button", { name: "Audio only" }).click();
  const camera = dialog(cy).getByRole("button", { name: "Camera", exact: true });
  await expect(camera).toHaveAttribute("aria-pressed", "false");
  await cy.keyboard.press("Enter");
  await inCall(cy);
  await tile(ann, "Cy").waitFor({ timeout: MEDIA });
  await expect(control(cy, "Turn camera on")).toBeVisible();
  assert.equal((await sending(cy)).length, 1, "sound alone is sent");

  for (const page of [cy, ben, ann]) {
    await control(page, "Leave the call").click();
    await expect(header(page), "the button that led there has the focus").toBeFocused();
  }
  await expect(log(ben).locator("[data-what=callEnd]")).toHaveText(/The call ended after \d+ (second|minute)/, {
    timeout: MEDIA,
  });
  await expect(line(ben).getByRole("button")).toHaveCount(0);
  await expect(header(ben)).toHaveAccessibleName("Call");
});

test("a reload in the call leads back at once, with the same devices", async ({ visitors, base }) => {
  const room = newRoom(base);
  const [ann, ben] = [await guest(visitors, "Ann", room), await guest(visitors, "Ben", room)];
  await joins(ann, { camera: false });
  await control(ann, "Turn camera on").click();
  await control(ann, "Mute").click();
  await joins(ben);
  const before = await sending(ann);
  await ann.reload();
  await inRoom(ann);
  await ann.getByRole("button", { name: "Rejoin the call" }).click();
  await inCall(ann);
  await expect(dialog(ann)).toHaveCount(0);
  await expect(stage(ann)).toBeFocused();
  await expect(control(ann, "Unmute")).toBeVisible();
  await expect(control(ann, "Turn camera off")).toBeVisible();
  await until("the same camera is sent", async () => {
    const [camera, ...others] = await sending(ann);
    return before.includes(camera) && others.length === 0;
  });
  assert.equal(await log(ben).locator("[data-what^=call]").count(), 1, "the call went on");

  await ann.reload();
  await inRoom(ann);
  await ann.getByRole("button", { name: "Not now" }).click();
  await ann.reload();
  await inRoom(ann);
  await header(ann).waitFor();
  // The offer would stand in the bar of which this is drawn last.
  await ann.getByRole("textbox", { name: "Message" }).waitFor();
  await expect(ann.getByRole("button", { name: "Rejoin the call" }), "it is asked once").toHaveCount(0);
});
