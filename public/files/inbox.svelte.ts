// Files on their way between the page and the composer: given by the person, or back from a message that was not sent.

import type { Attached } from "../protocol/frames";

class Inbox {
  /** A composer that takes files is in the page. */
  open = false;
  /** No composer has taken these yet. */
  given: readonly File[] = $state.raw([]);
  /** What this page has sent, by the ids, until its room is left. */
  readonly sent = new Map<string, File>();
  /** The tray drops the upload at the server. */
  onDrop: ((file: string) => void) | null = null;

  give(files: Iterable<File> | null | undefined): void {
    this.given = [...this.given, ...(files ?? [])];
  }

  takeBack(files: readonly Attached[] = []): void {
    this.give(files.flatMap(({ file }) => this.sent.get(file) ?? []));
  }

  /** A message will not be sent: its files are let go, here and at the server. */
  drop(files: readonly Attached[] = []): void {
    for (const { file } of files) {
      this.sent.delete(file);
      this.onDrop?.(file);
    }
  }

  close(): void {
    this.open = false;
    this.given = [];
    this.sent.clear();
  }
}

export const inbox = new Inbox();
