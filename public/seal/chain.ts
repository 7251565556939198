// The author's side of the order of lines: where the next one stands. The place
// of a line is kept as long as it may be sent again, so that it is the same line.

import type { Place } from "./payload";

/** The newest line that is known to have arrived. */
export type Last = { n: number; id: string };

const NONE: Last = { n: 0, id: "" };

export class Chain {
  #seat: string | null;
  #last: Last;
  readonly #places = new Map<number, Place & { id: string }>();

  /** As the tab remembers it. */
  constructor(seat: string | null = null, last: Last = NONE) {
    this.#seat = seat;
    this.#last = last;
  }

  get last(): Last {
    return this.#last;
  }

  /** Another seat is another author, who has said nothing yet. */
  sit(seat: string): void {
    if (seat === this.#seat) return;
    this.#seat = seat;
    this.#last = NONE;
    this.#places.clear();
  }

  /** Where the line `n` stands. */
  place(n: number): Place {
    const known = this.#places.get(n);
    if (known) return known;
    const before = this.#last.n < n ? this.#last : NONE;
    const place = { n, after: before.n, link: before.id, id: "" };
    this.#places.set(n, place);
    return place;
  }

  /** It was locked for sending: the same words in the same place have the same id each time. */
  sealed(n: number, id: string): void {
    const place = this.#places.get(n);
    if (place) place.id = id;
  }

  /** The server has the line `n`; null where it was not this page that sent it. */
  arrived(n: number): (Place & { id: string }) | null {
    const place = this.#places.get(n);
    if (!place || place.id === "") return null;
    this.heard(n, place.id);
    return place;
  }

  /** A line of this seat stands in the log: it arrived, whichever page sent it. */
  heard(n: number, id: string): void {
    for (const known of this.#places.keys()) if (known <= n) this.#places.delete(known);
    if (n > this.#last.n) this.#last = { n, id };
  }
}
