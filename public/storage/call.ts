// The devices of calls: of this tab's call, which is joined again with them after a reload, and those chosen last.

import type { MediaPrefs } from "../video/devices/media-prefs";
import { DEVICES, loadCall, loadLocal, saveCall, saveLocal, TALK } from "./storage";

/** Null where nothing was kept, or what was kept cannot be read. */
export function loadCallPrefs(room: string): MediaPrefs | null {
  return parsePrefs(loadCall(room));
}

export function saveCallPrefs(room: string, prefs: MediaPrefs): void {
  saveCall(room, JSON.stringify(prefs));
}

/** What the user chose for the last call, in any tab. */
export function loadDevices(): MediaPrefs | null {
  return parsePrefs(loadLocal(DEVICES));
}

export function saveDevices(prefs: MediaPrefs): void {
  saveLocal(DEVICES, JSON.stringify(prefs));
}

/** Whether the muted user speaks while a key is held. */
export function loadTalk(): boolean {
  return loadLocal(TALK) !== null;
}

export function saveTalk(on: boolean): void {
  saveLocal(TALK, on ? "1" : null);
}

function parsePrefs(text: string | null): MediaPrefs | null {
  try {
    const kept: unknown = JSON.parse(text ?? "null");
    return isMediaPrefs(kept) ? kept : null;
  } catch {
    return null;
  }
}

function isMediaPrefs(value: unknown): value is MediaPrefs {
  const prefs = value as Partial<MediaPrefs> | null;
  return (
    typeof prefs === "object" &&
    prefs !== null &&
    typeof prefs.mic === "boolean" &&
    typeof prefs.camera === "boolean" &&
    typeof prefs.micId === "string" &&
    typeof prefs.cameraId === "string" &&
    typeof prefs.speakerId === "string"
  );
}
