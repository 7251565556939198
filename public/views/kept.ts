// What a browser keeps, and what the landing can wait for: a chunk that the landing and the menu of a room share.

import { parseAddress } from "../e2ee/key";
import { noteRoom } from "../storage/recent-rooms";

export { default as RecentRooms } from "./RecentRooms.svelte";
export { default as RememberRooms } from "./RememberRooms.svelte";
export { default as RoomPicture } from "./RoomPicture.svelte";
export { default as ThemeSwitch } from "./ThemeSwitch.svelte";
export { CHOICES } from "../i18n/choices";
export { isInstalled, registerWorker } from "../more/worker";
export { noteRoom };

/** The person does something in the room at this address: the landing will offer it again. */
export function noteVisit(href: string, now: number): void {
  const { room, key } = parseAddress(href);
  if (room?.id && key.is !== "damaged") noteRoom(room.id, key.is === "key" ? key.secret : null, now);
}
