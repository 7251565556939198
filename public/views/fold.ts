// What is drawn between the messages: joins, leaves and new names in a row are one line, a call and its end too, and
// unread messages begin below a line.

import type { Row } from "../log/rows";
import type { Entry, Notice, Outgoing } from "../log/state";

export type Drawn =
  | Exclude<Row, { kind: "notice" }>
  | { kind: "notice"; key: string; notices: readonly Notice[] }
  | { kind: "unread"; key: string };

const UNREAD: Drawn = { kind: "unread", key: "unread" };

const comesOrGoes = ({ what }: Notice) => what === "joined" || what === "left" || what === "renamed";

/** A call during which nothing was said is one line with its end. */
const joins = ([first]: readonly Notice[], next: Notice) =>
  comesOrGoes(next) ? comesOrGoes(first!) : next.what === "callEnd" && first!.what === "call";

/**
 * `firstUnread` is the number of a message, which may be gone by now. Unchanged lines are the same objects as in
 * `last`.
 */
export function fold(rows: readonly Row[], firstUnread: number | null, last: readonly Drawn[] = []): Drawn[] {
  const out: Drawn[] = [];
  let isBelow = firstUnread === null;
  for (const row of rows) {
    if (row.kind !== "notice") {
      if (!isBelow && row.kind === "message" && isUnread(row.line, firstUnread!)) {
        isBelow = true;
        out.push(UNREAD);
      }
      out.push(row);
      continue;
    }
    const above = out.at(-1);
    if (above?.kind === "notice" && joins(above.notices, row.line))
      out[out.length - 1] = { ...above, notices: [...above.notices, row.line] };
    else out.push({ kind: "notice", key: row.key, notices: [row.line] });
  }
  // Names that were changed and changed back leave nothing to say.
  const drawn = out.filter((line) => line.kind !== "notice" || tells(line.notices));
  const known = new Map(last.flatMap((line) => (line.kind === "notice" ? [[line.key, line]] : [])));
  return drawn.map((line) => {
    const was = line.kind === "notice" ? known.get(line.key) : undefined;
    return was && line.kind === "notice" && isSame(was.notices, line.notices) ? was : line;
  });
}

function tells(notices: readonly Notice[]): boolean {
  return !comesOrGoes(notices[0]!) || Object.values(comings(notices)).some(({ length }) => length > 0);
}

function isUnread(line: Entry | Outgoing, first: number): boolean {
  return line.kind === "entry" && !line.mine && line.seq >= first;
}

function isSame(a: readonly Notice[], b: readonly Notice[]): boolean {
  return a.length === b.length && b.every((notice, at) => notice === a[at]);
}

/**
 * The last that is known of each member who came, went or took another name, in the order of what happened. A member
 * who joined and took another name has joined under that. Of several names in a row the first and the last count, and
 * only if they differ. A member who took another name and left has done both: messages above have the former name.
 */
export function comings(notices: readonly Notice[]): Record<"joined" | "left" | "renamed", Notice[]> {
  const newest = new Map<string, Notice>();
  const renamedBefore: Notice[] = [];
  for (const notice of notices) {
    const before = newest.get(notice.from);
    if (notice.what === "left" && before?.what === "renamed") renamedBefore.push(before);
    newest.delete(notice.from);
    newest.set(notice.from, before && notice.what === "renamed" ? { ...before, user: notice.user } : notice);
  }
  const all = [...renamedBefore, ...newest.values()].filter(
    ({ what, previous, user }) => what !== "renamed" || previous !== user,
  );
  const of = (which: Notice["what"]) => all.filter(({ what }) => what === which);
  return { joined: of("joined"), left: of("left"), renamed: of("renamed") };
}
