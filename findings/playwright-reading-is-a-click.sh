#!/usr/bin/env bash
# playwright-core 1.65.1 and puppeteer-core 24.43.1 (npm) with Debian's Chromium 156: to read the
# page counts as a click of the user. `locator.count()`, `locator.waitFor()`, and a trace with
# snapshots alone, set `navigator.userActivation.hasBeenActive`.
#
# What most people expect: only input activates a page. HTML standard, section 6.4.1: an
# activation triggering input event is a keydown, mousedown, pointerdown, pointerup or touchend
# with `isTrusted` true. Playwright's guide to the trace viewer calls its snapshots a recording.
#
# The behaviour: both libraries run their functions in the page with `userGesture` of Chrome's
# protocol, which activates it. So a test sees sound start by itself, `beforeunload` ask, and
# `navigator.vibrate` work, where a user who has clicked nothing has none of it. The remedy: let
# the page report by console, and use neither locators nor trace snapshots before that. The
# controls: the page is only opened; a trace without snapshots.
#
# The output that was seen:
#   playwright, only opened          | false
#   playwright, count()              | true
#   playwright, waitFor()            | true
#   playwright, trace, no snapshots  | false
#   playwright, trace with snapshots | true
#   puppeteer, only opened           | false
#   puppeteer, waitForSelector()     | true
#   as described
set -eu

command -v chromium >/dev/null || { echo "needs Debian's chromium"; exit 1; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
cd "$dir"

npm install --silent --no-audit --no-fund playwright-core@1.65.1 puppeteer-core@24.43.1 >install.log 2>&1 ||
    { cat install.log; exit 1; }

cat >read.mjs <<'JS'
import { createServer } from "node:http";
import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";

// The page tells by itself, a second after it was loaded.
const PAGE = `<!doctype html><title>page</title><p id="text">text</p><script>
    setTimeout(() => console.log(navigator.userActivation.hasBeenActive), 1000);
</script>`;
const server = createServer((_, response) => response.setHeader("content-type", "text/html").end(PAGE));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const url = `http://127.0.0.1:${server.address().port}/`;
const how = { executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] };

async function told(page, read) {
    const message = new Promise((heard) => page.once("console", heard));
    await page.goto(url);
    await read?.(page);
    return (await message).text();
}

let changed = 0;
function expect(name, seen, expected) {
    console.log(`${name.padEnd(32)} | ${seen}`);
    if (seen !== String(expected)) changed = 1;
}

const playwright = await chromium.launch(how);
for (const [name, trace, read, expected] of [
    ["only opened", undefined, undefined, false],
    ["count()", undefined, (page) => page.locator("#text").count(), true],
    ["waitFor()", undefined, (page) => page.locator("#text").waitFor(), true],
    ["trace, no snapshots", { snapshots: false, screenshots: true }, undefined, false],
    ["trace with snapshots", { snapshots: true }, undefined, true],
]) {
    const context = await playwright.newContext();
    if (trace) await context.tracing.start(trace);
    expect(`playwright, ${name}`, await told(await context.newPage(), read), expected);
    await context.close();
}
await playwright.close();

const other = await puppeteer.launch(how);
for (const [name, read, expected] of [
    ["only opened", undefined, false],
    ["waitForSelector()", (page) => page.waitForSelector("#text"), true],
]) {
    expect(`puppeteer, ${name}`, await told(await other.newPage(), read), expected);
}
await other.close();
server.close();
process.exit(changed);
JS

changed=0
timeout 60 node read.mjs || changed=1
if [ "$changed" = 0 ]; then echo "as described"; else echo "the behaviour changed"; fi
exit "$changed"
