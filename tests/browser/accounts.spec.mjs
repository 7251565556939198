import assert from "node:assert/strict";
import { accountTest, test } from "./fixtures.mjs";
import { expectAccessible, PHONE } from "./axe.mjs";
import { bubble, fits, hears, inRoom, log, newRoom, remember, say } from "./people.mjs";

const PASSWORD = "correct horse";
const KEY = "A".repeat(42) + "E";

const button = (page, name) => page.getByRole("button", { name, exact: true });
const people = (page) => page.getByRole("complementary");
const alert = (page, text) => page.getByRole("alert").filter({ hasText: text });

async function post(base, path, body) {
  const answer = await fetch(base + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
}

const account = (base, user) => post(base, "/register", { user, password: PASSWORD });

async function fill(page, user, password) {
  await page.getByLabel("Name", { exact: true }).fill(user);
  await page.getByLabel("Password", { exact: true }).fill(password);
}

async function logIn(page, base, user) {
  await page.goto(`${base}/login`);
  await fill(page, user, PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByText(`You appear as ${user}`).waitFor();
}

/** On a server where a login is required. */
const loginTest = accountTest.extend({ settings: { PARLOR_REQUIRE_LOGIN: "true" } });

test.describe("accounts", () => {
  accountTest(
    "a member registers, talks under a verified name, and no guest can take it",
    async ({ visitors, base }) => {
      const ann = await visitors.page();
      await ann.goto(base);
      await button(ann, "Register").click();
      await ann.waitForURL(`${base}/register`);
      const sent = [];
      ann.on("request", (request) => request.method() === "POST" && sent.push(new URL(request.url()).pathname));
      await fill(ann, "Ann", "короче");
      await fill(ann, "Ann", "seven b");
      assert.equal(await ann.getByText("bytes").count(), 0, "bytes are spoken of only where they are too many");
      await ann.keyboard.press("Enter");
      await alert(ann, "at least 8 characters").waitFor();
      assert.deepEqual(sent, [], "the server is not asked what the page knows");
      await fill(ann, "Ann", PASSWORD);
      // Both in one task: the second would else find the view gone at times.
      await button(ann, "Register and log in").evaluate((button) => {
        button.click();
        button.click();
      });
      await ann.getByText("You appear as Ann").waitFor();
      assert.deepEqual(sent, ["/register", "/login"], "one submit of two clicks");
      assert.equal(new URL(ann.url()).pathname, "/");

      await button(ann, "Create a room").click();
      await inRoom(ann);
      const room = ann.url();
      await people(ann).getByText("verified", { exact: true }).waitFor({ state: "attached" });
      const ben = await visitors.guest("Ben", room);
      await say(ann, "it is me");
      await hears(ben, "it is me");
      const head = ben.locator(".message.head").filter({ hasText: "it is me" });
      await head.getByText("verified", { exact: true }).waitFor({ state: "attached" });
      await people(ben)
        .getByRole("listitem")
        .filter({ hasText: "Ann" })
        .getByText("verified", { exact: true })
        .waitFor({ state: "attached" });
      assert.equal(await people(ben).getByText("verified", { exact: true }).count(), 1, "and no other member is");

      const mallory = await visitors.page();
      await remember(mallory, "Аnn");
      await mallory.goto(room);
      await mallory.getByText("belongs to an account").waitFor();
      await expectAccessible(mallory, "a name that is taken");
      await mallory.getByLabel("What should people call you?").fill("Mallory");
      await mallory.keyboard.press("Enter");
      await inRoom(mallory);
      assert.equal(mallory.url(), room);
      await bubble(mallory, "it is me").waitFor();
    },
  );

  loginTest("the login stands before the room, and leads back into it with the key", async ({ visitors, base }) => {
    await account(base, "Ann");
    await account(base, "Ben");
    const room = `${newRoom(base)}#${KEY}`;
    const ann = await visitors.page();
    await ann.goto(room);
    await ann.getByText("Log in to join rooms").waitFor();
    await fill(ann, "Ann", "wrong horse");
    await ann.keyboard.press("Enter");
    await alert(ann, "Wrong name or password.").waitFor();
    await ann.locator("[name=password]:focus").waitFor();
    await expectAccessible(ann, "a wrong password");
    await fill(ann, "ann", PASSWORD);
    await ann.keyboard.press("Enter");
    await inRoom(ann);
    assert.equal(ann.url(), room);
    await button(ann, "Encrypted").waitFor();

    // A name that the browser knows is tried first, and refused. A visitor without an account makes one.
    const cy = await visitors.page();
    await remember(cy, "Guest");
    await cy.goto(room);
    await button(cy, "Register").click();
    await fill(cy, "Cy", PASSWORD);
    await cy.keyboard.press("Enter");
    await inRoom(cy);
    assert.equal(cy.url(), room);
    await say(cy, "with the key");
    await hears(ann, "with the key");
    assert.equal(await log(ann).getByText("Not encrypted").count(), 0);
    await people(ann).getByText("Cy", { exact: true }).waitFor();

    const ben = await visitors.page();
    await ben.goto(base);
    await ben.getByText("Log in to join rooms").waitFor();
    await logIn(ben, base, "Ben");
    await ben.goto(room);
    await hears(ben, "with the key");
  });

  loginTest("a browser that keeps no cookies is told so", async ({ visitors, base }) => {
    await account(base, "Ann");
    const page = await visitors.page();
    await page.route("**/login", async (route) => {
      if (route.request().method() !== "POST") return route.continue();
      const response = await route.fetch();
      await page.context().clearCookies();
      await route.fulfill({ status: response.status(), contentType: "application/json", body: await response.text() });
      await page.context().clearCookies();
    });
    await page.goto(newRoom(base));
    await fill(page, "Ann", PASSWORD);
    await page.keyboard.press("Enter");
    await alert(page, "blocks the login cookie").waitFor();
  });

  loginTest("a room by another transport asks for the login, too", async ({ visitors, base }) => {
    await account(base, "Ann");
    const room = newRoom(base);
    for (const transport of ["sse", "long-poll"]) {
      const ann = await visitors.page();
      await remember(ann, "Guest");
      await ann.goto(`${room}?transport=${transport}#${KEY}`);
      await fill(ann, "Ann", PASSWORD);
      await ann.keyboard.press("Enter");
      await inRoom(ann);
      assert.equal(ann.url(), `${room}?transport=${transport}#${KEY}`);
    }
  });

  accountTest("after a logout the member is a guest, here or everywhere", async ({ visitors, base }) => {
    await account(base, "Ann");
    const [here, there] = [await visitors.page(), await visitors.page()];
    for (const page of [here, there]) await logIn(page, base, "Ann");
    await here.reload();
    await button(here, "Account").click();
    let answer;
    const answered = new Promise((then) => (answer = then));
    await here.route("**/api/visitor", (route) => answered.then(() => route.continue()));
    await button(here, "Log out here").click();
    await button(here, "Log in").waitFor();
    assert.equal(
      await here.getByText("You appear as").count(),
      0,
      "the name is not remembered, for it is not a guest's",
    );
    const told = here.waitForResponse("**/api/visitor");
    answer();
    await told;
    await here.unroute("**/api/visitor");
    await button(here, "Log in").waitFor();
    assert.equal(await here.getByText("You appear as").count(), 0);
    await there.reload();
    await there.getByText("You appear as Ann").waitFor();
    await logIn(here, base, "Ann");
    await there.goto(`${base}/login`);
    await there.getByRole("heading", { name: "Your account" }).waitFor();
    await button(there, "Log out everywhere").click();
    await button(there, "Log in").waitFor();
    await here.goto(`${base}/account`);
    await here.getByRole("heading", { name: "Log in" }).waitFor();
    await here.goto(newRoom(base));
    await here.getByText("belongs to an account").waitFor();
    await button(here, "Log in").click();
    assert.equal(await here.getByLabel("Name", { exact: true }).inputValue(), "Ann");
    await fill(here, "Ann", PASSWORD);
    await here.keyboard.press("Enter");
    await inRoom(here);
  });

  accountTest("a password is changed, and an account is deleted, with the password", async ({ visitors, base }) => {
    await account(base, "Ann");
    const [page, other] = [await visitors.page(), await visitors.page()];
    for (const each of [page, other]) await logIn(each, base, "Ann");
    for (const each of [page, other]) await each.goto(`${base}/account`);
    await other.getByLabel("Current password").waitFor();
    const change = async (old, fresh) => {
      await page.getByLabel("Current password").fill(old);
      await page.getByLabel("New password").fill(fresh);
      await page.keyboard.press("Enter");
    };
    await change("wrong horse", "battery staple");
    await alert(page, "Wrong password.").waitFor();
    await change(PASSWORD, "я".repeat(37));
    await alert(page, "at least 8 characters").waitFor();
    await page.getByText("Too long: 74 bytes").waitFor();
    await change(PASSWORD, "battery staple");
    await page.getByText("Password changed").waitFor();
    await other.getByLabel("Current password").fill(PASSWORD);
    await other.getByLabel("New password").fill("of somebody else");
    await other.keyboard.press("Enter");
    await alert(other, "Your login has expired.").waitFor();
    assert.equal(await other.getByLabel("Name", { exact: true }).inputValue(), "Ann");
    await other.goto(base);
    await button(other, "Log in").waitFor();
    await page.reload();

    await button(page, "Delete…").click();
    const dialog = page.getByRole("dialog", { name: "Delete Ann for good?" });
    await dialog.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await button(dialog, "Delete for good").click();
    await alert(dialog, "Wrong password.").waitFor();
    await expectAccessible(page, "the last question");
    await dialog.getByLabel("Password", { exact: true }).fill("battery staple");
    await page.keyboard.press("Enter");
    await button(page, "Register").waitFor();
    await account(base, "ann");
  });

  accountTest("password managers know what each field is", async ({ visitors, base }) => {
    const page = await visitors.page();
    const kinds = (form) =>
      form.locator("input").evaluateAll((fields) => fields.map((f) => `${f.autocomplete} ${f.type}`));
    for (const [path, expected] of [
      ["/login", ["username text", "current-password password"]],
      ["/register", ["username text", "new-password password"]],
    ]) {
      await page.goto(base + path);
      const form = page.locator("form[method=post]");
      await form.waitFor();
      assert.deepEqual(await kinds(form), expected);
    }
    await page.getByLabel("Password", { exact: true }).fill("see me");
    await button(page, "Show the password").click();
    assert.equal(await page.locator("[name=password]").getAttribute("type"), "text");
    await account(base, "Ann");
    await logIn(page, base, "Ann");
    await button(page, "Account").click();
    assert.deepEqual(await kinds(page.locator("form[method=post]")), [
      "username text",
      "current-password password",
      "new-password password",
    ]);
    assert.equal(await page.locator("form [name=username]").inputValue(), "Ann");
  });

  accountTest(
    "the views of accounts are accessible in both themes and on a phone, in both languages",
    async ({ visitors, base }) => {
      await account(base, "Анна");
      for (const options of [
        { colorScheme: "light" },
        { colorScheme: "dark", locale: "ru-RU" },
        { colorScheme: "dark", ...PHONE },
        { colorScheme: "light", locale: "ru-RU", ...PHONE },
      ]) {
        const page = await visitors.page(options);
        const of = JSON.stringify(options);
        const russian = options.locale !== undefined;
        const words = russian
          ? {
              log: "Войти в учётную запись",
              name: "Имя",
              password: "Пароль",
              go: "Ваше имя",
              account: "Учётная запись",
              wrong: "Неверное имя",
              title: "Учётная запись",
            }
          : {
              log: "Log in",
              name: "Name",
              password: "Password",
              go: "You appear as",
              account: "Account",
              wrong: "Wrong name",
              title: "Your account",
            };
        await page.goto(base);
        await button(page, words.log).waitFor();
        await fits(page);
        await expectAccessible(page, `landing with accounts, ${of}`);
        await page.goto(`${base}/register`);
        await page.getByLabel(words.password, { exact: true }).fill("x");
        await fits(page);
        await expectAccessible(page, `register, ${of}`);
        await page.goto(newRoom(base));
        await button(page, words.log).click();
        await page.getByLabel(words.name, { exact: true }).fill("Анна");
        await page.getByLabel(words.password, { exact: true }).fill("неверный");
        await page.keyboard.press("Enter");
        await alert(page, words.wrong).waitFor();
        await fits(page);
        await expectAccessible(page, `login, ${of}`);
        await page.getByLabel(words.password, { exact: true }).fill(PASSWORD);
        await page.keyboard.press("Enter");
        await inRoom(page);
        await fits(page);
        await expectAccessible(page, `room, verified, ${of}`);
        await page.goto(base);
        await page.getByText(`${words.go} Анна`).waitFor();
        await fits(page);
        await expectAccessible(page, `landing, verified, ${of}`);
        await button(page, words.account).click();
        await page.getByRole("heading", { name: words.title, exact: true }).waitFor();
        await fits(page);
        await expectAccessible(page, `account, ${of}`);
      }
    },
  );

  test("without accounts nothing of them shows, and no page waits for them", async ({ visitors, base }) => {
    const page = await visitors.page();
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    for (const path of ["/", "/login", "/register", "/account"]) {
      await page.goto(base + path);
      await button(page, "Create a room").waitFor();
      assert.equal(await page.getByText(/log in|register|account$/i).count(), 0, path);
    }
    asked.length = 0;
    await remember(page, "Ann");
    await page.goto(newRoom(base));
    await inRoom(page);
    assert.ok(!asked.includes("/api/visitor"), "a member with a name joins at once");
    assert.ok(!asked.some((path) => /Account/.test(path)));
    assert.equal(await people(page).getByText("verified").count(), 0);
  });
});
