import { expect, test } from "vitest";
import { isOf, troubleOf } from "./trouble";
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
    const troubles = names.map((name) => troubleOf(new DOMException("", name), device));
    expect(troubles).toEqual(
      ["denied", "denied", "missing", "missing", "busy", "busy"].map((why) => `${device}_${why}`),
    );
    for (const trouble of troubles) {
      expect(["mic", "camera", "screen"].filter((other) => isOf(trouble, other as typeof device))).toEqual([device]);
      expect(en.troubles[trouble]).not.toBe(ru.troubles[trouble]);
    }
  }
  expect(new Set(Object.values(en.troubles)).size).toBe(Object.keys(en.troubles).length);
});

test("what is no error of a browser is a device that does not work", () => {
  expect(troubleOf("boom", "mic")).toBe("mic_busy");
  expect(troubleOf(null, "camera")).toBe("camera_busy");
  expect(isOf("unreachable", "mic")).toBe(false);
  expect(isOf("insecure", "camera")).toBe(true);
});

test("the dictionaries of the call say the same things", () => {
  const shape = (of: object): string[] =>
    Object.entries(of).flatMap(([key, value]) =>
      typeof value === "object" ? shape(value).map((k) => `${key}.${k}`) : [key],
    );
  expect(shape(ru)).toEqual(shape(en));
});
