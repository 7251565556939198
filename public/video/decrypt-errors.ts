// Whose frames this page's key does not decrypt.

import { type Room, RoomEvent } from "livekit-client";

/**
 * Within this time a second frame that fails to decrypt means another key; a single one may date from before a change.
 */
const DECRYPT_ERROR_WINDOW = 10_000;

export class DecryptErrors {
  /** When each participant's frames last failed. */
  readonly #at = new Map<string, number>();
  readonly #undecryptable = new Set<string>();

  constructor(room: Room, onChange: () => void) {
    room.on(RoomEvent.EncryptionError, (_, participant) => {
      if (!participant) return;
      this.#note(participant.identity);
      onChange();
    });
  }

  has(identity: string): boolean {
    return this.#undecryptable.has(identity);
  }

  /** A returning participant may have the right key. */
  forget(identity: string): void {
    this.#at.delete(identity);
    this.#undecryptable.delete(identity);
  }

  clear(): void {
    this.#at.clear();
    this.#undecryptable.clear();
  }

  #note(identity: string): void {
    const now = performance.now();
    if (now - (this.#at.get(identity) ?? -DECRYPT_ERROR_WINDOW) < DECRYPT_ERROR_WINDOW)
      this.#undecryptable.add(identity);
    this.#at.set(identity, now);
  }
}
