// Seals what this page sends and opens what it gets: lines in their order, and amendments bound to the message that
// they change.

import { isVerified } from "../log/members";
import { ownSealed } from "../log/reactions";
import { findEntry, type Log, type Outgoing } from "../log/state";
import type { Attached, Inbound } from "../protocol/frames";
import { AuthorChain, type LastLine } from "./author-chain";
import type { RoomCipher } from "./cipher";
import { emojiFor, openFrame } from "./frames";
import { LineVerifier } from "./line-verifier";
import { type Line, NO_POSITION } from "./payload";
import type { FileBond } from "./sealed-text";

/** What goes out for a line. `id` is what the author's next line names it by, where that does. */
export type SealedLine = { text: string; id?: string };

export class Sealer {
  readonly chain: AuthorChain;
  readonly verifier = new LineVerifier();

  /** As the tab remembers its seat. */
  constructor(seat: { clientId: string; last?: LastLine } | null) {
    this.chain = new AuthorChain(seat?.clientId, seat?.last);
  }

  /** The frame as this page may read it. */
  open(frame: Inbound, cipher: RoomCipher | null): Promise<Inbound> {
    return openFrame(frame, cipher, this.verifier);
  }

  /** Null where the message that the line changes is none that could be. */
  async seal(
    { amends, text, n, sealed, replyTo, files }: Outgoing,
    log: Log,
    cipher: RoomCipher,
  ): Promise<SealedLine | null> {
    const { clientId, user } = log.me!;
    const own = { user, verified: isVerified(log) };
    const seal = (line: Line) => cipher.seal(line, clientId);
    switch (amends?.type) {
      case undefined:
        return seal({ ...this.chain.positionOf(n), ...own, replyTo, files: bondsOf(files), text });
      case "delete":
        return { text };
      case "react": {
        const known = sealed ?? (amends.on ? undefined : ownSealed(log, amends.target, text));
        return { text: known ?? (await seal({ ...NO_POSITION, ...own, text: emojiFor(amends.target, text) })).text };
      }
      case "edit": {
        const { target } = amends;
        const [entry, position] = [findEntry(log, target), this.verifier.positionOf(clientId, target)];
        if (!entry || !position) return null;
        // Under the name that the message has: readers who come later see the edit in its place.
        const bound = { ...own, user: entry.user, replyTo: entry.replyTo, edits: target, files: bondsOf(entry.files) };
        return { text: (await seal({ ...position, ...bound, text })).text };
      }
    }
  }

  /** The server has line `n`. False where it is none of the order, or another page sent it. */
  confirm(n: number, seq: number, log: Log): boolean {
    const place = this.chain.confirm(n);
    if (!place || !log.me) return false;
    const { clientId, user } = log.me;
    const files = bondsOf(log.outgoing.find((o) => o.n === n)?.files);
    this.verifier.recordOwn(clientId, { ...place, user, verified: isVerified(log), files }, seq);
    return true;
  }
}

/** What a line says of its files: of those that were not sealed nothing. */
function bondsOf(files: readonly Attached[] = []): FileBond[] {
  return files.flatMap(({ file, key, size }) => (key === undefined ? [] : [{ file, key, size }]));
}
