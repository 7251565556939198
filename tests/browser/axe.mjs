// What axe finds wrong with a page.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

/** The page's policy forbids a script tag, so axe is evaluated from outside. */
export async function expectAccessible(page, where) {
  // Colours in a transition would be judged as they are on the way.
  await page.waitForFunction(() =>
    document.getAnimations().every((a) => a.playState !== "running" || a.effect?.getTiming().iterations === Infinity),
  );
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations, passes } = await globalThis.axe.run({ runOnly: tags });
    return {
      passes: passes.length,
      violations: violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`),
    };
  });
  assert.deepEqual(found.violations, [], where);
  assert.ok(found.passes > 5, `${where} was looked at`);
}
