// People with browsers, and what they do in a room.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chromium, expect } from "@playwright/test";

export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** Milliseconds for what a page does at once, on a machine that has much else to do. */
export const TIMEOUT = 30_000;
/** Milliseconds for what goes out at two or three requests a second, whatever else the page asks among them. */
export const SLOWED = 60_000;

export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Cameras that show a moving figure, microphones that beep, and no prompts. The second camera sees depth, which no
  // call carries.
  "--use-fake-device-for-media-stream=device-count=3",
  "--use-fake-ui-for-media-stream",
  "--allow-loopback-in-peer-connection",
];

/** How Chromium is launched, with these flags beside the usual ones. */
export function chromiumOptions(more = []) {
  if (!existsSync(CHROMIUM))
    throw new Error(
      `NO BROWSER: ${CHROMIUM} is missing, nothing of the page was tested. Install chromium or name it in CHROMIUM.`,
    );
  return { executablePath: CHROMIUM, args: [...FLAGS, ...more] };
}

export const launch = (more) => chromium.launch(chromiumOptions(more));

/** Opens contexts and closes them all; a page that logs an error has failed, whatever else it did. */
export class Visitors {
  #browser;
  #contexts = [];
  #errors = [];
  /** What browsers report by themselves about what a test does on purpose. */
  expected = /WebSocket connection to|net::ERR_/;

  constructor(browser) {
    this.#browser = browser;
  }

  async context(options = {}) {
    const context = await this.#browser.newContext({
      locale: "en-US",
      viewport: { width: 1280, height: 800 },
      ...options,
    });
    context.setDefaultTimeout(TIMEOUT);
    context.on("page", (page) => {
      page.on("pageerror", (error) => this.#errors.push(String(error)));
      page.on("console", (line) => {
        if (line.type() === "error" && !this.expected.test(line.text())) this.#errors.push(line.text());
      });
    });
    this.#contexts.push(context);
    return context;
  }

  async page(options) {
    return (await this.context(options)).newPage();
  }

  /**
   * A member whose browser remembers the name, in the room `within` some time; `clocked` if the test moves the page's
   * clock.
   */
  async guest(name, room, { clocked = false, within, ...options } = {}) {
    const page = await this.page(options);
    await remember(page, name);
    if (clocked) await page.clock.install();
    await page.goto(room);
    await inRoom(page, within);
    return page;
  }

  /** All pages are closed before the servers they talk to. */
  async closeContexts() {
    await Promise.all(this.#contexts.splice(0).map((context) => context.close()));
  }

  async close() {
    await this.closeContexts();
    assert.deepEqual(this.#errors, [], "pages report no errors");
  }
}

/** A member whose browser remembers the name, and who comes by the landing: from then on headings have the serif. */
export async function comesByLanding(page, name, room) {
  await remember(page, name);
  await page.goto(new URL(room).origin);
  const link = page.locator("main form input");
  await link.fill(room);
  await link.press("Enter");
  await inRoom(page);
  await page.evaluate(() => document.fonts.ready);
  return page;
}

/** A member by requests alone; what it returns sends a text. */
export async function apiSender(name, room) {
  const { origin, pathname } = new URL(room);
  const at = `${origin}/api/rooms/${pathname.split("/r/")[1]}`;
  const post = async (what, body, headers = {}) => {
    const answer = await fetch(`${at}/${what}`, { method: "POST", body: JSON.stringify(body), headers });
    assert.equal(answer.status, 200, what);
    return answer.json();
  };
  const { ticket } = await post("join", { name });
  return (text) => post("messages", { text }, { authorization: `Bearer ${ticket}` });
}

/** In a page or a whole context: the browser knows the name before any page asks. */
export function remember(target, name) {
  return target.addInitScript((name) => {
    // A page that is still blank has no storage.
    if (location.protocol !== "about:") localStorage.setItem("parlor.name", name);
  }, name);
}

/** An address that no other test of this run uses, of the kind the page makes. */
export function newRoom(base) {
  const one = (letters) => letters[Math.floor(Math.random() * letters.length)];
  const quint = () => ["bdfghjklmnprstvz", "aiou", "bdfghjklmnprstvz", "aiou", "bdfghjklmnprstvz"].map(one).join("");
  return `${base}/r/${[1, 2, 3, 4].map(quint).join("-")}`;
}

export const log = (page) => page.getByRole("log");
export const bubble = (page, text) => log(page).locator(".bubble").filter({ hasText: text });
/** The message with this text; what quotes it is another. */
export const message = (page, text) =>
  log(page)
    .locator(".message")
    .filter({ has: page.locator(".text", { hasText: text }) });
export const box = (page) => page.getByRole("textbox", { name: /^(Message|Сообщение)$/ });

export async function inRoom(page, timeout = TIMEOUT) {
  await log(page).waitFor({ timeout });
}

export async function say(page, text) {
  await box(page).fill(text);
  await box(page).press("Enter");
}

/** What can be done with a message, as a pointer that comes by sees it; `reach` is how it comes. */
export async function actionsOf(page, text, reach = (bubble) => bubble.hover()) {
  const row = message(page, text);
  // A tooltip may stand where it was.
  await page.mouse.move(0, 0);
  await reach(row.locator(".bubble"));
  const actions = row.getByRole("toolbar");
  await actions.waitFor();
  return actions;
}

export async function act(page, text, name, reach) {
  const button = (await actionsOf(page, text, reach)).getByRole("button", { name });
  await button.click();
  return button;
}

export const REACT = /^(React|Реакция)$/;

/** Opens the offer of emoji at a message and chooses; `press` is how. */
export async function react(page, text, emoji, press = (button) => button.click(), reach = undefined) {
  const actions = await actionsOf(page, text, reach);
  await press(actions.getByRole("button", { name: REACT }));
  await press(actions.getByRole("group", { name: REACT }).getByRole("button", { name: emoji }));
}

export async function hears(page, text) {
  await bubble(page, text).first().waitFor();
}

/** Types until the reader sees it: the notice lasts for seconds only, and a busy machine may look too late. */
export async function types(writer, name, text, reader) {
  const notice = reader.getByText(`${name} is typing`);
  await box(writer).pressSequentially(text);
  await expect(async () => {
    if (await isShown(notice)) return;
    await box(writer).press(".");
    assert.fail(`"${name} is typing" is not shown`);
  }).toPass({ timeout: TIMEOUT });
}

const isShown = (locator) =>
  locator.waitFor({ timeout: 1_000 }).then(
    () => true,
    () => false,
  );

/** Tells a page that has lost its link that the network is back, until it is connected: alone it waits ever longer. */
export async function reconnects(page) {
  const notice = page.getByText("Messages will be sent once you’re back");
  await expect(async () => {
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await notice.waitFor({ state: "detached", timeout: 1_000 });
  }).toPass({ timeout: TIMEOUT });
}

/** Every message as the page shows it, in order. */
export async function transcript(page) {
  return log(page).locator(".text").allInnerTexts();
}

/** Exactly these messages, in this order; what is slowed on its way may take longer than most. */
export async function sees(page, texts, timeout = TIMEOUT) {
  await expect
    .poll(async () => (await transcript(page)).map((text) => text.trim()), { intervals: [100], timeout })
    .toEqual(texts);
}

export const stateOf = (page, text, state) =>
  log(page)
    .locator(".message")
    .filter({ hasText: text })
    .locator(`[data-state=${state}]`)
    .waitFor({ state: "attached" });

export async function storedSession(page) {
  const text = await page.evaluate(
    () => Object.entries(sessionStorage).find(([key]) => key.startsWith("parlor.seat."))?.[1] ?? "null",
  );
  return JSON.parse(text);
}

export async function members(base, room) {
  const answer = await fetch(`${base}/api/rooms/${room.split("/r/")[1]}`);
  assert.equal(answer.status, 200);
  return (await answer.json()).members;
}

export async function fits(page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(over, 0, "the page is no wider than its window");
}
