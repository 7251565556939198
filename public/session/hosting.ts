// What the host asks of the server: each request has a number of its own, and gets an answer.

import type { HostMessage, HostRequest, Inbound } from "../protocol/frames";
import type { Connection } from "../transport/connection";
import { RENAME_N } from "./renaming";

export class Hosting {
  readonly #asked = new Map<number, (code: string) => void>();
  /** No message has this number, and no rename. */
  #n = RENAME_N - 1;
  readonly #connection: Pick<Connection, "send">;
  readonly #purge: (clientId: string) => void;

  /** `purge` is called with a member whose messages the server has deleted: it announces that to others only. */
  constructor(connection: Pick<Connection, "send">, purge: (clientId: string) => void) {
    this.#connection = connection;
    this.#purge = purge;
  }

  /** Gives the code of what is wrong, or nothing once it is done. */
  ask(what: HostMessage): Promise<string> {
    const n = this.#n;
    const request: HostRequest = { ...what, n };
    if (!this.#connection.send(request)) return Promise.resolve("unconfirmed");
    this.#n -= 1;
    return new Promise((settle) =>
      this.#asked.set(n, (code) => {
        if (code === "" && what.type === "kick" && what.messages) this.#purge(what.clientId);
        settle(code);
      }),
    );
  }

  /** Whether the frame is an answer to it, and of no use to others. */
  handle(frame: Inbound): boolean {
    switch (frame.type) {
      case "ack":
        return this.#settle(frame.n, "");
      case "error":
        return this.#settle(frame.n, frame.code);
      case "welcome":
      case "reset":
        // The answers went with the connection.
        for (const n of [...this.#asked.keys()]) this.#settle(n, "unconfirmed");
        return false;
      default:
        return false;
    }
  }

  #settle(n: number | null, code: string): boolean {
    const settle = n === null ? undefined : this.#asked.get(n);
    if (n !== null) this.#asked.delete(n);
    settle?.(code);
    return settle !== undefined;
  }
}
