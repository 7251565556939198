// Why a link ended, and whether to come back.

export type Return =
  /** Never by itself: the same request would meet the same answer. */
  | "no"
  /** The seat is open elsewhere; taking it back is for the user to decide. */
  | "ask"
  | "now"
  | "backoff"
  /** Nothing is broken, but there is no place yet. */
  | "later";

export type Ending = { why: string; come: Return };

const TABLE: Record<number, Ending> = {
  1000: { why: "left", come: "no" },
  1009: { why: "frame_too_big", come: "backoff" },
  1011: { why: "internal", come: "backoff" },
  1012: { why: "restarting", come: "backoff" },
  1013: { why: "too_slow", come: "now" },
  4001: { why: "replaced", come: "ask" },
  4400: { why: "bad_request", come: "no" },
  4401: { why: "login_required", come: "no" },
  4403: { why: "forbidden", come: "no" },
  4408: { why: "resume_timeout", come: "now" },
  4409: { why: "room_full", come: "later" },
  4429: { why: "address_limit", come: "later" },
  4503: { why: "store_unavailable", come: "backoff" },
};

/** No close frame came: the link broke. */
export const BROKEN = 1006;

/** The room has no place, or not under this name: the word beside the number says which. */
const NO_PLACE = 4409;

/** A refusal this page has never heard of is still a refusal; anything else is a link that broke. */
export function ending(code: number, word: string | null = null): Ending {
  if (code === NO_PLACE && word === "name_taken") return { why: word, come: "no" };
  return (
    TABLE[code] ?? (code >= 4000 && code < 5000 ? { why: "unknown", come: "no" } : { why: "lost", come: "backoff" })
  );
}
