// The messages and amendments of this page that the server has not numbered yet.

import type { Attached, NewEntry } from "../protocol/frames";
import { ownReaction } from "./reactions";
import { type Amendment, findEntry, type Log, type Outgoing } from "./state";

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

/**
 * Under the same seat a repeated n is harmless: all unanswered messages go again. Under a new seat only unsent ones do,
 * and what they name by its number has to be what it was `before`: the room may have begun anew.
 */
export function renumberOutgoing(
  log: Log,
  sameSeat: boolean,
  serverLastN: number,
  before: Log["lines"],
): Pick<Log, "outgoing" | "lastN"> {
  const stays = (target: number) => {
    const [was, is] = [findEntry({ lines: before }, target), findEntry(log, target)];
    return was !== undefined && was.from === is?.from && was.at === is.at;
  };
  let lastN = sameSeat ? Math.max(log.lastN, serverLastN) : serverLastN;
  const outgoing = log.outgoing.map((line): Outgoing => {
    const o = { ...line, inFlight: false };
    if (o.state === "failed") return !sameSeat && UNCERTAIN.has(o.why) ? { ...o, why: "unconfirmed" } : o;
    if (sameSeat) return o;
    // Messages belong to the seat that sent them.
    if (isRevision(o)) return { ...o, state: "failed", why: "not_yours" };
    if (o.sent) return { ...o, state: "failed", why: "unconfirmed" };
    lastN += 1;
    const { sealed: _, replyTo, ...rest } = o;
    return { ...rest, n: lastN, ...(replyTo !== undefined && stays(replyTo) ? { replyTo } : {}) };
  });
  const ofUse = outgoing.filter((o) => isOfUse(log, o) && (sameSeat || !o.amends || stays(o.amends.target)));
  return { outgoing: ofUse, lastN };
}

/** The entry as it is sent; `text` may be sealed. */
export function toFrame({ amends, replyTo, files, n }: Outgoing, text: string): NewEntry {
  switch (amends?.type) {
    case undefined:
      return {
        type: "chat",
        text,
        n,
        ...(replyTo === undefined ? {} : { replyTo }),
        ...(files ? { files: files.map(({ file }) => file) } : {}),
      };
    case "react":
      return { ...amends, emoji: text, n };
    case "edit":
      return { ...amends, text, n };
    case "delete":
      return { ...amends, n };
  }
}

/** An edit or a delete, which the message itself shows while it is on its way, and when it was refused. */
export function isRevision({ amends }: Outgoing): boolean {
  return amends !== undefined && amends.type !== "react";
}

/** A refused change of a message is dropped when the message is gone, or has it after all. */
export function isOfUse(log: Log, o: Outgoing): boolean {
  if (o.state !== "failed" || !o.amends) return true;
  const line = findEntry(log, o.amends.target);
  switch (o.amends.type) {
    case "delete":
      return line !== undefined;
    case "edit":
      return (line?.text ?? o.text) !== o.text;
    case "react":
      return line !== undefined && ownReaction({ me: log.me, outgoing: [] }, line, o.text).on !== o.amends.on;
  }
}

/** Whether words of this page, or changes of them, would be lost with it; a refused reaction is no loss. */
export function hasUnsent({ outgoing }: Log): boolean {
  return outgoing.some((o) => o.state === "pending" || o.amends?.type !== "react");
}

/** The words of edits that were dropped although the message has not got them, nor did its author delete it. */
export function lostWords(before: Log, { lines, outgoing }: Log): string[] {
  return before.outgoing.flatMap((o) => {
    const target = o.amends?.type === "edit" ? o.amends.target : null;
    if (target === null || outgoing.some(({ key }) => key === o.key)) return [];
    const line = lines.findLast((l) => l.kind === "entry" && l.seq === target);
    return line?.kind === "entry" && (line.deleted || line.text === o.text) ? [] : [o.text];
  });
}

/** A newer change of a message takes the place of one that was refused. */
export function withoutRefused({ outgoing }: Log, by?: Amendment): readonly Outgoing[] {
  if (!by) return outgoing;
  const isKind = ({ amends }: Outgoing) => (amends?.type === "react") === (by.type === "react");
  return outgoing.filter((o) => o.state !== "failed" || o.amends?.target !== by.target || !isKind(o));
}

/** What the person wants to send. */
export type NewLine = {
  text: string;
  replyTo?: number;
  files?: readonly Attached[];
  amends?: Amendment;
  now: number;
};

export function enqueue(log: Log, { text, replyTo, files, amends, now }: NewLine): Log {
  const n = log.lastN + 1;
  const line: Outgoing = {
    kind: "outgoing",
    key: log.nextKey,
    n,
    text,
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(files ? { files } : {}),
    ...(amends ? { amends } : {}),
    at: now,
    state: "pending",
    sent: false,
    inFlight: false,
    why: "",
    retryAt: 0,
  };
  return { ...log, lastN: n, nextKey: log.nextKey + 1, outgoing: [...withoutRefused(log, amends), line] };
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
  return { ...log, outgoing: outgoing.filter((o) => isOfUse(log, o)) };
}

export function retry(log: Log, event: { key: number; now: number }): Log {
  const old = log.outgoing.find((o) => o.key === event.key);
  if (!old) return log;
  const keepsN = UNCERTAIN.has(old.why);
  const n = keepsN ? old.n : log.lastN + 1;
  const { replyTo, ...rest } = old;
  const again: Outgoing = {
    ...rest,
    // What it answers is gone: it goes without.
    ...(replyTo === undefined || old.why === "no_target" ? {} : { replyTo }),
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
