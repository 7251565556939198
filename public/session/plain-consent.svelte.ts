// Whether words and files may go out unencrypted where others write encrypted and this page has no key.

import { allowPlain, loadPlainAllowed } from "../storage/storage";

export class PlainConsent {
  /** The user has to confirm: something waits. */
  asking = $state(false);
  othersEncrypt = false;
  readonly #room: string;
  /** Kept here too, as storage may be unavailable. */
  #given: boolean;

  constructor(room: string) {
    this.#room = room;
    this.#given = loadPlainAllowed(room);
  }

  /** Asks the user where that is needed, and says whether something may go out now. */
  ask(): boolean {
    const needed = this.othersEncrypt && !this.#given;
    if (needed) this.asking = true;
    return !needed;
  }

  give(): void {
    this.asking = false;
    this.#given = true;
    allowPlain(this.#room);
  }
}
