// The messages of this page that the server has not numbered yet.

import type { NewEntry } from "../protocol/frames";
import type { Log, Outgoing } from "./state";

/** How long to wait after `rate_limited` without `retryAfter`. */
const SLOWER_BY = 1_000;
/** After these errors the message may or may not have been taken: the retry uses the same n. */
const UNCERTAIN = new Set(["store_unavailable", "internal"]);

/** Neither confirmed nor refused: under another seat the same n cannot ask again. */
export function isUncertain(why: string): boolean {
  return UNCERTAIN.has(why) || why === "unconfirmed";
}

/** The next message to send. One at a time: after a refusal for its rate no later message has overtaken it. */
export function nextToSend(log: Log): Outgoing | null {
  const first = log.outgoing.find((o) => o.state === "pending");
  return first && !first.inFlight && first.retryAt === 0 ? first : null;
}

/** Under the same seat a repeated n is harmless: all unanswered messages go again. Under a new seat only unsent ones do. */
export function renumberOutgoing(log: Log, sameSeat: boolean, serverLastN: number): Pick<Log, "outgoing" | "lastN"> {
  let lastN = sameSeat ? Math.max(log.lastN, serverLastN) : serverLastN;
  const outgoing = log.outgoing.map((line): Outgoing => {
    const o = { ...line, inFlight: false };
    if (o.state === "failed") return !sameSeat && UNCERTAIN.has(o.why) ? { ...o, why: "unconfirmed" } : o;
    if (sameSeat) return o;
    if (o.sent) return { ...o, state: "failed", why: "unconfirmed" };
    lastN += 1;
    return { ...o, n: lastN };
  });
  return { outgoing: outgoing.filter(keepsFailed), lastN };
}

/** The entry as it is sent; `text` may be sealed. */
export function toFrame({ react, n }: Outgoing, text: string): NewEntry {
  return react ? { type: "react", ...react, emoji: text, n } : { type: "chat", text, n };
}

/** A reaction that was refused is dropped: its button shows that it is not there. */
function keepsFailed(o: Outgoing): boolean {
  return !o.react || o.state !== "failed";
}

export function enqueue(log: Log, text: string, now: number, react?: Outgoing["react"]): Log {
  const n = log.lastN + 1;
  const line: Outgoing = {
    kind: "outgoing",
    key: log.nextKey,
    n,
    text,
    ...(react ? { react } : {}),
    at: now,
    state: "pending",
    sent: false,
    inFlight: false,
    why: "",
    retryAt: 0,
  };
  return { ...log, lastN: n, nextKey: log.nextKey + 1, outgoing: [...log.outgoing, line] };
}

export function reject(log: Log, event: { n: number; code: string; retryAfter: number | null; now: number }): Log {
  const slower = event.code === "rate_limited";
  const retryAt = event.now + (event.retryAfter ?? (slower ? SLOWER_BY : 0));
  const outgoing = log.outgoing.map((line): Outgoing => {
    if (line.n !== event.n || line.state !== "pending") return line;
    const o = { ...line, inFlight: false, retryAt };
    // The message was not taken, and is sent again.
    return slower ? { ...o, sent: false } : { ...o, state: "failed", why: event.code };
  });
  return { ...log, outgoing: outgoing.filter(keepsFailed) };
}

export function retry(log: Log, event: { key: number; now: number }): Log {
  const old = log.outgoing.find((o) => o.key === event.key);
  if (!old) return log;
  const keepsN = UNCERTAIN.has(old.why);
  const n = keepsN ? old.n : log.lastN + 1;
  const again: Outgoing = {
    ...old,
    n,
    at: event.now,
    state: "pending",
    sent: keepsN && old.sent,
    inFlight: false,
    why: "",
    retryAt: 0,
  };
  const outgoing = keepsN
    ? log.outgoing.map((o) => (o === old ? again : o))
    : [...log.outgoing.filter((o) => o !== old), again];
  return { ...log, lastN: Math.max(log.lastN, n), outgoing };
}
