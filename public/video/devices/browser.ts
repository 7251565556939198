// Which browser and system this is: where a camera is allowed depends on it.

export type Browser = "chromium" | "firefox" | "safari" | "other";
export type System = "macos" | "windows" | "ios" | "android" | "other";
export type Platform = { readonly browser: Browser; readonly system: System };

/** What browsers say of themselves. Only Chromium has `userAgentData`. */
export type BrowserIdentity = {
  readonly userAgent: string;
  readonly maxTouchPoints?: number;
  readonly userAgentData?: { readonly brands: readonly { readonly brand: string }[] };
};

export function platformOf({ userAgent, maxTouchPoints = 0, userAgentData }: BrowserIdentity): Platform {
  const has = (pattern: RegExp) => pattern.test(userAgent);
  // An iPad says that it is a Mac, and no Mac has a touch screen.
  const ios = has(/iPhone|iPad|iPod/) || (has(/Macintosh/) && maxTouchPoints > 1);
  const system = ios
    ? "ios"
    : has(/Android/)
      ? "android"
      : has(/Windows/)
        ? "windows"
        : has(/Macintosh/)
          ? "macos"
          : "other";
  if (ios) {
    // The other browsers of iOS, and pages inside apps, have no settings of websites.
    const safari = has(/Version\/.* Safari\//) && !has(/CriOS|FxiOS|EdgiOS|OPiOS|OPT\/|DuckDuckGo|YaBrowser/);
    return { browser: safari ? "safari" : "other", system };
  }
  if (has(/Firefox\//)) return { browser: "firefox", system };
  const brands = userAgentData?.brands ?? [];
  if (brands.some(({ brand }) => brand === "Chromium") || has(/Chrom(e|ium)\//)) return { browser: "chromium", system };
  return { browser: system === "macos" && has(/Version\/.* Safari\//) ? "safari" : "other", system };
}
