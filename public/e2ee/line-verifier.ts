// Remembers each author's sealed lines, to notice when the server renames, repeats, reorders or withholds one. Pure:
// line in, doubt out.

import type { Doubt } from "../protocol/frames";
import type { ChainPosition, LineClaims } from "./payload";
import type { FileBond } from "./sealed-text";

/** A line as the server lists it. */
type ListedLine = { seq: number; from: string; user: string; verified?: true };

/** `id` is empty where only an edit of the line was seen: a link to it cannot be checked. */
type SeenLine = {
  id: string;
  after: number;
  link: string;
  user: string;
  files: readonly FileBond[];
  doubt: Doubt | null;
  seq: number | null;
};

type Author = {
  /** By the author's own count. */
  lines: Map<number, SeenLine>;
  /** The greatest and the least number of the lines in the log as the server last listed it. */
  top: number;
  first: number;
  user: string;
};

/** Far more of one author than a page draws. */
const LINES_MAX = 2_000;

export class LineVerifier {
  readonly #authors = new Map<string, Author>();

  /** The server lists the log anew: a line may have another seq now, and the oldest may be gone. */
  resetPositions(): void {
    for (const author of this.#authors.values()) {
      author.top = 0;
      author.first = Infinity;
      for (const line of author.lines.values()) line.seq = null;
    }
  }

  /** The doubt about a line that was opened with the room's key. */
  verify(listed: ListedLine, claims: LineClaims): Doubt | null {
    const author = this.#author(listed.from, claims.user);
    const known = author.lines.get(claims.n);
    const edited = claims.edits !== undefined;
    const same = known !== undefined && (edited || known.id === "" || known.id === claims.id);
    const again = same && (known.seq === null || known.seq === listed.seq);
    if (again && known.seq === listed.seq) return known.doubt;
    const is = this.#findDoubt(listed, claims, author, known !== undefined && !again);
    const doubt = is && { is, user: claims.user };
    if (known && !again) return doubt;
    this.#record(author, edited ? { ...claims, id: known?.id ?? "" } : claims, listed.seq, doubt);
    return doubt;
  }

  /** A line of the author's was deleted, or cannot be read since it was edited: what links to it cannot be checked. */
  skip(from: string): void {
    const author = this.#authors.get(from);
    if (author) author.first = Infinity;
  }

  /** The place of an author's line among the author's lines; null where it is not known. */
  positionOf(from: string, seq: number): ChainPosition | null {
    for (const [n, line] of this.#authors.get(from)?.lines ?? [])
      if (line.seq === seq) return { n, after: line.after, link: line.link };
    return null;
  }

  /** Whether the author's line with this number has these files, where that is known. */
  hasFiles(from: string, { n, files = [] }: LineClaims): boolean {
    const known = this.#authors.get(from)?.lines.get(n)?.files;
    const isSame = (one: FileBond, other: FileBond | undefined) =>
      one.file === other?.file && one.key === other.key && one.size === other.size;
    return !known || (known.length === files.length && known.every((file, at) => isSame(file, files[at])));
  }

  /** The doubt about a line that is not sealed, or in the older format, when its author seals in the newer. */
  verifyUnsealed(from: string, is: "unencrypted" | "former"): Doubt | null {
    const author = this.#authors.get(from);
    return author ? { is, user: author.user } : null;
  }

  /** Records a line of this page that the server has acknowledged. */
  recordOwn(from: string, claims: LineClaims, seq: number): void {
    this.#record(this.#author(from, claims.user), claims, seq, null);
  }

  #author(from: string, user: string): Author {
    const author = this.#authors.get(from) ?? { lines: new Map(), top: 0, first: Infinity, user };
    this.#authors.set(from, author);
    return author;
  }

  #record(
    author: Author,
    { id, n, after, link, user, files = [] }: LineClaims,
    seq: number,
    doubt: Doubt | null,
  ): void {
    author.lines.set(n, { id, after, link, user, files, doubt, seq });
    author.top = Math.max(author.top, n);
    author.first = Math.min(author.first, n);
    // Drops the oldest, many at a time.
    if (author.lines.size > LINES_MAX)
      for (const oldest of [...author.lines.keys()].slice(0, 100)) author.lines.delete(oldest);
  }

  #findDoubt(listed: ListedLine, claims: LineClaims, author: Author, taken: boolean): Doubt["is"] | null {
    if (listed.user !== claims.user || (listed.verified === true) !== claims.verified) return "name";
    if (taken) return "twice";
    const isLate = claims.n < author.top;
    if (isLate && !mayArriveLate(author, claims.n)) return "order";
    if (claims.after >= claims.n) return "fork";
    const before = author.lines.get(claims.after);
    if (before && before.id !== "" && before.id !== claims.link) return "fork";
    // A log that is cut at its start begins with any line of an author's.
    if (author.top === 0 || isLate || before?.seq != null) return null;
    if (claims.after === 0) return "fork";
    return claims.after >= author.first ? "hole" : null;
  }
}

/** An author without an ack goes on from the line before; the unacknowledged line may still arrive later. */
function mayArriveLate(author: Author, n: number): boolean {
  for (const [at, line] of author.lines) if (line.seq !== null && line.after < n && n < at) return true;
  return false;
}
