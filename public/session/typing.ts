// When to tell the other members that the user is typing.

export const TYPING_INTERVAL = 3_000;

export class Typing {
  #toldAt: number | null = null;
  readonly #tell: (typing: boolean) => void;

  constructor(tell: (typing: boolean) => void) {
    this.#tell = tell;
  }

  input(text: string, now: number): void {
    if (text.trim() === "") {
      this.stop();
    } else if (this.#toldAt === null || now - this.#toldAt >= TYPING_INTERVAL) {
      this.#toldAt = now;
      this.#tell(true);
    }
  }

  stop(): void {
    if (this.#toldAt !== null) this.#tell(false);
    this.#toldAt = null;
  }

  /** A message ends the typing by itself: nothing needs to be said. */
  sent(): void {
    this.#toldAt = null;
  }
}
