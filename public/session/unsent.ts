// Messages that were written and have not been sent.

import { inbox } from "../files/inbox.svelte";
import type { Log } from "../log/state";
import type { Draft } from "./draft.svelte";

/** Their words go back into the draft, their files to the composer. */
export function takeBackUnsent({ outgoing }: Log, draft: Draft, discard: (key: number) => void): void {
  const waiting = outgoing.filter((o) => o.state === "pending" && !o.sent);
  draft.putBack(waiting.flatMap((o) => (o.amends?.type === "react" ? [] : [o.text])));
  for (const { key, files } of waiting) {
    inbox.takeBack(files);
    discard(key);
  }
}
