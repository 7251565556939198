// What is kept in sessionStorage (seat, transport, draft) and in localStorage (name, language, what the person chose).
// Never a message that was sent.

import { parseTransport, type TransportName } from "../protocol/transport-name";

export type SavedSession = {
  clientId: string;
  user: string;
  ticket: string;
  lastN: number;
  former: readonly string[];
  /** The newest sealed line of this seat that is known to have arrived. */
  last?: { n: number; id: string };
};

const TRANSPORT = "parlor.transport";
const NAME = "parlor.name";
const LANGUAGE = "parlor.language";
/** The rooms this browser was in. */
export const RECENT = "parlor.recent";
/** How much of those rooms is kept. */
export const REMEMBER = "parlor.remember";
/** What is to tell the person of new messages; missing where nothing is. */
export const NUDGE = "parlor.nudge";
/** The devices chosen last for a call. */
export const DEVICES = "parlor.devices";
/** Whether a muted user speaks while a key is held. */
export const TALK = "parlor.talk";
/** The effects on camera and microphone; missing where none is wanted. */
export const EFFECTS = "parlor.effects";
const plainKey = (room: string) => `parlor.plain.${room}`;
const draftKey = (room: string) => `parlor.draft.${room}`;
const replyKey = (room: string) => `parlor.reply.${room}`;
const callKey = (room: string) => `parlor.call.${room}`;
const sessionKey = (room: string) => `parlor.seat.${room}`;

/** Storage may be forbidden or full; the page then simply remembers less. */
function tryStorage<T>(what: () => T): T | null {
  try {
    return what();
  } catch {
    return null;
  }
}

/** What the browser keeps for all its tabs. */
export function loadLocal(key: string): string | null {
  return tryStorage(() => localStorage.getItem(key));
}

/** Null removes it. */
export function saveLocal(key: string, value: string | null): void {
  tryStorage(() => (value === null ? localStorage.removeItem(key) : localStorage.setItem(key, value)));
}

export function loadSession(room: string): SavedSession | null {
  return tryStorage(() => {
    const session: unknown = JSON.parse(sessionStorage.getItem(sessionKey(room)) ?? "null");
    return isSavedSession(session) ? session : null;
  });
}

export function saveSession(room: string, session: SavedSession): void {
  tryStorage(() => sessionStorage.setItem(sessionKey(room), JSON.stringify(session)));
}

export function forgetSession(room: string): void {
  tryStorage(() => sessionStorage.removeItem(sessionKey(room)));
  saveCall(room, null);
}

/** Nothing of a room that has ended stays in this browser, its place among the recent rooms included. */
export function forgetRoom(room: string): void {
  tryStorage(() => {
    for (const key of [sessionKey, draftKey, replyKey, callKey, plainKey]) sessionStorage.removeItem(key(room));
    const kept = (JSON.parse(loadLocal(RECENT) ?? "[]") as { room?: unknown }[]).filter((one) => one.room !== room);
    saveLocal(RECENT, kept.length === 0 ? null : JSON.stringify(kept));
  });
}

/** The devices of the call in which this tab was when its page went away; null where it was in none. */
export function loadCall(room: string): string | null {
  return tryStorage(() => sessionStorage.getItem(callKey(room)));
}

/** Null: the call was left. */
export function saveCall(room: string, call: string | null): void {
  tryStorage(() =>
    call === null ? sessionStorage.removeItem(callKey(room)) : sessionStorage.setItem(callKey(room), call),
  );
}

/** Another user takes over this tab: seats, drafts, permissions, rooms and choices of the one before are removed. */
export function forgetSessions(): void {
  for (const key of [RECENT, REMEMBER, NUDGE, DEVICES, TALK, EFFECTS]) saveLocal(key, null);
  tryStorage(() => {
    for (const key of Object.keys(sessionStorage))
      if ([sessionKey, draftKey, replyKey, callKey, plainKey].some((kind) => key.startsWith(kind(""))))
        sessionStorage.removeItem(key);
  });
}

/** Whether the user allowed unencrypted text in this room. */
export function loadPlainAllowed(room: string): boolean {
  return tryStorage(() => sessionStorage.getItem(plainKey(room))) !== null;
}

export function allowPlain(room: string): void {
  tryStorage(() => sessionStorage.setItem(plainKey(room), "1"));
}

/** The draft, unencrypted even in a room with a key: it stays in this tab's storage. */
export function loadDraft(room: string): string {
  return tryStorage(() => sessionStorage.getItem(draftKey(room))) ?? "";
}

export function saveDraft(room: string, draft: string): void {
  tryStorage(() =>
    draft === "" ? sessionStorage.removeItem(draftKey(room)) : sessionStorage.setItem(draftKey(room), draft),
  );
}

/** The message that the draft answers. */
export function loadReply(room: string): number | null {
  return tryStorage(() => Number(sessionStorage.getItem(replyKey(room)))) || null;
}

export function saveReply(room: string, seq: number | null): void {
  tryStorage(() =>
    seq === null ? sessionStorage.removeItem(replyKey(room)) : sessionStorage.setItem(replyKey(room), String(seq)),
  );
}

export function loadTransport(): TransportName | null {
  return parseTransport(tryStorage(() => sessionStorage.getItem(TRANSPORT)));
}

export function saveTransport(transport: TransportName): void {
  tryStorage(() => sessionStorage.setItem(TRANSPORT, transport));
}

export function loadName(): string | null {
  return loadLocal(NAME) || null;
}

/** The name this tab would join under; null where the page has to ask. */
export function savedNameFor(room: string): string | null {
  return loadSession(room)?.user ?? loadName();
}

export function saveName(name: string): void {
  saveLocal(NAME, name);
}

export function forgetName(): void {
  saveLocal(NAME, null);
}

export function loadLanguage(): string | null {
  return loadLocal(LANGUAGE);
}

export function saveLanguage(language: string): void {
  saveLocal(LANGUAGE, language);
}

function isSavedSession(value: unknown): value is SavedSession {
  const s = value as Partial<SavedSession> | null;
  return (
    typeof s === "object" &&
    s !== null &&
    typeof s.clientId === "string" &&
    typeof s.user === "string" &&
    typeof s.ticket === "string" &&
    typeof s.lastN === "number" &&
    Array.isArray(s.former) &&
    (s.last === undefined || (typeof s.last?.n === "number" && typeof s.last.id === "string"))
  );
}
