// Parts that a room does not show at first.

export const loadOutside = () => import("./outside");
export const loadExplanation = () => import("../e2ee/explanation");
export const loadMore = () => import("../more/More.svelte");

/** The person does something in a room: what it may ask for when its network is away is fetched. */
export function preloadParts(): void {
  loadOutside().catch(() => {});
  loadExplanation().catch(() => {});
  loadMore().then(
    (part) => part.noteVisit(location.href, Date.now()),
    () => {},
  );
}
