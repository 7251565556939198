// What the end of a connection means: its close code, and the error that the server sent before it.

import { CLOSES, type Reconnect } from "./generated/errors";

/** `afresh` is treated as a lost connection. */
export type RetryPolicy = Exclude<Reconnect, "afresh">;

export type CloseMeaning = { why: string; retry: RetryPolicy };

/** No close frame came: the connection broke. */
export const CONNECTION_LOST = 1006;

const LOST: CloseMeaning = { why: "lost", retry: "backoff" };

/** Of errors that share a close code, the one that ends a connection, where that is not the first. */
const USUAL: Record<number, string> = {
  4400: "bad_frame",
  4401: "login_required",
  4429: "address_limit",
  4503: "store_unavailable",
};

type Row = { error: string; close: number; reconnect: Reconnect };

const ROWS: Row[] = CLOSES.flatMap(([close, reconnect, errors]) =>
  errors.split(" ").map((error) => ({ error, close, reconnect })),
);

/** The close code that a WebSocket would have for an error: over HTTP there is only the error. */
export function closeCodeOf(code: string): number {
  const row = ROWS.find(({ error }) => error === code);
  return row && row.reconnect !== "afresh" ? row.close : CONNECTION_LOST;
}

/** An unknown 4xxx code is still a refusal; any other unknown code is a broken connection. */
export function closeMeaning(code: number, given: string | null = null): CloseMeaning {
  const rows = ROWS.filter(({ close }) => close === code);
  const told = rows.find(({ error }) => error === given);
  if (told?.reconnect === "afresh") return LOST;
  const usual = USUAL[code];
  const row = told ?? rows.find(({ error, reconnect }) => (usual ? error === usual : reconnect !== "afresh"));
  if (row) return { why: row.error, retry: row.reconnect as RetryPolicy };
  return code >= 4000 && code < 5000 ? { why: "unknown", retry: "never" } : LOST;
}
