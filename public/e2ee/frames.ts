// Incoming frames: sealed texts are opened, and those that cannot be opened are marked undecryptable.

import {
  type Attached,
  type Chat,
  type Doubt,
  type Edit,
  type FoldedReaction,
  type Inbound,
  isEntry,
  type LogEntry,
  type Rules,
} from "../protocol/frames";
import type { OpenedLine, RoomCipher } from "./cipher";
import { openFiles } from "./file-key";
import type { LineVerifier } from "./line-verifier";
import type { ChainPosition } from "./payload";
import { isSealed, type Unopened, unopened } from "./sealed-text";
import { openTitle } from "./title";

/** The frame as this page may read it. Without a cipher, or with another key, sealed texts stay undecryptable. */
export async function openFrame(frame: Inbound, cipher: RoomCipher | null, verifier: LineVerifier): Promise<Inbound> {
  if (isEntry(frame)) return (await openEntry(frame, cipher))(verifier);
  switch (frame.type) {
    case "welcome":
    case "reset": {
      const opened = await Promise.all(frame.history.map((entry) => openEntry(entry, cipher)));
      if (!frame.resumed || frame.reset) verifier.resetPositions();
      // In log order: the verdict on a line depends on the lines before it.
      const { rules } = frame;
      return {
        ...frame,
        ...(rules ? { rules: await openRules(rules, cipher) } : {}),
        history: opened.map((verify) => verify(verifier)),
      };
    }
    case "rules":
      return { ...frame, rules: await openRules(frame.rules, cipher) };
    default:
      return frame;
  }
}

/** A title that this page cannot open is none. */
async function openRules({ title: sealed = "", ...rules }: Rules, cipher: RoomCipher | null): Promise<Rules> {
  const title = await openTitle(sealed, cipher);
  return title === null ? rules : { ...rules, title };
}

async function openEntry(entry: LogEntry, cipher: RoomCipher | null): Promise<(verifier: LineVerifier) => LogEntry> {
  switch (entry.type) {
    case "chat": {
      if (entry.deleted) return (verifier) => (verifier.skip(entry.from), entry);
      const reactions = await Promise.all((entry.reactions ?? []).map((r) => openEmoji(r, entry.seq, cipher)));
      const text = await openText(entry, cipher);
      const files = typeof text === "string" ? undefined : await openFilesOf(entry, text, cipher!);
      if (files === null) return (verifier) => verifyChat(entry, "undecryptable", verifier);
      const reacted = entry.reactions ? { reactions: reactions.filter((r) => typeof r !== "string") } : {};
      const whole = { ...entry, ...reacted, ...(files ? { files } : {}) };
      return (verifier) => verifyChat(whole, text, verifier);
    }
    case "react": {
      const opened = await openEmoji(entry, entry.target, cipher);
      return () => (typeof opened === "string" ? unopened(entry, opened) : { ...entry, ...opened });
    }
    case "edit": {
      const text = await openText(entry, cipher);
      return (verifier) => verifyEdit(entry, text, verifier);
    }
    case "delete":
      return () => entry;
  }
}

async function openText(
  { text, from }: { text: string; from: string },
  cipher: RoomCipher | null,
): Promise<OpenedLine | Unopened> {
  // A member joined without the key: the server could read this text, or have written it.
  if (!isSealed(text)) return "unencrypted";
  return (await cipher?.open(text, from)) ?? "undecryptable";
}

/** Null where they are not those that were sealed. */
function openFilesOf(
  { files = [] }: Chat,
  { claims }: OpenedLine,
  cipher: RoomCipher,
): Promise<Attached[] | null> | undefined {
  const sealed = claims?.files ?? [];
  return files.length + sealed.length > 0 ? openFiles(files, sealed, cipher.room) : undefined;
}

/** What is sealed of a reaction, as text: the server cannot put it on another message. */
export function emojiFor(target: number, emoji: string): string {
  return `${target} ${emoji}`;
}

async function openEmoji(
  { text, from }: FoldedReaction,
  target: number,
  cipher: RoomCipher | null,
): Promise<Required<FoldedReaction> | Unopened> {
  const opened = await openText({ text, from }, cipher);
  if (typeof opened === "string") return opened;
  const bound = emojiFor(target, "");
  // What has a number is a line.
  if (opened.claims?.n !== 0 || !opened.text.startsWith(bound)) return "undecryptable";
  return { from, text: opened.text.slice(bound.length), user: opened.claims.user, sealed: text };
}

function verifyChat(entry: Chat, text: OpenedLine | Unopened, verifier: LineVerifier): Chat {
  const edits = entry.edited === undefined ? undefined : entry.seq;
  if (typeof text !== "string" && !isBound(text, { edits, replyTo: entry.replyTo })) text = "undecryptable";
  if (typeof text !== "string" && edits !== undefined && !keepsFiles(entry, text, verifier)) text = "undecryptable";
  if (typeof text === "string") {
    if (edits !== undefined) verifier.skip(entry.from);
    return { ...unopened(entry, text), ...doubtUnsealed(entry, text, verifier) };
  }
  const { claims } = text;
  if (!claims) return { ...entry, text: text.text, ...doubted(verifier.verifyUnsealed(entry.from, "former")) };
  return {
    ...entry,
    text: text.text,
    // Nothing links to an edit.
    ...(edits === undefined ? { claims: { n: claims.n, id: claims.id } } : {}),
    ...doubted(verifier.verify(entry, claims)),
  };
}

function verifyEdit(entry: Edit, text: OpenedLine | Unopened, verifier: LineVerifier): Edit {
  // The edit says itself what its message answers.
  if (typeof text !== "string" && !isBound(text, { edits: entry.target, replyTo: text.claims?.replyTo }))
    text = "undecryptable";
  // The server may have given the number to another line after the author sealed.
  if (typeof text !== "string" && !isOfLine(text, verifier.positionOf(entry.from, entry.target)))
    text = "undecryptable";
  if (typeof text !== "string" && !keepsFiles(entry, text, verifier)) text = "undecryptable";
  if (typeof text === "string") return { ...unopened(entry, text), ...doubtUnsealed(entry, text, verifier) };
  return { ...entry, text: text.text };
}

/** Whether the author sealed a text for this place. The older format binds it to none. */
function isBound({ claims }: OpenedLine, to: { edits: number | undefined; replyTo: number | undefined }): boolean {
  if (!claims) return to.edits === undefined && to.replyTo === undefined;
  return claims.n > 0 && claims.edits === to.edits && claims.replyTo === to.replyTo;
}

/** Whether an edit has its line's place among the author's, where that is known. */
function isOfLine({ claims }: OpenedLine, place: ChainPosition | null): boolean {
  return place === null || claims?.n === place.n;
}

/** Whether an edit names the files of its line, with their keys, where that is known. */
function keepsFiles({ from }: LogEntry, { claims }: OpenedLine, verifier: LineVerifier): boolean {
  return claims === null || verifier.hasFiles(from, claims);
}

function doubtUnsealed({ from }: LogEntry, is: Unopened, verifier: LineVerifier): { doubt?: Doubt } {
  return is === "unencrypted" ? doubted(verifier.verifyUnsealed(from, is)) : {};
}

function doubted(doubt: Doubt | null): { doubt?: Doubt } {
  return doubt ? { doubt } : {};
}
