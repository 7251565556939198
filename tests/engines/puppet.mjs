// Chromium by its own protocol and Firefox by WebDriver BiDi: puppeteer speaks both.

import { existsSync } from "node:fs";
import puppeteer from "puppeteer-core";

const ANSWERS_WITHIN = 60_000;
const PROGRAMS = {
  chrome: process.env.CHROMIUM ?? "/usr/bin/chromium",
  firefox: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
};
const FLAGS = {
  chrome: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--lang=en-US",
    // A camera that shows a moving figure, a microphone that beeps, and no prompt. Few frames cost little.
    "--use-fake-device-for-media-stream=fps=10",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
  ],
  firefox: [],
};
const PREFS = {
  // The same for Firefox.
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  // It leaves out 127.0.0.1 otherwise, or hides it behind a name of mDNS; LiveKit is there.
  "media.peerconnection.ice.loopback": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  // It would load OpenH264 from Mozilla.
  "media.gmp-provider.enabled": false,
};

async function launch(browser) {
  const executablePath = PROGRAMS[browser];
  if (!existsSync(executablePath)) throw new Error(`NO BROWSER: ${executablePath} is missing`);
  const program = await puppeteer.launch({
    browser,
    executablePath,
    args: FLAGS[browser],
    extraPrefsFirefox: PREFS,
    headless: true,
    timeout: ANSWERS_WITHIN,
    protocolTimeout: ANSWERS_WITHIN,
    defaultViewport: null,
    acceptInsecureCerts: false,
  });
  const [, version] = (await program.version()).split("/");
  return { version, open: () => open(program), close: () => program.close() };
}

export const chromium = () => launch("chrome");
export const firefox = () => launch("firefox");

/** A visitor with storage of their own, in one tab. */
async function open(program) {
  const context = await program.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(ANSWERS_WITHIN);
  page.on("dialog", (dialog) => dialog.accept());
  return {
    async goto(url) {
      await page.goto(url);
    },
    async reload() {
      await page.reload();
    },
    evaluate: (act, ...args) => page.evaluate(act, ...args),
    /** Runs in each document before the scripts of the page. */
    async beforeScripts(act, ...args) {
      await page.evaluateOnNewDocument(act, ...args);
    },
    async type(selector, text) {
      await page.focus(selector);
      await page.keyboard.type(text);
    },
    async click(selector) {
      await page.click(selector);
    },
    async paste(selector) {
      await page.focus(selector);
      await page.keyboard.down("Control");
      await page.keyboard.press("v");
      await page.keyboard.up("Control");
    },
    async hide() {
      const other = await context.newPage();
      await other.bringToFront();
    },
    async show() {
      await page.bringToFront();
    },
    /** As a person closes a tab. */
    async shut() {
      await context.newPage();
      await page.close({ runBeforeUnload: true });
    },
    close: () => context.close(),
  };
}
