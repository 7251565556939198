import { expect, test } from "vitest";
import { tongue } from "../words/words.svelte";
import { bytesOf, isPassword } from "./desk";
import { refused } from "./refused";

test("a password is measured in bytes, as the server measures it", () => {
  expect(["x", "я", "€", "👍", "👩‍🚀"].map(bytesOf)).toEqual([1, 2, 3, 4, 11]);
  for (const good of ["12345678", "пароль", "x".repeat(72), "я".repeat(36), "👍👍"])
    expect(isPassword(good), good).toBe(true);
  for (const bad of ["", "1234567", "дом", "x".repeat(73), "я".repeat(37), "1234567\0"])
    expect(isPassword(bad), bad).toBe(false);
});

test("a refusal says how long to wait, and never nothing", async () => {
  await tongue.switch("en");
  expect(refused({ code: "rate_limited", retryAfter: 61_000 })).toBe("Too many attempts. Try again in 2 minutes.");
  expect(refused({ code: "accounts_busy", retryAfter: 5_000 })).toBe(
    "Too many people are logging in right now. Try again in 5 seconds.",
  );
  expect(refused({ code: "of tomorrow", retryAfter: null })).toMatch(/unknown reason/);
  await tongue.switch("ru");
  expect(refused({ code: "rate_limited", retryAfter: 60_000 })).toBe(
    "Слишком много попыток. Попробуйте через 1 минуту.",
  );
});
