// What the end of a connection means: its close code, and the error that the server sent before it.

import { ERRORS, type ErrorCode, type Reconnect } from "./generated/errors";

/** `afresh` is treated as a lost connection. */
export type RetryPolicy = Exclude<Reconnect, "afresh">;

export type CloseMeaning = { why: string; retry: RetryPolicy };

/** No close frame came: the connection broke. */
export const CONNECTION_LOST = 1006;

const LOST: CloseMeaning = { why: "lost", retry: "backoff" };

/** Of errors that share a close code, the one that ends a connection, where that is not the first. */
const USUAL: Record<number, ErrorCode> = { 4401: "login_required", 4429: "address_limit" };

function errorOf(closeCode: number): ErrorCode | undefined {
  const errors = Object.keys(ERRORS) as ErrorCode[];
  return (
    USUAL[closeCode] ??
    errors.find((error) => ERRORS[error].close === closeCode && ERRORS[error].reconnect !== "afresh")
  );
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

/** The close code that a WebSocket would have for an error: over HTTP there is only the error. */
export function closeCodeOf(code: string): number {
  if (!isErrorCode(code) || ERRORS[code].reconnect === "afresh") return CONNECTION_LOST;
  return ERRORS[code].close;
}

/** An unknown 4xxx code is still a refusal; any other unknown code is a broken connection. */
export function closeMeaning(code: number, given: string | null = null): CloseMeaning {
  const told = given !== null && isErrorCode(given) && ERRORS[given].close === code ? given : null;
  const error = told ?? errorOf(code);
  if (error === undefined) return code >= 4000 && code < 5000 ? { why: "unknown", retry: "never" } : LOST;
  const { reconnect } = ERRORS[error];
  return reconnect === "afresh" ? LOST : { why: error, retry: reconnect };
}
