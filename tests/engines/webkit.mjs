// WebKitGTK's MiniBrowser by WebDriver, on a screen of Xvfb: puppeteer does not drive it.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { promisify } from "node:util";
import { freePort } from "../browser/server.mjs";

const DRIVER = "/usr/bin/WebKitWebDriver";
const LIBRARIES = "/usr/lib";
const ANSWERS_WITHIN = 60_000;
const STARTS_WITHIN = 60_000;
const ENTER = "\ue007";
const [CONTROL, RELEASE] = ["\ue009", "\ue000"];

export async function webkit() {
  const binary = miniBrowser();
  for (const [what, is] of [
    [DRIVER, existsSync(DRIVER)],
    ["MiniBrowser", binary],
  ])
    if (!is) throw new Error(`NO BROWSER: ${what} is missing`);
  const screen = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const [said] = await Promise.race([
    once(screen.stdio[3], "data"),
    once(screen, "exit").then(() => Promise.reject(new Error("Xvfb did not start"))),
  ]);
  const display = `:${String(said).trim()}`;
  const close = async () => {
    screen.kill();
    await once(screen, "exit");
  };
  try {
    return { version: await version(binary, display), open: () => open(binary, display), close };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/** It is not on the PATH, and its folder is named after the machine and the library's version. */
function miniBrowser() {
  const machines = readdirSync(LIBRARIES)
    .filter((folder) => folder.endsWith("-linux-gnu"))
    .map((folder) => `${LIBRARIES}/${folder}`);
  const libraries = machines.flatMap((at) =>
    readdirSync(at)
      .filter((folder) => /^webkit.*gtk/.test(folder))
      .map((folder) => `${at}/${folder}`),
  );
  return libraries.map((at) => `${at}/MiniBrowser`).find(existsSync);
}

/** As in "WebKitGTK 2.50.6"; it needs the screen even for that. */
async function version(binary, display) {
  const { stdout } = await promisify(execFile)(binary, ["--version"], { env: { ...process.env, DISPLAY: display } });
  return stdout.trim().split(" ").at(-1);
}

/** A driver has one session, and a session one store of cookies: each visitor gets a driver. */
async function open(binary, display) {
  const port = await freePort();
  const env = { ...process.env, DISPLAY: display, LANG: "C.UTF-8", GSETTINGS_BACKEND: "memory", NO_AT_BRIDGE: "1" };
  const driver = spawn(DRIVER, [`--port=${port}`], { env, stdio: "ignore" });
  const call = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWERS_WITHIN),
    });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  };
  await started(call);
  const options = { binary, args: ["--automation"] };
  const { sessionId } = await call("POST", "/session", {
    capabilities: { alwaysMatch: { unhandledPromptBehavior: "accept", "webkitgtk:browserOptions": options } },
  });
  const session = (method, path, body) => call(method, `/session/${sessionId}${path}`, body);
  const element = async (selector) =>
    Object.values(await session("POST", "/element", { using: "css selector", value: selector }))[0];
  return {
    goto: (url) => session("POST", "/url", { url }),
    reload: () => session("POST", "/refresh", {}),
    evaluate: (act, ...args) => session("POST", "/execute/sync", { script: `return (${act})(...arguments)`, args }),
    /** The driver leaves out what lies above U+FFFF. */
    async type(selector, text) {
      await session("POST", `/element/${await element(selector)}/value`, { text: text.replaceAll("\n", ENTER) });
    },
    async paste(selector) {
      await session("POST", `/element/${await element(selector)}/value`, { text: `${CONTROL}v${RELEASE}` });
    },
    async click(selector) {
      await session("POST", `/element/${await element(selector)}/click`, {});
    },
    hide: () => session("POST", "/window/minimize", {}),
    show: () => session("POST", "/window/rect", { x: 0, y: 0, width: 1024, height: 768 }),
    /** As a person closes a tab. */
    async shut() {
      const { handle } = await session("POST", "/window/new", { type: "tab" });
      await session("DELETE", "/window");
      await session("POST", "/window", { handle });
    },
    async close() {
      await session("DELETE", "").catch(() => {});
      driver.kill();
      await once(driver, "exit");
    },
  };
}

async function started(call) {
  for (const until = Date.now() + STARTS_WITHIN; Date.now() < until;) {
    const status = await call("GET", "/status").catch(() => null);
    if (status?.ready) return;
    await new Promise((then) => setTimeout(then, 50));
  }
  throw new Error(`WebKitWebDriver was not ready after ${STARTS_WITHIN} ms`);
}
