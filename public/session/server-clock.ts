// The server's time, as far as a page can know it. The local clock does not count: it may be wrong, or set meanwhile.

export class ServerClock {
  readonly #elapsed: () => number;
  #ahead: number;

  /** `elapsed` only ever grows. Until the server has said its time, the viewer's clock has to do. */
  constructor(elapsed: () => number = () => performance.now(), initial = Date.now()) {
    this.#elapsed = elapsed;
    this.#ahead = initial - elapsed();
  }

  now(): number {
    return this.#elapsed() + this.#ahead;
  }

  /** The server says what time it is. */
  set(at: number): void {
    this.#ahead = at - this.#elapsed();
  }

  /** Something happened at this time, so it is no earlier now: some clocks stand still while a machine sleeps. */
  advanceTo(at: number): void {
    this.#ahead = Math.max(this.#ahead, at - this.#elapsed());
  }
}
