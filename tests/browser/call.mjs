// People in a call, and what arrives of them.

import { expect } from "@playwright/test";
import { inRoom, remember } from "./people.mjs";

/** Milliseconds for media to find its way on a machine that has much else to do. */
export const MEDIA = 60_000;

/** A landmark of its own; the main one where it has the whole window. */
export const stage = (page) => page.locator(".stage");
export const tile = (page, name) => stage(page).locator(".tile").filter({ hasText: name });
export const control = (page, name) => stage(page).getByRole("button", { name, exact: true });
export const dialog = (page) => page.getByRole("dialog", { name: "Join the call" });
export const listed = (page) =>
  page.getByRole("list", { name: "Participants" }).getByRole("listitem").filter({ hasText: "in the call" });

/** A member whose WebRTC connections the test can inspect. */
export async function guest(visitors, name, room, options) {
  const context = await visitors.context(options);
  await remember(context, name);
  await context.addInitScript(() => {
    globalThis.connections = [];
    const Connection = globalThis.RTCPeerConnection;
    globalThis.RTCPeerConnection = class extends Connection {
      constructor(...given) {
        super(...given);
        globalThis.connections.push(this);
      }
    };
  });
  const page = await context.newPage();
  await page.goto(room);
  if (room.includes("/r/")) await inRoom(page);
  return page;
}

export async function videoButton(page) {
  await page
    .getByRole("banner")
    .getByRole("button", { name: /^(Call|Join call|Звонок|Присоединиться)/ })
    .click();
}

export async function leaves(page) {
  await page.getByRole("banner").getByRole("button", { name: "Leave" }).click();
  // The last one is asked.
  const sure = page.getByRole("dialog").getByRole("button", { name: /^Leave/ });
  await sure.or(page.getByRole("heading", { name: "You left the room." })).waitFor();
  if (await sure.count()) await sure.click();
}

export async function joins(page, { camera = true, mic = true } = {}) {
  await videoButton(page);
  await dialog(page).locator("video").waitFor({ timeout: MEDIA });
  if (!camera) await dialog(page).getByRole("button", { name: "Camera", exact: true }).click();
  if (!mic) await dialog(page).getByRole("button", { name: "Microphone", exact: true }).click();
  await dialog(page).getByRole("button", { name: "Join", exact: true }).click();
  await inCall(page);
}

export async function inCall(page, timeout = MEDIA) {
  await page.locator(".stage[data-stage=on]").waitFor({ timeout });
}

/** What has arrived over all connections of a page. */
export function arrived(page) {
  return page.evaluate(async () => {
    const sum = { packets: 0, frames: 0, loud: 0 };
    for (const connection of globalThis.connections) {
      if (connection.connectionState === "closed") continue;
      for (const stat of (await connection.getStats()).values()) {
        if (stat.type !== "inbound-rtp") continue;
        sum.packets += stat.packetsReceived ?? 0;
        if (stat.kind === "video") sum.frames += stat.framesDecoded ?? 0;
        if (stat.kind === "audio") sum.loud = Math.max(sum.loud, stat.audioLevel ?? 0);
      }
    }
    return sum;
  });
}

/** The devices that a page sends from. */
export function sending(page) {
  return page.evaluate(() => {
    const senders = globalThis.connections.filter((c) => c.connectionState !== "closed").flatMap((c) => c.getSenders());
    return senders.filter(({ track }) => track?.readyState === "live").map(({ track }) => track.getSettings().deviceId);
  });
}

/** Asks until the answer is yes. */
export function until(what, ask) {
  const asked = expect.poll(async () => Boolean(await ask()), { message: what, intervals: [100], timeout: MEDIA });
  return asked.toBe(true);
}

/** The video of another member is shown, moves, and has sound. */
export async function seesAndHears(page, name) {
  const video = tile(page, name).locator("video");
  await video.waitFor({ timeout: MEDIA });
  await until(`the picture of ${name} has a size`, () => video.evaluate((element) => element.videoWidth > 0));
  const { frames } = await arrived(page);
  await until(`the picture of ${name} moves`, async () => (await arrived(page)).frames > frames + 5);
  await until(`${name} can be heard`, async () => (await arrived(page)).loud > 0);
}

/** How a `SignalResponse` with an `update` begins: field 5, of a length that follows. */
const UPDATE = (5 << 3) | 2;

/** LiveKit's announcements of participants to this page, which a test can hold back. For a page before its call. */
export async function announcements(page) {
  const held = [];
  let holds = false;
  await page.routeWebSocket(/\/rtc\b/, (socket) => {
    socket.connectToServer().onMessage((message) => {
      if (holds && message[0] === UPDATE) held.push(() => socket.send(message));
      else socket.send(message);
    });
  });
  return {
    hold: () => (holds = true),
    release() {
      holds = false;
      for (const send of held.splice(0)) send();
    },
  };
}

/** How many messages have arrived over the data channels of a page. */
export function dataMessages(page) {
  return page.evaluate(async () => {
    let sum = 0;
    for (const connection of globalThis.connections)
      for (const stat of (await connection.getStats()).values())
        if (stat.type === "data-channel") sum += stat.messagesReceived;
    return sum;
  });
}
