// How the log is laid out: which lines get a heading, where a day begins, and how equal names are told apart.

import { isRevision } from "./outgoing";
import type { Entry, Log, Notice, Outgoing } from "./state";

export type Row =
  | { kind: "day"; key: string; at: number }
  | { kind: "notice"; key: string; line: Notice }
  | {
      kind: "message";
      key: string;
      line: Entry | Outgoing;
      from: string;
      user: string;
      verified: boolean;
      mine: boolean;
      head: boolean;
      tail: boolean;
      /** The message, or a change of it, is on its way. */
      pending: boolean;
      /** The message, or a change of it, as it was refused; a reaction to it, where nothing else was. */
      refused: Outgoing | undefined;
      /** What it answers; null when that is gone. */
      quoted: Entry | null | undefined;
      /** Tells this author from another of the same name. */
      mark: string | undefined;
    };

/** Unchanged rows are the same objects as in `last`: the views need not update. */
export function rows(log: Log, last: readonly Row[] = []): Row[] {
  const marks = nameTags(log);
  const out: Row[] = [];
  const lines = [...log.lines, ...log.outgoing.filter((o) => !o.amends)];
  const revisions = new Map(log.outgoing.filter(isRevision).map((o) => [o.amends?.target, o]));
  for (const o of log.outgoing)
    if (o.state === "failed" && o.amends && !revisions.has(o.amends.target)) revisions.set(o.amends.target, o);
  const entries = new Map<number, Entry>();
  if (lines.some((l) => l.kind !== "notice" && l.replyTo !== undefined))
    for (const l of log.lines) if (l.kind === "entry" && !l.deleted) entries.set(l.seq, l);
  let day = lines[0] ? dayOf(lines[0].at) : 0;
  for (const line of lines) {
    const today = dayOf(line.at);
    if (today > day) {
      out.push({ kind: "day", key: `day-${today}`, at: line.at });
      day = today;
    }
    if (line.kind === "notice") {
      out.push({ kind: "notice", key: `line-${line.key}`, line });
      continue;
    }
    const from = line.kind === "entry" ? line.from : (log.me?.clientId ?? "");
    const user = line.kind === "entry" ? line.user : (log.me?.user ?? "");
    // A line under a name that its author did not seal gets a heading of its own, without the verified mark.
    const renamed = isRenamed(line);
    const verified = line.kind === "entry" && line.verified === true && !renamed;
    const mine = line.kind === "outgoing" || line.mine;
    const revision = line.kind === "outgoing" ? line : line.deleted ? undefined : revisions.get(line.seq);
    const above = out.at(-1);
    const joins =
      above?.kind === "message" &&
      above.from === from &&
      above.user === user &&
      !renamed &&
      !isRenamed(above.line) &&
      minuteOf(above.line.at) === minuteOf(line.at);
    if (joins) above.tail = false;
    out.push({
      kind: "message",
      key: `line-${line.key}`,
      line,
      from,
      user,
      verified,
      mine,
      head: !joins,
      tail: true,
      pending: revision?.state === "pending",
      refused: revision?.state === "failed" ? revision : undefined,
      quoted: line.replyTo === undefined ? undefined : (entries.get(line.replyTo) ?? null),
      mark: marks.get(from),
    });
  }
  const known = new Map(last.map((row) => [row.key, row]));
  return out.map((row) => {
    const was = known.get(row.key);
    return was && isSame(was, row) ? was : row;
  });
}

function isRenamed(line: Entry | Outgoing): boolean {
  return line.kind === "entry" && line.doubt?.is === "name";
}

function isSame(a: Row, b: Row): boolean {
  // "Today" becomes a date without an event.
  if (a.kind === "day") return false;
  const [was, is]: Record<string, unknown>[] = [a, b];
  // A list of all parts of all rows would be most of what a new message costs.
  for (const part in is) if (was![part] !== is[part]) return false;
  return true;
}

/** Short tags for the members whose name is not unique. */
export function nameTags(log: Log): Map<string, string> {
  const idsOf = new Map<string, Set<string>>();
  const note = (user: string, id: string) => {
    const name = user.toLocaleLowerCase();
    idsOf.set(name, (idsOf.get(name) ?? new Set()).add(id));
  };
  for (const m of log.members) note(m.user, m.clientId);
  for (const l of log.lines) {
    if (l.kind === "entry" && !(l.mine && l.from !== log.me?.clientId)) note(l.user, l.from);
  }
  const out = new Map<string, string>();
  for (const ids of idsOf.values()) {
    if (ids.size > 1) for (const id of ids) out.set(id, shortId(id));
  }
  return out;
}

export function shortId(clientId: string): string {
  return clientId.replaceAll("-", "").slice(-4);
}

export function initials(user: string): string {
  const words = user.trim().split(/\s+/u);
  const first = [...(words[0] ?? "")][0] ?? "?";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toLocaleUpperCase();
}

function minuteOf(at: number): number {
  return Math.floor(at / 60_000);
}

function dayOf(at: number): number {
  const date = new Date(at);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
