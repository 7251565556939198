// The lines of the log: messages by their number, notices by their time, and how many of each are kept.

import { merge } from "./amendments";
import { type Entry, type Log, type Notice, type Outgoing, replaceEntry, type RuleChange } from "./state";

const NOTICES_MAX = 100;
/** Where the server keeps none, messages seen live stay until their age. */
const ENTRIES_UNKEPT = 100;
/** The server's limit may be too large to draw. */
const ENTRIES_MAX = 1_000;
/** Removing lines at the top moves all others, so many are removed at a time. */
const ENTRIES_CUT = 50;

/** A standing notice describes the present: it goes when that changes. */
export function isStanding(line: Entry | Notice): boolean {
  return line.kind === "notice" && (line.what === "lost" || (line.what === "call" && !line.over));
}

/** Inserts by seq; the pending line becomes the entry, under the same key. What is there learns what is new about it. */
export function insertEntry(log: Log, entry: Entry, was: Outgoing | undefined): Log {
  const outgoing = was ? log.outgoing.filter((o) => o !== was) : log.outgoing;
  const known = log.lines.find((l): l is Entry => l.kind === "entry" && l.seq === entry.seq);
  if (known) return replaceEntry({ ...log, outgoing }, known, merge(known, entry));
  const later = log.lines.findIndex((l) => l.kind === "entry" && l.seq > entry.seq);
  const at = later < 0 ? log.lines.length : later;
  const line = { ...entry, key: was?.key ?? log.nextKey };
  return {
    ...log,
    outgoing,
    nextKey: was ? log.nextKey : log.nextKey + 1,
    lines: [...log.lines.slice(0, at), line, ...log.lines.slice(at)],
  };
}

export function noticed(
  log: Log,
  what: Notice["what"],
  at: number,
  user = "",
  from = "",
  reason = "",
  previous?: string,
  change?: RuleChange,
): Log {
  return trim({
    ...log,
    nextKey: log.nextKey + 1,
    lines: [
      ...log.lines,
      {
        ...notice(log, what, at),
        user,
        from,
        reason,
        ...(previous === undefined ? {} : { previous }),
        ...(change ? { change } : {}),
      },
    ],
  });
}

export function notice(log: Log, what: Notice["what"], at: number): Notice {
  return { kind: "notice", key: log.nextKey, at, what, user: "", from: "", reason: "" };
}

/** Seconds that a message is kept: as the server limits it, or the host. */
export function messageAge({ limits, rules }: Pick<Log, "limits" | "rules">): number {
  return Math.min(limits?.historyAge ?? Infinity, rules?.messageAge ?? Infinity);
}

/** A limit below a second arrives as 0; a line must stay long enough to be drawn. */
export function lifetime(log: Log): number {
  return Math.max(messageAge(log), 1) * 1000;
}

export function trim(log: Log): Log {
  const most = Math.min(log.limits?.historyLength || ENTRIES_UNKEPT, ENTRIES_MAX);
  const said = log.lines.filter((l) => l.kind === "entry").length;
  const entries = said <= most ? 0 : said - most + (most === ENTRIES_MAX ? ENTRIES_CUT : 0);
  const notices = log.lines.length - said - NOTICES_MAX;
  if (entries <= 0 && notices <= 0) return log;
  const over = { entry: entries, notice: notices };
  return { ...log, lines: log.lines.filter((l) => over[l.kind]-- <= 0) };
}
