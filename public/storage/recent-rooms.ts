// The rooms this browser was in, for the landing: their names, and their keys only where the person chose that.

import { isSecret, type Secret } from "../e2ee/key";
import { parseRoomId } from "../protocol/room-id";
import { loadLocal, RECENT, REMEMBER, saveLocal } from "./storage";

export type RecentRoom = {
  room: string;
  /** When the person was last there, by the browser's clock. */
  at: number;
  /** The room has a key. */
  sealed?: true;
  /** Kept only where the person chose to. */
  secret?: Secret;
};

export const REMEMBERING = ["off", "rooms", "keys"] as const;
/** Nothing is remembered, or rooms without their keys, or with them. */
export type Remembering = (typeof REMEMBERING)[number];

export const ROOMS_MAX = 8;
export const DAYS_KEPT = 30;
const KEPT_FOR = DAYS_KEPT * 86_400_000;

export function loadRemembering(): Remembering {
  const kept = loadLocal(REMEMBER);
  return REMEMBERING.find((choice) => choice === kept) ?? "rooms";
}

/** What is no longer to be remembered goes at once. */
export function saveRemembering(choice: Remembering, now: number): void {
  saveLocal(REMEMBER, choice === "rooms" ? null : choice);
  if (choice === "off") forgetRooms();
  if (choice === "rooms") save(recentRooms(now).map(({ secret: _, ...room }) => room));
}

/** The newest first. */
export function recentRooms(now: number): RecentRoom[] {
  let kept: unknown;
  try {
    kept = JSON.parse(loadLocal(RECENT) ?? "[]");
  } catch {
    return [];
  }
  const rooms = Array.isArray(kept) ? kept.filter(isRecentRoom) : [];
  return rooms.filter(({ at }) => at > now - KEPT_FOR && at <= now).sort((a, b) => b.at - a.at);
}

/** The person is in this room now. A visit without the key takes none away: the link with it is still what opens the room. */
export function noteRoom(room: string, secret: Secret | null, now: number): void {
  const choice = loadRemembering();
  if (choice === "off") return;
  const rooms = recentRooms(now);
  const known = rooms.find((one) => one.room === room);
  const noted: RecentRoom =
    secret === null
      ? { ...known, room, at: now }
      : { room, at: now, sealed: true, ...(choice === "keys" ? { secret } : {}) };
  save([noted, ...rooms.filter((one) => one.room !== room)].slice(0, ROOMS_MAX));
}

export function forgetRoom(room: string, now: number): void {
  save(recentRooms(now).filter((known) => known.room !== room));
}

export function forgetRooms(): void {
  saveLocal(RECENT, null);
}

function save(rooms: readonly RecentRoom[]): void {
  saveLocal(RECENT, rooms.length === 0 ? null : JSON.stringify(rooms));
}

function isRecentRoom(value: unknown): value is RecentRoom {
  const r = value as Partial<RecentRoom> | null;
  return (
    typeof r === "object" &&
    r !== null &&
    typeof r.room === "string" &&
    parseRoomId(r.room) === r.room &&
    typeof r.at === "number" &&
    (r.sealed === undefined || r.sealed === true) &&
    (r.secret === undefined || (typeof r.secret === "string" && isSecret(r.secret)))
  );
}
