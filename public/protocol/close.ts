// What a close code means, and whether to reconnect.

export type RetryPolicy =
  /** Never by itself: the same request would meet the same answer. */
  | "no"
  /** The seat is open elsewhere; taking it back is for the user to decide. */
  | "ask"
  | "now"
  | "backoff"
  /** Nothing is broken, but there is no place yet. */
  | "later";

export type CloseMeaning = { why: string; retry: RetryPolicy };

const TABLE: Record<number, CloseMeaning> = {
  1000: { why: "left", retry: "no" },
  1009: { why: "frame_too_big", retry: "backoff" },
  1011: { why: "internal", retry: "backoff" },
  1012: { why: "restarting", retry: "backoff" },
  1013: { why: "too_slow", retry: "now" },
  4001: { why: "replaced", retry: "ask" },
  4400: { why: "bad_request", retry: "no" },
  4401: { why: "login_required", retry: "no" },
  4403: { why: "forbidden", retry: "no" },
  4408: { why: "resume_timeout", retry: "now" },
  4409: { why: "room_full", retry: "later" },
  4429: { why: "address_limit", retry: "later" },
  4503: { why: "store_unavailable", retry: "backoff" },
};

/** No close frame came: the connection broke. */
export const CONNECTION_LOST = 1006;

/** The room is full, or the name is taken: the error code says which. */
const NO_PLACE = 4409;

/** An unknown 4xxx code is still a refusal; any other unknown code is a broken connection. */
export function closeMeaning(code: number, word: string | null = null): CloseMeaning {
  if (code === NO_PLACE && word === "name_taken") return { why: word, retry: "no" };
  return (
    TABLE[code] ?? (code >= 4000 && code < 5000 ? { why: "unknown", retry: "no" } : { why: "lost", retry: "backoff" })
  );
}
