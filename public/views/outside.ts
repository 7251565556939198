// The views outside of a room, in a chunk of their own: a visit to a room needs none of them, but for what its menu has
// in common with the landing.

import { parseAddress } from "../e2ee/key";
import { noteRoom } from "../storage/recent-rooms";

export { default as DamagedLink } from "./DamagedLink.svelte";
export { default as Landing } from "./Landing.svelte";
export { default as RememberRooms } from "./RememberRooms.svelte";
export { default as ThemeSwitch } from "./ThemeSwitch.svelte";
export { CHOICES } from "../i18n/choices";
export { noteRoom };

/** The person does something in the room at this address: the landing will offer it again. */
export function noteVisit(href: string, now: number): void {
  const { room, key } = parseAddress(href);
  if (room?.id && key.is !== "damaged") noteRoom(room.id, key.is === "key" ? key.secret : null, now);
}
