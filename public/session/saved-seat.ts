// What a tab remembers of a seat.

import type { Log } from "../log/state";
import { type SavedSession, saveSession } from "../storage/storage";

/** Of a seat with a ticket: there is none before the first welcome, nor after a leave. */
export function saveSeat(
  key: string,
  { me, lastN, former }: Log,
  ticket: string | null,
  last: SavedSession["last"],
): void {
  if (me && ticket !== null) saveSession(key, { ...me, ticket, lastN, former, ...(last?.n ? { last } : {}) });
}
