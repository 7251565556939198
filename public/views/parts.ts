// Parts that a room does not show at first.

export const loadOutside = () => import("./outside");
export const loadExplanation = () => import("../e2ee/explanation");

/** What a room may ask for when its network is away. */
export function preloadParts(): void {
  loadOutside().catch(() => {});
  loadExplanation().catch(() => {});
}
