import { expect, test } from "vitest";
import { platformOf } from "./browser";

const MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";
const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
const CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0";

test.each([
  [`${WINDOWS} ${CHROME} Safari/537.36`, "chromium", "windows"],
  [`${WINDOWS} ${CHROME} Safari/537.36 Edg/140.0.0.0`, "chromium", "windows"],
  [`${MAC} ${CHROME} Safari/537.36`, "chromium", "macos"],
  [`Mozilla/5.0 (X11; Linux x86_64) ${CHROME} Safari/537.36 OPR/124.0.0.0`, "chromium", "other"],
  [`Mozilla/5.0 (Linux; Android 10; K) ${CHROME} Mobile Safari/537.36`, "chromium", "android"],
  [
    "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
    "chromium",
    "android",
  ],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0", "firefox", "windows"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:144.0) Gecko/20100101 Firefox/144.0", "firefox", "macos"],
  ["Mozilla/5.0 (Android 14; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0", "firefox", "android"],
  [`${MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15`, "safari", "macos"],
  [`${IPHONE} Version/18.5 Mobile/15E148 Safari/604.1`, "safari", "ios"],
  [`${IPHONE} CriOS/140.0.7339.39 Mobile/15E148 Safari/604.1`, "other", "ios"],
  [`${IPHONE} FxiOS/144.0 Mobile/15E148 Safari/605.1.15`, "other", "ios"],
  [`${IPHONE} Version/18.0 EdgiOS/140.0.3485.54 Mobile/15E148 Safari/604.1`, "other", "ios"],
  [`${IPHONE} Mobile/15E148`, "other", "ios"],
  [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
    "other",
    "other",
  ],
  ["", "other", "other"],
] as const)("%s", (userAgent, browser, system) => {
  expect(platformOf({ userAgent })).toEqual({ browser, system });
});

test("an iPad that asks for pages of a Mac is told from a Mac by its touch screen", () => {
  const userAgent = `${MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15`;
  expect(platformOf({ userAgent, maxTouchPoints: 5 })).toEqual({ browser: "safari", system: "ios" });
  expect(platformOf({ userAgent, maxTouchPoints: 0 })).toEqual({ browser: "safari", system: "macos" });
});

test("a Chromium that hides in its user agent is known by its brands", () => {
  const brands = [{ brand: "Not;A=Brand" }, { brand: "Chromium" }, { brand: "Some Browser" }];
  expect(platformOf({ userAgent: WINDOWS, userAgentData: { brands } }).browser).toBe("chromium");
});
