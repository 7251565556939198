import { afterEach, expect, test, vi } from "vitest";
import { type CallProblem, concerns, explain, permissionPlace, problemOf, retriable, withProblem } from "./problem";
import { EffectError } from "../../effects/effect-error";
import { en } from "../i18n/en";
import { bothDeniedText, problemText } from "../i18n/problem-text";
import { ru } from "../i18n/ru";

afterEach(() => vi.unstubAllGlobals());

test("every error of a device has its own message in both languages", () => {
  const names = [
    "NotAllowedError",
    "SecurityError",
    "NotFoundError",
    "OverconstrainedError",
    "NotReadableError",
    "AbortError",
  ];
  for (const device of ["mic", "camera", "screen"] as const) {
    const problems = names.map((name) => problemOf(new DOMException("", name), device));
    expect(problems).toEqual(
      ["denied", "denied", "missing", "missing", "busy", "busy"].map((why) => `${device}_${why}`),
    );
    for (const problem of problems) {
      expect(["mic", "camera", "screen"].filter((other) => concerns(problem, other as typeof device))).toEqual([
        device,
      ]);
      expect(en.problems[problem]).not.toBe(ru.problems[problem]);
    }
  }
  expect(new Set(Object.values(en.problems)).size).toBe(Object.keys(en.problems).length);
});

test("what is no error of a browser is a device that does not work", () => {
  expect(problemOf("boom", "mic")).toBe("mic_busy");
  expect(problemOf(null, "camera")).toBe("camera_busy");
  expect(concerns("unreachable", "mic")).toBe(false);
  expect(concerns("insecure", "camera")).toBe(true);
});

test("what was denied says by whom, where the browser tells", async () => {
  const denied = (message: string) => explain(new DOMException(message, "NotAllowedError"), "camera");
  const permissions = (answer: () => Promise<unknown>) =>
    vi.stubGlobal("navigator", { permissions: { query: answer } });
  permissions(async () => ({ state: "denied" }));
  expect(await denied("Permission denied by system")).toBe("camera_system");
  expect(await denied("Permission dismissed")).toBe("camera_dismissed");
  expect(await denied("Permission denied")).toBe("camera_denied");
  permissions(async () => ({ state: "prompt" }));
  expect(await denied("not allowed in the current context")).toBe("camera_dismissed");
  permissions(() => Promise.reject(new TypeError("no such permission")));
  expect(await denied("")).toBe("camera_denied");
  vi.stubGlobal("navigator", {});
  expect(await denied("")).toBe("camera_denied");
  expect(await explain(new DOMException("", "NotAllowedError"), "screen")).toBe("screen_denied");
  expect(await explain(new DOMException("", "NotFoundError"), "mic")).toBe("mic_missing");
});

test("each browser and each system has its own way to allow a camera", () => {
  const on = (browser: "chromium" | "firefox" | "safari" | "other", system: "macos" | "ios" | "android" | "other") =>
    permissionPlace({ browser, system });
  expect([on("chromium", "macos"), on("chromium", "android")]).toEqual(["chromium", "chromium"]);
  expect([on("firefox", "macos"), on("firefox", "android")]).toEqual(["firefox", "firefoxAndroid"]);
  expect([on("safari", "macos"), on("safari", "ios")]).toEqual(["safari", "safariIos"]);
  expect([on("other", "ios"), on("other", "other")]).toEqual(["ios", "other"]);
  for (const t of [en, ru]) {
    const firefox = { browser: "firefox", system: "windows" } as const;
    expect(problemText(t, "camera_denied", firefox)).toContain(t.places.firefox);
    expect(problemText(t, "mic_dismissed", firefox)).toContain(t.places.firefox);
    expect(problemText(t, "mic_dismissed", { browser: "chromium", system: "windows" })).toBe(t.problems.mic_dismissed);
    expect(problemText(t, "camera_system", firefox)).toContain(t.systems.windows);
    expect(bothDeniedText(t, firefox)).toContain(t.places.firefox);
    expect(problemText(t, "camera_busy", firefox)).toBe(t.problems.camera_busy);
    expect(new Set(Object.values(t.places)).size).toBe(Object.keys(t.places).length);
  }
});

test("a device that failed can be tried again", () => {
  expect([retriable("mic_denied"), retriable("camera_ended")]).toEqual(["mic", "camera"]);
  expect([retriable("screen_busy"), retriable("speaker_failed"), retriable("unreachable")]).toEqual([null, null, null]);
});

test("only a camera stays off for want of its effect", () => {
  const failed = new EffectError("away");
  expect([problemOf(failed, "camera"), problemOf(failed, "mic")]).toEqual(["camera_effect", "mic_busy"]);
});

test("each device has one problem at a time, and they stand beside each other", () => {
  const told: CallProblem[] = ["mic_denied", "camera_denied", "mic_busy", "insecure", "insecure", "screen_busy"];
  const all = told.reduce<readonly CallProblem[]>(withProblem, []);
  expect(all).toEqual(["camera_denied", "mic_busy", "insecure", "screen_busy"]);
  expect(all.filter((problem) => !concerns(problem, "mic"))).toEqual(["camera_denied", "screen_busy"]);
});

test("the dictionaries of the call say the same things", () => {
  const shape = (of: object): string[] =>
    Object.entries(of).flatMap(([key, value]) =>
      typeof value === "object" ? shape(value).map((k) => `${key}.${k}`) : [key],
    );
  expect(shape(ru)).toEqual(shape(en));
});
