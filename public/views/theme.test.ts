import { afterEach, beforeEach, expect, test } from "vitest";
import { applyTheme, loadTheme, saveTheme } from "./theme";

beforeEach(() => {
  localStorage.clear();
  document.head.innerHTML =
    '<meta name="theme-color" media="(prefers-color-scheme: light)"><meta name="theme-color" media="(prefers-color-scheme: dark)">';
});
afterEach(() => applyTheme("light dark"));

const media = () => [...document.querySelectorAll<HTMLMetaElement>("meta")].map((meta) => meta.media);

test("the theme follows the system until one is chosen", () => {
  expect(loadTheme()).toBe("light dark");
  saveTheme("dark");
  expect([loadTheme(), document.documentElement.style.colorScheme]).toEqual(["dark", "dark"]);
  expect(media()).toEqual(["not all", ""]);
  saveTheme("light");
  expect([document.documentElement.style.colorScheme, ...media()]).toEqual(["light", "", "not all"]);
  saveTheme("light dark");
  expect([loadTheme(), document.documentElement.style.colorScheme, localStorage.length]).toEqual([
    "light dark",
    "light dark",
    0,
  ]);
  expect(media()).toEqual(["(prefers-color-scheme: light)", "(prefers-color-scheme: dark)"]);
});

test("what is no theme is not taken for one", () => {
  localStorage.setItem("parlor.theme", "blue");
  expect(loadTheme()).toBe("light dark");
});
