// What is to tell the person of new messages: all of it off until it is chosen, and kept in the browser.

import { loadLocal, NUDGE, saveLocal } from "../storage/storage";

/**
 * - `insecure`, `missing`: browsers offer notifications to pages that come by https, and some to none
 * - `failed`: the service worker could not be registered
 */
export type Permission = NotificationPermission | "insecure" | "missing" | "failed";

export type NudgePrefs = {
  notify: boolean;
  /** Only what names the person, or answers a message of theirs. */
  mentionsOnly: boolean;
  /** Notifications show the text in rooms with a key too. */
  sealedText: boolean;
  sound: boolean;
  /** The number of unread messages on the icon of the tab and of the app. */
  badge: boolean;
  /** A tone when a call begins, also while the room is in sight. */
  ring: boolean;
};

export const QUIET: NudgePrefs = {
  notify: false,
  mentionsOnly: false,
  sealedText: false,
  sound: false,
  badge: false,
  ring: false,
};

export function loadNudge(): NudgePrefs {
  return parseNudge(loadLocal(NUDGE));
}

export function parseNudge(text: string | null): NudgePrefs {
  let kept: unknown = null;
  try {
    kept = JSON.parse(text ?? "null");
  } catch {
    // What cannot be read was not chosen.
  }
  const chosen = (typeof kept === "object" && kept !== null ? kept : {}) as Record<string, unknown>;
  const on = (what: keyof NudgePrefs) => chosen[what] === true;
  return {
    notify: on("notify"),
    mentionsOnly: on("mentionsOnly"),
    sealedText: on("sealedText"),
    sound: on("sound"),
    badge: on("badge"),
    ring: on("ring"),
  };
}

/** Where nothing nudges nothing is kept, and a room loads no more than before. */
export function saveNudge(prefs: NudgePrefs): void {
  saveLocal(NUDGE, prefs.notify || prefs.sound || prefs.badge || prefs.ring ? JSON.stringify(prefs) : null);
}
