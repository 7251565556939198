import assert from "node:assert/strict";
import { test } from "./fixtures.mjs";
import { box, fits, inRoom, newRoom, react, remember, say, sees } from "./people.mjs";

async function firstVisit(page, base, words) {
  await remember(page, "Ann");
  const taken = [];
  page.on("requestfinished", (request) =>
    taken.push(request.sizes().then(({ responseBodySize }) => [request.url().replace(base, ""), responseBodySize])),
  );
  await page.goto(newRoom(base));
  await inRoom(page);
  await page.waitForLoadState("networkidle");
  const sizes = await Promise.all(taken);
  assert.ok(
    sizes.some(([path, size]) => path.endsWith(".js") && size > 10_000),
    "the page itself is among it",
  );
  const named = sizes.map(([path]) => path).filter((path) => /english|russian/.test(path));
  assert.ok(named.length === 1 && named[0].includes(words), `the words of one language: ${named}`);
  assert.ok(
    !sizes.some(([path]) => /\/(Landing|NamePrompt|serif)|\.(woff2|webp)$/.test(path)),
    "nothing of the views outside of a room, and neither their serif nor their picture",
  );
  const sum = sizes.reduce((sum, [, size]) => sum + size, 0);
  assert.ok(sum <= 60_000, `${sum} bytes: ${JSON.stringify(sizes)}`);
}

test.describe("landing", () => {
  test("a click creates a room with a name that cannot be guessed", async ({ visitors, base }) => {
    const page = await visitors.page();
    await page.goto(base);
    await page.getByRole("button", { name: "Create a room" }).click();
    await page.getByLabel("What should people call you?").fill("Ann");
    await page.keyboard.press("Enter");
    await inRoom(page);
    assert.match(new URL(page.url()).pathname, /^\/r\/([a-z]{5}-){3}[a-z]{5}$/);
    assert.match(await page.title(), /^[a-z-]{23} · Parlor$/);
  });

  test("a pasted link and a bare id lead to the room", async ({ visitors, base }) => {
    const room = newRoom(base);
    for (const given of [room, ` ${room.split("/r/")[1]} `]) {
      const page = await visitors.page();
      await page.goto(base);
      await page.getByLabel("Join by ID or link").fill(given);
      await page.getByRole("button", { name: "Join" }).click();
      await page.getByLabel("What should people call you?").waitFor();
      assert.equal(page.url(), room);
    }
  });

  test("the first visit to a room takes no more than 60 kB, all told, in every language", async ({
    visitors,
    base,
  }) => {
    for (const [locale, words] of [
      ["en-US", "english"],
      ["ru-RU", "russian"],
    ])
      await firstVisit(await visitors.page({ locale }), base, words);
  });

  test("a first visit to a room with talk and reactions takes no more than 60 kB either", async ({
    visitors,
    base,
  }) => {
    for (const locale of ["en-US", "ru-RU"]) {
      const room = newRoom(base);
      const ben = await visitors.guest("Ben", room);
      await say(ben, "hello");
      await react(ben, "hello", "👍");
      await ben.getByRole("button", { name: "👍: 1" }).waitFor();
      const page = await visitors.page({ locale });
      await remember(page, "Ann");
      const taken = [];
      page.on("requestfinished", (request) => taken.push(request.sizes()));
      await page.goto(room, { waitUntil: "networkidle" });
      await page.getByRole("button", { name: "👍: 1" }).waitFor();
      const sum = (await Promise.all(taken)).reduce((sum, { responseBodySize }) => sum + responseBodySize, 0);
      assert.ok(sum <= 60_000, `${sum} bytes`);
      console.log(`     ${locale}: ${sum} bytes`);
    }
  });

  test("the landing's part is requested with the page's script, and once", async ({ visitors, base }) => {
    const page = await visitors.page();
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    // The script has not run: only the document can ask for more.
    let release;
    const may = new Promise((resolve) => (release = resolve));
    await page.route("**/assets/index-*.js", (route) => may.then(() => route.continue()));
    const part = page.waitForRequest(/\/assets\/Landing-.*\.js$/);
    const style = page.waitForRequest(/\/assets\/Landing-.*\.css$/);
    await page.goto(base, { waitUntil: "commit" });
    await Promise.all([part, style]);
    release();
    await page.getByRole("button", { name: "Create a room" }).waitFor();
    assert.equal(asked.filter((path) => path.includes("/Landing-")).length, 2, `${asked}`);
  });

  test("an id that cannot be is refused with the rule", async ({ visitors, base }) => {
    const page = await visitors.page();
    await page.goto(base);
    const field = page.getByLabel("Join by ID or link");
    await field.fill("not a room!");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "1–64" }).waitFor();
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    await page.goto(`${base}/r/not%20a%20room!`);
    await page.getByRole("alert").filter({ hasText: "1–64" }).waitFor();
    assert.equal(await page.getByLabel("Join by ID or link").inputValue(), "not a room!");
  });

  test("the name is asked once, and may be left out", async ({ visitors, base }) => {
    const context = await visitors.context();
    const first = await context.newPage();
    await first.goto(newRoom(base));
    await first.getByLabel("What should people call you?").fill("  Ann ");
    await first.getByRole("button", { name: "Join" }).click();
    await inRoom(first);
    const second = await context.newPage();
    await second.goto(newRoom(base));
    await inRoom(second);
    await second.getByRole("complementary").getByText("Ann", { exact: true }).waitFor();

    const guest = await visitors.page();
    await guest.goto(newRoom(base));
    await guest.getByRole("button", { name: "Join without a name" }).click();
    await guest
      .getByRole("complementary")
      .getByText(/^Guest /)
      .waitFor();
  });

  test("a name that cannot be is refused with the rule", async ({ visitors, base }) => {
    const page = await visitors.page();
    await page.goto(newRoom(base));
    await page.getByLabel("What should people call you?").fill("x".repeat(33));
    await page.keyboard.press("Enter");
    await page.getByText("Use 1–32 visible characters").waitFor();
  });

  test("a name that people think of is gently said to be guessable", async ({ visitors, base }) => {
    const page = await visitors.guest("Ann", `${base}/r/kitchen`);
    await page.getByText("easy to guess").waitFor();
    const other = await visitors.guest("Ann", newRoom(base));
    assert.equal(await other.getByText("easy to guess").count(), 0);
  });

  test("the page speaks Russian to its readers, and can be switched", async ({ visitors, base }) => {
    const page = await visitors.page({ locale: "ru-RU" });
    await page.goto(base);
    await page.getByRole("button", { name: "Создать комнату" }).click();
    await page.getByLabel("Как вас называть?").fill("Анна");
    await page.keyboard.press("Enter");
    await inRoom(page);
    assert.equal(await page.evaluate(() => document.documentElement.lang), "ru");
    await page.getByText("Здесь 1 человек").waitFor();
    await page.getByText("сообщения исчезают через 30 минут").waitFor();
    await say(page, "Добрый вечер");
    await sees(page, ["Добрый вечер"]);
    await page.getByRole("button", { name: "English" }).click();
    await page.getByText("messages disappear after 30 minutes").waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
    await page.reload();
    await inRoom(page);
    await page.getByText("1 person here").waitFor();
    assert.equal(await box(page).getAttribute("placeholder"), "Write a message");
  });

  test("nothing is wider than a phone", async ({ visitors, base }) => {
    for (const locale of ["en-US", "ru-RU"]) {
      const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, locale };
      const page = await visitors.page(phone);
      await page.goto(base);
      await page.locator("h1").waitFor();
      await fits(page);
      const room = newRoom(base);
      await page.goto(room);
      await page.locator("#name").waitFor();
      await fits(page);
      const ann = await visitors.guest("A name of thirty-two characters!", room, phone);
      await say(ann, "w".repeat(400));
      await say(ann, `https://example.org/${"path/".repeat(60)}`);
      await ann.locator("[data-state=sent]").nth(1).waitFor({ state: "attached" });
      await fits(ann);
      await ann.getByRole("button", { name: /^(Show participants|Показать участников)/ }).tap();
      await ann.getByRole("dialog").getByText("A name of thirty-two characters!").waitFor();
      await fits(ann);
    }
  });

  test("the first load is small", async ({ visitors, base }) => {
    const page = await visitors.page();
    const loads = [];
    page.on("requestfinished", (request) => loads.push(request));
    await page.goto(newRoom(base), { waitUntil: "networkidle" });
    let bytes = 0;
    for (const request of loads) {
      const kind = (await request.response())?.headers()["content-type"] ?? "";
      if (/javascript|css/.test(kind)) bytes += (await request.sizes()).responseBodySize;
    }
    console.log(`     first load: ${bytes} bytes of script and style`);
    assert.ok(bytes > 5_000, "script and style were loaded at all");
    assert.ok(bytes <= 60_000, `${bytes} bytes are more than 60 kB`);
  });

  test("the page names what it is made of, and under which terms", async ({ visitors, base }) => {
    // Where no page names an icon, browsers ask for one of their own accord.
    visitors.expected = /the server responded with a status of 404/;
    const page = await visitors.page();
    await page.goto(base);
    await page.getByRole("link", { name: "Open-source licences" }).click();
    await page.waitForURL(`${base}/licenses.txt`);
    const terms = await page.locator("body").innerText();
    for (const name of [
      "livekit-client",
      "@livekit/protocol",
      "@bufbuild/protobuf",
      "webrtc-adapter",
      "svelte",
      "uqr",
      "@fontsource/literata",
    ])
      assert.ok(terms.includes(`\n${name} `) || terms.startsWith(`${name} `), name);
    assert.match(terms, /Apache License\s+Version 2\.0/);
    assert.match(terms, /Copyright 2008 Google Inc/);
    assert.match(terms, /SIL OPEN FONT LICENSE Version 1\.1/i);
  });

  test("a page asks no server but its own", async ({ visitors, base }) => {
    const page = await visitors.page();
    const asked = new Set();
    page.on("request", (request) => asked.add(new URL(request.url()).origin));
    await remember(page, "Ann");
    await page.goto(newRoom(base));
    await inRoom(page);
    await say(page, "https://example.org/picture.png");
    await sees(page, ["https://example.org/picture.png"]);
    await page.getByRole("button", { name: "Invite", exact: true }).first().click();
    await page.getByRole("img", { name: "QR code" }).waitFor();
    assert.deepEqual([...asked], [base]);
  });
});
