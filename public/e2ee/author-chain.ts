// The author's side of the order of lines: where the next one stands. The place
// of a line is kept as long as it may be sent again, so that it is the same line.

import type { ChainPosition } from "./payload";

/** The newest line that is known to have arrived. */
export type LastLine = { n: number; id: string };

const NONE: LastLine = { n: 0, id: "" };

export class AuthorChain {
  #author: string | null;
  #last: LastLine;
  readonly #positions = new Map<number, ChainPosition & { id: string }>();

  /** As the tab remembers it. */
  constructor(seat: string | null = null, last: LastLine = NONE) {
    this.#author = seat;
    this.#last = last;
  }

  get last(): LastLine {
    return this.#last;
  }

  /** Another seat is another author, who has said nothing yet. */
  setAuthor(seat: string): void {
    if (seat === this.#author) return;
    this.#author = seat;
    this.#last = NONE;
    this.#positions.clear();
  }

  /** Where the line `n` stands. */
  positionOf(n: number): ChainPosition {
    const known = this.#positions.get(n);
    if (known) return known;
    const before = this.#last.n < n ? this.#last : NONE;
    const position = { n, after: before.n, link: before.id, id: "" };
    this.#positions.set(n, position);
    return position;
  }

  /** It was locked for sending: the same words in the same place have the same id each time. */
  recordSealed(n: number, id: string): void {
    const position = this.#positions.get(n);
    if (position) position.id = id;
  }

  /** The server has the line `n`; null where it was not this page that sent it. */
  confirm(n: number): (ChainPosition & { id: string }) | null {
    const position = this.#positions.get(n);
    if (!position || position.id === "") return null;
    this.advance(n, position.id);
    return position;
  }

  /** A line of this seat stands in the log: it arrived, whichever page sent it. */
  advance(n: number, id: string): void {
    for (const known of this.#positions.keys()) if (known <= n) this.#positions.delete(known);
    if (n > this.#last.n) this.#last = { n, id };
  }
}
