// The devices of this tab's call in a room: after a reload the call is joined again with them.

import type { MediaPrefs } from "../video/media-prefs";
import { loadCall, saveCall } from "./storage";

/** Null where nothing was kept, or what was kept cannot be read. */
export function loadCallPrefs(room: string): MediaPrefs | null {
  try {
    const kept: unknown = JSON.parse(loadCall(room) ?? "null");
    return isMediaPrefs(kept) ? kept : null;
  } catch {
    return null;
  }
}

export function saveCallPrefs(room: string, prefs: MediaPrefs): void {
  saveCall(room, JSON.stringify(prefs));
}

function isMediaPrefs(value: unknown): value is MediaPrefs {
  const prefs = value as Partial<MediaPrefs> | null;
  return (
    typeof prefs === "object" &&
    prefs !== null &&
    typeof prefs.mic === "boolean" &&
    typeof prefs.camera === "boolean" &&
    typeof prefs.micId === "string" &&
    typeof prefs.cameraId === "string"
  );
}
