// One upload: in pieces, from where it broke off, until it is whole, refused or cancelled.

import { backoff } from "../transport/backoff";
import { FileRefused, type FileApi, type UploadFacts } from "./api";

/** After these the same request may do: the server or the session is on its way back. */
const PASSING = new Set([
  "rate_limited",
  "store_unavailable",
  "restarting",
  "server_full",
  "timeout",
  "internal",
  "not_member",
  "no_ticket",
  "bad_ticket",
]);
/** So many times the server may lose an upload before it is given up. */
const LOSSES_MAX = 3;

export type UploadOptions = {
  api: Pick<FileApi, "open" | "offsetOf" | "write">;
  facts: UploadFacts;
  bytes: Blob;
  signal: AbortSignal;
  /** So many bytes are there; `broken` while it waits to go on. */
  onProgress: (offset: number, broken: boolean) => void;
  /** Resolves after so many milliseconds, or sooner when the network is back. */
  wait: (ms: number) => Promise<void>;
  random: () => number;
};

/** Resolves when the file is whole. Rejects with `FileRefused`, or when it is cancelled. */
export async function upload({ api, facts, bytes, signal, onProgress, wait, random }: UploadOptions): Promise<void> {
  const { file, size } = facts;
  let [offset, chunk, attempt, losses] = [0, 0, 0, 0];
  let [opened, lost] = [false, false];
  for (;;) {
    try {
      if (!opened) ({ offset, chunk } = await api.open(facts, signal));
      else if (lost) offset = await api.offsetOf(file, signal);
      [opened, lost] = [true, false];
      onProgress(offset, false);
      while (offset < size) {
        offset = await api.write(file, offset, bytes.slice(offset, offset + chunk), signal);
        attempt = 0;
        onProgress(offset, false);
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FileRefused) {
        const { code, offset: known } = error;
        if (code === "bad_offset" && known !== null && known !== offset) {
          offset = known;
          continue;
        }
        if (code === "no_file" && opened && losses < LOSSES_MAX) {
          // It waited too long, or the room is another one: from the beginning.
          losses += 1;
          opened = false;
          continue;
        }
        if (!PASSING.has(code)) throw error;
      }
      lost = true;
      onProgress(offset, true);
      await wait(Math.max(backoff(attempt, random), (error instanceof FileRefused && error.retryAfter) || 0));
      signal.throwIfAborted();
      attempt += 1;
    }
  }
}
