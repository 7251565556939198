// The author's side of the line order. A line keeps its position until it arrives, so that a retry is the same line.

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

  /** Another seat counts as another author, without lines. */
  setAuthor(seat: string): void {
    if (seat === this.#author) return;
    this.#author = seat;
    this.#last = NONE;
    this.#positions.clear();
  }

  /** The position of line `n`. */
  positionOf(n: number): ChainPosition {
    const known = this.#positions.get(n);
    if (known) return known;
    const before = this.#last.n < n ? this.#last : NONE;
    const position = { n, after: before.n, link: before.id, id: "" };
    this.#positions.set(n, position);
    return position;
  }

  /** Records what was sealed for sending: the same text at the same position has the same id each time. */
  recordSealed(n: number, id: string): void {
    const position = this.#positions.get(n);
    if (position) position.id = id;
  }

  /** The server has line `n`; null when another page sent it. */
  confirm(n: number): (ChainPosition & { id: string }) | null {
    const position = this.#positions.get(n);
    if (!position || position.id === "") return null;
    this.advance(n, position.id);
    return position;
  }

  /** A line of this seat is in the log: it arrived, from whichever page. */
  advance(n: number, id: string): void {
    for (const known of this.#positions.keys()) if (known <= n) this.#positions.delete(known);
    if (n > this.#last.n) this.#last = { n, id };
  }
}
