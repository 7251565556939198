import { expect, test } from "vitest";
import { i18n } from "../i18n/i18n.svelte";
import { isPassword } from "./api";
import { errorText } from "./error-text";

test("a password is measured in bytes, as the server measures it", () => {
  for (const good of ["12345678", "пароль", "x".repeat(72), "я".repeat(36), "👍👍"])
    expect(isPassword(good), good).toBe(true);
  for (const bad of ["", "1234567", "дом", "x".repeat(73), "я".repeat(37), "1234567\0"])
    expect(isPassword(bad), bad).toBe(false);
});

test("a refusal says how long to wait, and never nothing", async () => {
  await i18n.switch("en");
  expect(errorText({ code: "rate_limited", retryAfter: 61_000 })).toBe("Too many attempts. Try again in 2 minutes.");
  expect(errorText({ code: "accounts_busy", retryAfter: 5_000 })).toBe(
    "Too many people are logging in right now. Try again in 5 seconds.",
  );
  expect(errorText({ code: "of tomorrow", retryAfter: null })).toMatch(/unknown reason/);
  await i18n.switch("ru");
  expect(errorText({ code: "rate_limited", retryAfter: 60_000 })).toBe(
    "Слишком много попыток. Попробуйте через 1 минуту.",
  );
});
