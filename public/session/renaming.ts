// Another name for this page's member: asked for once at a time, and answered by a frame or by the next welcome.

import type { Inbound } from "../protocol/frames";
import type { Connection } from "../transport/connection";

/** Of the answer. No message has this number. */
export const RENAME_N = Number.MAX_SAFE_INTEGER;

export class Renaming {
  #wanted: { user: string; settle: (code: string) => void } | null = null;
  readonly #connection: Pick<Connection, "send">;
  readonly #named: (user: string) => void;

  /** `named` is called with the new name once the server has it. */
  constructor(connection: Pick<Connection, "send">, named: (user: string) => void) {
    this.#connection = connection;
    this.#named = named;
  }

  /** The server has not answered: under which name it takes the next message is unknown. */
  get pending(): boolean {
    return this.#wanted !== null;
  }

  /** Gives the code of what is wrong, or nothing once the name is taken. */
  ask(user: string): Promise<string> {
    if (this.#wanted || !this.#connection.send({ type: "rename", user, n: RENAME_N }))
      return Promise.resolve("unconfirmed");
    return new Promise((settle) => (this.#wanted = { user, settle }));
  }

  /** Whether the frame is its answer, and of no use to others. */
  handle(frame: Inbound): boolean {
    switch (frame.type) {
      case "ack":
        if (frame.n === RENAME_N) this.#settle("");
        return frame.seq === null;
      case "error":
        if (frame.n === RENAME_N) this.#settle(frame.code);
        return frame.n === RENAME_N;
      case "welcome":
      case "reset":
        // The answer went with the connection.
        this.#settle(frame.user === this.#wanted?.user ? "" : "unconfirmed");
        return false;
      default:
        return false;
    }
  }

  #settle(code: string): void {
    const wanted = this.#wanted;
    if (!wanted) return;
    this.#wanted = null;
    if (code === "") this.#named(wanted.user);
    wanted.settle(code);
  }
}
