// What this tab and this browser remember: a seat, the transport that got
// through, and what is written and not sent yet, as long as the tab lives; a
// name and a language until the user forgets them. Never a message that was said.

import { parseTransport, type TransportName } from "../protocol/transport-name";

export type Seat = {
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
const seatKey = (room: string) => `parlor.seat.${room}`;

/** Storage may be forbidden or full; the page then simply remembers less. */
function attempt<T>(what: () => T): T | null {
  try {
    return what();
  } catch {
    return null;
  }
}

export function loadSeat(room: string): Seat | null {
  return attempt(() => {
    const seat: unknown = JSON.parse(sessionStorage.getItem(seatKey(room)) ?? "null");
    return isSeat(seat) ? seat : null;
  });
}

export function saveSeat(room: string, seat: Seat): void {
  attempt(() => sessionStorage.setItem(seatKey(room), JSON.stringify(seat)));
}

export function forgetSeat(room: string): void {
  attempt(() => sessionStorage.removeItem(seatKey(room)));
  saveCalling(room, false);
}

/** Whether this tab was in the call when its page went away. */
export function loadCalling(room: string): boolean {
  return attempt(() => sessionStorage.getItem(callKey(room))) !== null;
}

export function saveCalling(room: string, calling: boolean): void {
  attempt(() => (calling ? sessionStorage.setItem(callKey(room), "1") : sessionStorage.removeItem(callKey(room))));
}

/** Somebody else is to sit here next: what was written and allowed here is not theirs either. */
export function forgetSeats(): void {
  attempt(() => {
    for (const key of Object.keys(sessionStorage))
      if ([seatKey(""), draftKey(""), callKey(""), plainKey("")].some((kind) => key.startsWith(kind)))
        sessionStorage.removeItem(key);
  });
}

/** Whether this tab was told to write plain words among sealed ones in this room. */
export function loadPlain(room: string): boolean {
  return attempt(() => sessionStorage.getItem(plainKey(room))) !== null;
}

export function savePlain(room: string): void {
  attempt(() => sessionStorage.setItem(plainKey(room), "1"));
}

/** What was written in this tab and not sent. It is kept as it is, also in a room with a key: no other tab and no server gets it. */
export function loadDraft(room: string): string {
  return attempt(() => sessionStorage.getItem(draftKey(room))) ?? "";
}

export function saveDraft(room: string, draft: string): void {
  attempt(() =>
    draft === "" ? sessionStorage.removeItem(draftKey(room)) : sessionStorage.setItem(draftKey(room), draft),
  );
}

export function loadTransport(): TransportName | null {
  return parseTransport(attempt(() => sessionStorage.getItem(TRANSPORT)));
}

export function saveTransport(transport: TransportName): void {
  attempt(() => sessionStorage.setItem(TRANSPORT, transport));
}

export function loadName(): string | null {
  return attempt(() => localStorage.getItem(NAME)) || null;
}

/** Under which name this tab would go into a room; null where somebody has to be asked. */
export function knownAs(room: string): string | null {
  return loadSeat(room)?.user ?? loadName();
}

export function saveName(name: string): void {
  attempt(() => localStorage.setItem(NAME, name));
}

export function forgetName(): void {
  attempt(() => localStorage.removeItem(NAME));
}

export function loadLanguage(): string | null {
  return attempt(() => localStorage.getItem(LANGUAGE));
}

export function saveLanguage(language: string): void {
  attempt(() => localStorage.setItem(LANGUAGE, language));
}

function isSeat(value: unknown): value is Seat {
  const s = value as Partial<Seat> | null;
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
