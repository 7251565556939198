// Amendments: entries of the log that change a message before them. They are folded into that message.

import type { Delete, Doubt, Edit, React } from "../protocol/frames";
import { addReaction } from "./reactions";
import { type Entry, findEntry, isHost, type Log, type Outgoing, replaceEntry } from "./state";

/** Applied twice an amendment changes nothing, and so does one of a message that this page lacks. */
export function amend(log: Log, by: React | Edit | Delete): Log {
  if (by.target >= by.seq) return log;
  if (by.type === "react") return by.encryption ? log : addReaction(log, by);
  const line = findEntry(log, by.target);
  if (!line) return log;
  return replaceEntry(log, line, by.type === "edit" ? edited(line, by) : tombstone(line));
}

function edited(line: Entry, { seq, from, text, at, encryption, doubt }: Edit): Entry {
  if (from !== line.from || seq <= (line.editSeq ?? 0) || (text === line.text && at === line.edited)) return line;
  return { ...reworded(line, { text, edited: at, encryption, doubt }), editSeq: seq };
}

type Words = { [Part in "text" | "edited" | "encryption" | "doubt"]?: Entry[Part] | undefined } & Pick<Entry, "text">;

/** The message with other words. */
function reworded(line: Entry, { text, edited, encryption, doubt: ofWords }: Words): Entry {
  const { encryption: _, doubt: former, ...rest } = line;
  const doubt = former && !isAboutWords(former) ? former : ofWords;
  return {
    ...rest,
    text,
    ...(edited === undefined ? {} : { edited }),
    ...(encryption ? { encryption } : {}),
    ...(doubt ? { doubt } : {}),
  };
}

/** A doubt that came with the words goes with them; one about the message's author or place stays. */
function isAboutWords({ is }: Doubt): boolean {
  return is === "unencrypted" || is === "former";
}

/** What is left of a deleted message. */
export function tombstone(line: Entry): Entry {
  const { replyTo: _, edited: _e, editSeq: _s, reactions: _r, encryption: _n, files: _f, ...rest } = line;
  return { ...rest, text: "", deleted: true };
}

/** A message that this page has, with what a history knows of it. */
export function merge(line: Entry, told: Entry): Entry {
  if (line.deleted) return line;
  if (told.deleted) return tombstone(line);
  const { edited, reactions = [] } = told;
  const isNewer = edited !== undefined && edited > (line.edited ?? 0);
  const words = isNewer ? reworded(line, told) : line;
  const known = line.reactions ?? [];
  const keys = new Set(known.map((r) => `${r.from} ${r.emoji}`));
  const more = reactions.filter((r) => !keys.has(`${r.from} ${r.emoji}`));
  return more.length > 0 ? { ...words, reactions: [...known, ...more] } : words;
}

type Seat = Pick<Log, "me" | "limits" | "members">;

/** Whether the server will let this page delete a message: as its author, by its present seat, or as the host. */
export function mayDelete({ me, limits, members }: Seat, line: Entry | Outgoing): line is Entry {
  const own = line.kind === "entry" && line.from === me?.clientId;
  return line.kind === "entry" && !line.deleted && limits?.historyLength !== 0 && (own || isHost({ me, members }));
}

/** For some time a message can be edited, too. One that this page cannot read it cannot edit. */
export function mayEdit(log: Seat, line: Entry | Outgoing, now: number): line is Entry {
  const age = (log.limits?.editAge ?? 0) * 1000;
  return mayDelete(log, line) && line.from === log.me?.clientId && !line.encryption && now < line.at + age;
}
