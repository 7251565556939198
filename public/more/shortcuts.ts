// The keyboard shortcuts that there are. Those of the call come from the table that the call itself uses.

import { loadLocal, saveLocal } from "../storage/storage";
import { ALT, CALL_KEYS } from "../video/controls/keys";

type RoomShortcut = "send" | "newLine" | "edit" | "reactions" | "close" | "list";
export type Shortcut = RoomShortcut | keyof typeof CALL_KEYS | "talk";

/** What is pressed together is one text; one of several is a text of its own. */
const ROOM: Record<RoomShortcut, readonly string[]> = {
  send: ["Enter"],
  newLine: ["Shift+Enter"],
  edit: ["↑"],
  reactions: ["↑", "↓"],
  close: ["Esc"],
  list: ["?"],
};

export type ShortcutGroup = { of: "room" | "call"; shortcuts: { is: Shortcut; keys: readonly string[] }[] };

/** Shortcuts of the call are listed where there can be one. */
export function shortcutGroups(video: boolean): ShortcutGroup[] {
  const list = <Is extends Shortcut>(keys: Record<Is, readonly string[]>) =>
    (Object.entries(keys) as [Is, readonly string[]][]).map(([is, keys]) => ({ is, keys }));
  const alt = Object.fromEntries(Object.entries(CALL_KEYS).map(([is, key]) => [is, [`${ALT}${key}`]])) as Record<
    keyof typeof CALL_KEYS,
    string[]
  >;
  const call = { ...alt, talk: ["Space"] };
  return [{ of: "room", shortcuts: list(ROOM) }, ...(video ? [{ of: "call" as const, shortcuts: list(call) }] : [])];
}

/** A key that is a letter or a sign has to be one that can be turned off: programs that write by voice send them. */
const KEY = "parlor.list-key";

export function isListKeyOn(): boolean {
  return loadLocal(KEY) !== "off";
}

export function setListKey(on: boolean): void {
  saveLocal(KEY, on ? null : "off");
}
