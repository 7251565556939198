// What this tab and this browser remember: a seat, the transport that got
// through, and what is written and not sent yet, as long as the tab lives; a
// name and a language until the user forgets them. Never a message that was said.

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
const plainKey = (room: string) => `parlor.plain.${room}`;
const draftKey = (room: string) => `parlor.draft.${room}`;
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
  saveInCall(room, false);
}

/** Whether this tab was in the call when its page went away. */
export function loadInCall(room: string): boolean {
  return tryStorage(() => sessionStorage.getItem(callKey(room))) !== null;
}

export function saveInCall(room: string, calling: boolean): void {
  tryStorage(() => (calling ? sessionStorage.setItem(callKey(room), "1") : sessionStorage.removeItem(callKey(room))));
}

/** Somebody else is to sit here next: what was written and allowed here is not theirs either. */
export function forgetSessions(): void {
  tryStorage(() => {
    for (const key of Object.keys(sessionStorage))
      if ([sessionKey(""), draftKey(""), callKey(""), plainKey("")].some((kind) => key.startsWith(kind)))
        sessionStorage.removeItem(key);
  });
}

/** Whether this tab was told to write plain words among sealed ones in this room. */
export function loadPlainAllowed(room: string): boolean {
  return tryStorage(() => sessionStorage.getItem(plainKey(room))) !== null;
}

export function allowPlain(room: string): void {
  tryStorage(() => sessionStorage.setItem(plainKey(room), "1"));
}

/** What was written in this tab and not sent. It is kept as it is, also in a room with a key: no other tab and no server gets it. */
export function loadDraft(room: string): string {
  return tryStorage(() => sessionStorage.getItem(draftKey(room))) ?? "";
}

export function saveDraft(room: string, draft: string): void {
  tryStorage(() =>
    draft === "" ? sessionStorage.removeItem(draftKey(room)) : sessionStorage.setItem(draftKey(room), draft),
  );
}

export function loadTransport(): TransportName | null {
  return parseTransport(tryStorage(() => sessionStorage.getItem(TRANSPORT)));
}

export function saveTransport(transport: TransportName): void {
  tryStorage(() => sessionStorage.setItem(TRANSPORT, transport));
}

export function loadName(): string | null {
  return tryStorage(() => localStorage.getItem(NAME)) || null;
}

/** Under which name this tab would go into a room; null where somebody has to be asked. */
export function savedNameFor(room: string): string | null {
  return loadSession(room)?.user ?? loadName();
}

export function saveName(name: string): void {
  tryStorage(() => localStorage.setItem(NAME, name));
}

export function forgetName(): void {
  tryStorage(() => localStorage.removeItem(NAME));
}

export function loadLanguage(): string | null {
  return tryStorage(() => localStorage.getItem(LANGUAGE));
}

export function saveLanguage(language: string): void {
  tryStorage(() => localStorage.setItem(LANGUAGE, language));
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
