import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { en } from "../i18n/en";
import { ru } from "../i18n/ru";
import { i18n } from "../i18n/i18n.svelte";
import { lazyParts } from "./lazy-parts.svelte";
import LanguageSwitcher from "./LanguageSwitcher.svelte";

let over = () => {};
beforeEach(() => i18n.switch("en"));
afterEach(() => {
  over();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function languages() {
  const target = document.createElement("div");
  document.body.append(target);
  const view = mount(LanguageSwitcher, { target });
  over = () => {
    void unmount(view);
    target.remove();
  };
  const choose = (language: string) => target.querySelector<HTMLElement>(`[lang=${language}]`)!.click();
  const shows = () => [
    target.querySelector("[aria-pressed=true]")!.getAttribute("lang"),
    target.querySelector("[role=alert]")?.textContent ?? "",
  ];
  /** Languages and answers are fetched, which takes its time. */
  const soon = (language: string, text: string) =>
    vi.waitFor(
      () => {
        flushSync();
        expect(shows()).toEqual([language, text]);
      },
      { timeout: 20_000 },
    );
  return { choose, shows, soon };
}

test("a language that cannot be fetched is named, and the one before stays", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("offline")));
  const { choose, soon } = languages();
  const away = vi.spyOn(i18n, "switch").mockRejectedValue(new TypeError("offline"));
  choose("ru");
  await soon("en", en.languageFailed("Русский"));
  away.mockRestore();
  choose("ru");
  await soon("ru", "");
  vi.spyOn(i18n, "switch").mockRejectedValue(new TypeError("offline"));
  choose("en");
  await soon("ru", ru.languageFailed("English"));
});

test("what fails when another language has been chosen since is not said", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("offline")));
  const { choose, shows } = languages();
  let fail!: (cause: Error) => void;
  vi.spyOn(i18n, "switch").mockImplementationOnce(() => new Promise((_, reject) => (fail = reject)));
  choose("ru");
  choose("en");
  fail(new TypeError("offline"));
  for (let turns = 0; turns < 10; turns += 1) await new Promise((then) => setTimeout(then));
  flushSync();
  expect(shows()).toEqual(["en", ""]);
});

test("a page that is older than its server says so", async () => {
  lazyParts.problem = null;
  // Not one that runs.
  vi.spyOn(document, "querySelector").mockReturnValue(
    Object.assign(document.createElement("script"), { type: "module" }),
  );
  vi.spyOn(HTMLScriptElement.prototype, "src", "get").mockReturnValue("http://localhost/assets/old.js");
  vi.stubGlobal("fetch", () => Promise.resolve(new Response("<html>another page</html>")));
  const { choose, soon } = languages();
  vi.spyOn(i18n, "switch").mockRejectedValue(new TypeError("gone"));
  choose("ru");
  await soon("en", en.pageOld);
});
