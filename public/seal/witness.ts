// What a page remembers of everybody's sealed lines, to notice when the server
// renames, repeats, reorders or withholds one. Pure: line in, doubt out.

import type { Doubt } from "../protocol/frames";
import type { Said } from "./payload";

/** A line as the server tells it. */
type Told = { seq: number; from: string; user: string; verified?: true };

type Known = { id: string; after: number; user: string; doubt: Doubt | null; seq: number | null };

type Author = {
  /** By the author's own count. */
  lines: Map<number, Known>;
  /** The greatest and the least of them that stand in the log as it was last listed. */
  top: number;
  first: number;
  user: string;
};

/** Far more of one author than a page draws. */
const LINES_MAX = 2_000;

export class Witness {
  readonly #authors = new Map<string, Author>();

  /** The log is told anew: a line may stand elsewhere now, and the oldest may be gone. */
  relist(): void {
    for (const author of this.#authors.values()) {
      author.top = 0;
      author.first = Infinity;
      for (const line of author.lines.values()) line.seq = null;
    }
  }

  /** What is to be said of this line, which was opened with the room's key. */
  saw(told: Told, said: Said): Doubt | null {
    const author = this.#author(told.from, said.user);
    const known = author.lines.get(said.n);
    const again = known?.id === said.id && (known.seq === null || known.seq === told.seq);
    if (again && known.seq === told.seq) return known.doubt;
    const is = this.#wrong(told, said, author, known !== undefined && !again);
    const doubt = is && { is, user: said.user };
    if (known && !again) return doubt;
    this.#keep(author, said, told.seq, doubt);
    return doubt;
  }

  /** A line that is not sealed, or by the former format: whether its author does better. */
  sawLess(from: string, is: "bare" | "former"): Doubt | null {
    const author = this.#authors.get(from);
    return author ? { is, user: author.user } : null;
  }

  /** A line of our own, which was acknowledged. */
  wrote(from: string, said: Said, seq: number): void {
    this.#keep(this.#author(from, said.user), said, seq, null);
  }

  #author(from: string, user: string): Author {
    const author = this.#authors.get(from) ?? { lines: new Map(), top: 0, first: Infinity, user };
    this.#authors.set(from, author);
    return author;
  }

  #keep(author: Author, { id, n, after, user }: Said, seq: number, doubt: Doubt | null): void {
    author.lines.set(n, { id, after, user, doubt, seq });
    author.top = Math.max(author.top, n);
    author.first = Math.min(author.first, n);
    // Those that have been there longest, many at a time.
    if (author.lines.size > LINES_MAX)
      for (const oldest of [...author.lines.keys()].slice(0, 100)) author.lines.delete(oldest);
  }

  #wrong(told: Told, said: Said, author: Author, taken: boolean): Doubt["is"] | null {
    if (told.user !== said.user || (told.verified === true) !== said.verified) return "name";
    if (taken) return "twice";
    const isLate = said.n < author.top;
    if (isLate && !wasLeftOpen(author, said.n)) return "order";
    if (said.after >= said.n) return "fork";
    const before = author.lines.get(said.after);
    if (before && before.id !== said.link) return "fork";
    // A log that is cut at its start begins with any line of an author's.
    if (author.top === 0 || isLate || before?.seq != null) return null;
    if (said.after === 0) return "fork";
    return said.after >= author.first ? "hole" : null;
  }
}

/** An author who was not told whether a line arrived goes on from the one before it; it may come later after all. */
function wasLeftOpen(author: Author, n: number): boolean {
  for (const [at, line] of author.lines) if (line.seq !== null && line.after < n && n < at) return true;
  return false;
}
