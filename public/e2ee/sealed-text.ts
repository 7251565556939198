// What every page knows of sealed texts, without opening one.

import { type Chat, type Edit, type Inbound, isEntry, type LogEntry, type React } from "../protocol/frames";
import { utf8Length } from "../protocol/text";

export const PREFIX = "sealed2.";
/** A newer page may seal in a format that this page cannot open: such text is not plain either. */
const ANY_PREFIX = /^sealed\d+\./;
export const IV_BYTES = 12;
const TAG_BYTES = 16;
export const LINK_BYTES = 16;
/** Flags, n, after, link, the length of the name. */
export const HEADER_BYTES = 1 + 8 + 8 + LINK_BYTES + 1;
/** Of the number of a message that a line is bound to. */
export const SEQ_BYTES = 8;
/** Of a file that a line names: its id, its key and its size. */
export const FILE_BYTES = 16 + 32 + 8;

/** A file as its line names it, and the key that it is sealed with. */
export type FileBond = { file: string; key: string; size: number };

/** What a line is bound to besides, messages by their numbers in the log. */
export type Bonds = {
  /** The message that it answers. */
  replyTo?: number | undefined;
  /** The message whose text it replaces. It has the place of that message among its author's lines. */
  edits?: number | undefined;
  files?: readonly FileBond[] | undefined;
};

/** Whether a text is one that was sealed. */
export function isSealed(text: string): boolean {
  return ANY_PREFIX.test(text);
}

/** How many payload bytes fit, sealed, into `limit` characters. */
export function payloadLimit(limit: number): number {
  return Math.max(0, Math.floor(((limit - PREFIX.length) * 3) / 4) - IV_BYTES - TAG_BYTES);
}

/** How many bytes of a payload are not text. */
export function payloadOverhead(
  user: string,
  { replyTo, edits, files = [] }: Omit<Bonds, "files"> & { files?: readonly unknown[] | undefined } = {},
): number {
  const bonds = [replyTo, edits].filter((seq) => seq !== undefined);
  const named = files.length > 0 ? 1 + files.length * FILE_BYTES : 0;
  return HEADER_BYTES + utf8Length(user) + bonds.length * SEQ_BYTES + named;
}

/** The frame as a page without a key may read it. */
export function markUndecryptable(frame: Inbound): Inbound {
  if (isEntry(frame)) return marked(frame);
  switch (frame.type) {
    case "welcome":
    case "reset":
      return { ...frame, history: frame.history.map(marked) };
    default:
      return frame;
  }
}

function marked(entry: LogEntry): LogEntry {
  if (entry.type === "delete") return entry;
  const read = isSealed(entry.text) ? unopened(entry, "undecryptable") : entry;
  return read.type === "chat" && read.reactions
    ? { ...read, reactions: read.reactions.filter(({ text }) => !isSealed(text)) }
    : read;
}

export type Unopened = "undecryptable" | "unencrypted";

export function unopened<E extends Chat | React | Edit>(entry: E, encryption: Unopened): E {
  if (encryption === "unencrypted") return { ...entry, encryption };
  const { files: _, ...rest } = entry as E & { files?: unknown };
  return { ...(rest as E), text: "", encryption };
}
