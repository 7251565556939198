// Searches in what the page holds: letters without case and marks.

import { displayText } from "../log/display-text";
import type { Entry, Log } from "../log/state";
import { searchedOf } from "../log/words";

export const HITS_MAX = 50;
/** Characters of a message before the first hit. */
const BEFORE = 40;
const EXCERPT_MAX = 240;

export type Piece = { text: string; hit: boolean };
export type Hit = { line: Entry; pieces: Piece[] };

/** A text without case and marks; `from[i]` is where its letter `i` came from. */
type Folded = { text: string; folded: string; from: number[] };

function fold(text: string): Folded {
  let folded = "";
  const from: number[] = [];
  let at = 0;
  for (const letter of text) {
    const plain = letter.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
    for (let i = 0; i < plain.length; i += 1) from.push(at);
    folded += plain;
    at += letter.length;
  }
  from.push(text.length);
  return { text, folded, from };
}

/** Every key pressed searches anew: a line is folded once. */
const known = new WeakMap<Entry, { user: string; text: Folded }>();

function foldedOf(line: Entry) {
  const was = known.get(line);
  if (was) return was;
  const now = { user: fold(line.user).folded, text: fold(displayText(searchedOf(line))) };
  known.set(line, now);
  return now;
}

/** The messages with every word of the query in their text or their author's name, the newest first. */
export function search(log: Pick<Log, "lines">, query: string): Hit[] {
  const words = fold(query)
    .folded.split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return [];
  const hits: Hit[] = [];
  for (const line of log.lines.toReversed()) {
    if (line.kind !== "entry" || line.encryption === "undecryptable" || searchedOf(line) === "") continue;
    const { user, text } = foldedOf(line);
    if (words.every((word) => text.folded.includes(word) || user.includes(word)))
      hits.push({ line, pieces: pieces(text, words) });
  }
  return hits;
}

/** The text around the first hit, in pieces. */
function pieces({ text, folded, from }: Folded, words: readonly string[]): Piece[] {
  const marked = new Array<boolean>(text.length).fill(false);
  for (const word of words)
    for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + word.length))
      marked.fill(true, from[at]!, endOf(text, from[at + word.length - 1]!));
  const first = Math.max(marked.indexOf(true), 0);
  const start = first <= BEFORE || text.length <= EXCERPT_MAX ? 0 : startOf(text, first - BEFORE);
  const end = text.length - start <= EXCERPT_MAX ? text.length : startOf(text, start + EXCERPT_MAX);
  const out: Piece[] = start > 0 ? [{ text: "…", hit: false }] : [];
  for (let at = start; at < end;) {
    const next = marked.indexOf(!marked[at], at);
    const stop = next < 0 || next > end ? end : next;
    out.push({ text: text.slice(at, stop), hit: marked[at]! });
    at = stop;
  }
  if (end < text.length) out.push({ text: "…", hit: false });
  return out;
}

/** The end of the letter that begins here, with its marks. */
function endOf(text: string, at: number): number {
  return at + /^[^]\p{M}*/u.exec(text.slice(at, at + 64))![0].length;
}

/** Not in the middle of a letter of two units. */
function startOf(text: string, at: number): number {
  return at + (/^[\udc00-\udfff]/.test(text.slice(at, at + 1)) ? 1 : 0);
}
