// A problem in words, with the way out in this browser.

import { platformOf, type Platform } from "../devices/browser";
import { type CallProblem, permissionPlace } from "../devices/problem";
import type { Texts } from "./en";

export function problemText(t: Texts, problem: CallProblem, platform: Platform = platformOf(navigator)): string {
  const text = t.problems[problem];
  const place = t.places[permissionPlace(platform)];
  switch (problem) {
    case "mic_denied":
    case "camera_denied":
      return `${text} ${t.allow(place)}`;
    case "mic_dismissed":
    case "camera_dismissed":
      // Chromium asks again. Others may keep to the first answer until the page is opened anew.
      return platform.browser === "chromium" ? text : `${text} ${t.asksNoMore(place)}`;
    case "mic_system":
    case "camera_system":
      return `${text} ${t.allow(t.systems[platform.system])}`;
    default:
      return text;
  }
}

/** The user, or the browser, has refused both devices: one text. */
export function bothDeniedText(t: Texts, platform: Platform = platformOf(navigator)): string {
  return `${t.bothDenied} ${t.allow(t.places[permissionPlace(platform)])}`;
}
