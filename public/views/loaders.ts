// The views that a page does not show at first.

import { loadExplanation } from "./parts";

export const loadDamagedLink = () => import("./DamagedLink.svelte");
export const loadLanding = () => import("./Landing.svelte");
export const loadNamePrompt = () => import("./NamePrompt.svelte");
export const loadKnocking = () => import("./Knocking.svelte");
export const loadRoomEnded = () => import("./RoomEnded.svelte");
export const loadDialogs = () => import("./dialogs");
export const loadRename = () => import("./Rename.svelte");
export const loadMore = () => import("../more/More.svelte");

/** The minute and the room of the last preload. */
let last = "";

/**
 * The person does something in a room: what it may ask for when its network is away is fetched, and the visit noted.
 * Once a minute is enough: every key press calls this.
 */
export function preloadParts(): void {
  const now = Date.now();
  const visit = `${Math.floor(now / 60_000)} ${location.href}`;
  if (visit === last) return;
  last = visit;
  for (const load of [loadLanding, loadNamePrompt, loadRoomEnded, loadExplanation, loadDialogs, loadRename, loadMore])
    load().catch(() => {});
  import("./kept").then(
    ({ noteVisit }) => noteVisit(location.href, now),
    () => {},
  );
}
