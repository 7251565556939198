import assert from "node:assert/strict";
import { test } from "./fixtures.mjs";
import { box, hears, inRoom, log, newRoom, reconnects, remember, say, sees, stateOf, types } from "./people.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";

async function everywhere(visitors, base, options) {
  const of = `${options.colorScheme} ${options.viewport?.width ?? 1280}`;
  const page = await visitors.page(options);
  await page.goto(base);
  await page.locator("h1").waitFor();
  await expectAccessible(page, `landing, ${of}`);
  await page.getByLabel("Join by ID or link").fill("no room");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await expectAccessible(page, `landing with an error, ${of}`);

  const room = newRoom(base);
  await page.goto(room);
  await page.locator("#name").fill("Ann");
  await expectAccessible(page, `door, ${of}`);
  await page.keyboard.press("Enter");
  await inRoom(page);
  await expectAccessible(page, `empty room, ${of}`);
  const ben = await visitors.guest("Ben", room);
  await say(ben, "Hello https://example.org/");
  await hears(page, "Hello");
  await say(page, "Hello, Ben");
  await stateOf(page, "Hello, Ben", "sent");
  await types(ben, "Ben", "w", page);
  await expectAccessible(page, `room, ${of}`);

  await page.getByRole("banner").getByRole("button", { name: "Invite" }).click();
  await page.getByRole("img", { name: "QR code" }).waitFor();
  await expectAccessible(page, `invitation, ${of}`);
  await page.keyboard.press("Escape");
  if (options.viewport) {
    await page.getByRole("button", { name: /^Show participants/ }).click();
    await page.getByRole("dialog").getByText("Ben").waitFor();
    await expectAccessible(page, `people, ${of}`);
    await page.keyboard.press("Escape");
  }
  await page.getByRole("banner").getByRole("button", { name: "Leave" }).click();
  await page.getByRole("heading", { name: "You left the room." }).waitFor();
  await page.getByText("The room stays open").waitFor();
  await expectAccessible(page, `goodbye, ${of}`);
}

test.describe("access", () => {
  test("axe finds nothing wrong in the light theme", async ({ visitors, base }) => {
    await everywhere(visitors, base, { colorScheme: "light" });
  });

  test("axe finds nothing wrong in the dark theme", async ({ visitors, base }) => {
    await everywhere(visitors, base, { colorScheme: "dark" });
  });

  test("axe finds nothing wrong on a phone", async ({ visitors, base }) => {
    await everywhere(visitors, base, { colorScheme: "light", ...PHONE });
    await everywhere(visitors, base, { colorScheme: "dark", ...PHONE });
  });

  test("axe finds nothing wrong in the states of trouble", async ({ visitors, base }) => {
    for (const colorScheme of ["light", "dark"]) {
      const page = await visitors.page({ colorScheme });
      await remember(page, "Ann");
      let down = false;
      let route;
      await page.routeWebSocket(/\/ws\?/, (socket) => {
        route = socket;
        if (down) return void socket.close({ code: 1011 });
        const server = socket.connectToServer();
        socket.onMessage((data) => {
          const frame = JSON.parse(data);
          if (frame.type !== "chat") return server.send(data);
          socket.send(JSON.stringify({ type: "error", code: "store_unavailable", message: "", n: frame.n }));
        });
      });
      await page.goto(newRoom(base));
      await inRoom(page);
      await say(page, "in vain");
      await stateOf(page, "in vain", "failed");
      await page.getByText("Not confirmed.").waitFor();
      down = true;
      await route.close({ code: 1011 });
      await page.getByText("Messages will be sent once you’re back").waitFor();
      await expectAccessible(page, `trouble, ${colorScheme}`);
    }
  });

  test("everything can be done with the keyboard alone", async ({ visitors, base }) => {
    const page = await visitors.page();
    const press = (key) => page.keyboard.press(key);
    const reach = async (name) => {
      for (let i = 0; i < 30; i += 1) {
        await press("Tab");
        const at = await page.evaluate(() => {
          const e = document.activeElement;
          return {
            text: e?.getAttribute("aria-label") ?? e?.textContent?.trim() ?? "",
            outline: getComputedStyle(e).outlineStyle,
          };
        });
        if (at.text !== name) continue;
        assert.notEqual(at.outline, "none", `the focus on "${name}" can be seen`);
        return;
      }
      assert.fail(`the keyboard does not reach "${name}"`);
    };
    await page.goto(base);
    await page.getByRole("button", { name: "Create a room" }).waitFor();
    await reach("Create a room");
    await press("Enter");
    await page.locator("#name:focus").waitFor();
    await page.keyboard.type("Ann");
    await press("Enter");
    await inRoom(page);
    await box(page).and(page.locator(":focus")).waitFor();
    await page.keyboard.type("typed blind");
    await press("Enter");
    await sees(page, ["typed blind"]);
    await log(page).getByRole("button", { name: "React" }).waitFor();
    await reach("React");
    await press("Enter");
    const emoji = log(page).getByRole("group", { name: "React" }).getByRole("button", { name: "👍" });
    await emoji.and(page.locator(":focus")).waitFor();
    await press("Enter");
    await log(page).getByRole("button", { name: "👍: 1", pressed: true }).waitFor();
    await reach("Invite");
    await press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    await press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal(
      await page.evaluate(() => document.activeElement?.textContent?.trim()),
      "Invite",
      "the focus is back where it was",
    );
    await reach("Messages");
    await reach("Leave");
    await press("Enter");
    await dialog.waitFor();
    await reach("Leave and close the room");
    await press("Enter");
    await page.getByRole("heading", { name: "You left the room." }).and(page.locator(":focus")).waitFor();
    await reach("Join again");
    await press("Enter");
    await inRoom(page);
  });

  test("history is not read aloud, new messages are", async ({ visitors, base, tcpProxy }) => {
    const room = newRoom(base);
    const ben = await visitors.guest("Ben", room);
    await say(ben, "earlier");
    await stateOf(ben, "earlier", "sent");
    const ann = await visitors.page();
    await remember(ann, "Ann");
    await ann.addInitScript(() => {
      globalThis.told = [];
      new MutationObserver((changes) => {
        for (const change of changes) {
          const live = change.target.closest?.("[aria-live]")?.getAttribute("aria-live");
          for (const node of change.addedNodes) if (live === "polite") globalThis.told.push(node.textContent);
        }
      }).observe(document, { subtree: true, childList: true });
    });
    const told = () => ann.evaluate(() => globalThis.told.join("\n"));
    const live = ann.locator("[role=log][aria-live=polite][aria-relevant=additions]");
    await ann.goto(room.replace(base, tcpProxy.url));
    await hears(ann, "earlier");
    await live.waitFor();
    assert.equal(await told(), "");
    await say(ben, "just now");
    await hears(ann, "just now");
    assert.match(await told(), /just now/);

    tcpProxy.cut();
    await ann.getByText("Messages will be sent once you’re back").waitFor();
    await say(ben, "meanwhile");
    await stateOf(ben, "meanwhile", "sent");
    tcpProxy.restore();
    await reconnects(ann);
    await hears(ann, "meanwhile");
    await live.waitFor();
    await say(ben, "and now again");
    await hears(ann, "and now again");
    assert.match(await told(), /and now again/);
    assert.doesNotMatch(await told(), /earlier|meanwhile/);
    assert.equal(await log(ann).getAttribute("aria-label"), "Messages");
  });

  test("what comes right after a reconnect is read aloud", async ({ visitors, base, tcpProxy }) => {
    const room = newRoom(base);
    const ben = await visitors.guest("Ben", room);
    const ann = await visitors.guest("Ann", room.replace(base, tcpProxy.url), { clocked: true });
    tcpProxy.cut();
    await ann.getByText("Messages will be sent once you’re back").waitFor();
    await say(ben, "meanwhile");
    await stateOf(ben, "meanwhile", "sent");
    await ann.clock.pauseAt(await ann.evaluate(() => Date.now() + 5_000));
    tcpProxy.restore();
    await reconnects(ann);
    await hears(ann, "meanwhile");
    const live = log(ann).and(ann.locator("[aria-live=polite]"));
    assert.equal(await live.count(), 0, "the snapshot is not");
    // The page may ask for its frames after the clock has run: it runs on until it has them.
    let told = false;
    const waiting = live.waitFor().finally(() => (told = true));
    while (!told) await ann.clock.runFor(100);
    await waiting;
  });

  test("unread messages are counted in the title of a hidden page", async ({ visitors, base }) => {
    const room = newRoom(base);
    const ann = await visitors.guest("Ann", room);
    const ben = await visitors.guest("Ben", room);
    const look = (hidden) =>
      ann.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await look(true);
    await say(ben, "psst");
    await say(ben, "hello?");
    await ann.waitForFunction(() => document.title.startsWith("(2) "));
    await look(false);
    await ann.waitForFunction(() => !document.title.startsWith("("));
  });
});
