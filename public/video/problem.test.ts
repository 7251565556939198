import { expect, test } from "vitest";
import { concerns, problemOf } from "./problem";
import { en } from "./i18n/en";
import { ru } from "./i18n/ru";

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

test("the dictionaries of the call say the same things", () => {
  const shape = (of: object): string[] =>
    Object.entries(of).flatMap(([key, value]) =>
      typeof value === "object" ? shape(value).map((k) => `${key}.${k}`) : [key],
    );
  expect(shape(ru)).toEqual(shape(en));
});
