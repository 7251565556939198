// Light, dark, or as the system has it: kept in the browser, and applied before anything is drawn.

import { loadLocal, saveLocal } from "../storage/storage";

/** As CSS calls them: the first is the system's choice. */
export const THEMES = ["light dark", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** Where the browser keeps it. */
export const THEME = "parlor.theme";

export function loadTheme(): Theme {
  const kept = loadLocal(THEME);
  return THEMES.find((theme) => theme === kept) ?? "light dark";
}

export function saveTheme(theme: Theme): void {
  saveLocal(THEME, theme === "light dark" ? null : theme);
  applyTheme(theme);
}

/** The style sheet's colours follow the scheme of the root, the browser's bar one of the two `theme-color`. */
export function applyTheme(theme: Theme): void {
  document.documentElement.style.colorScheme = theme;
  document.querySelectorAll<HTMLMetaElement>("[name=theme-color]").forEach((bar, i) => {
    const scheme = THEMES[i + 1]!;
    bar.media = theme === scheme ? "" : theme.includes(scheme) ? `(prefers-color-scheme: ${scheme})` : "not all";
  });
}
