// A file that is being fetched for the page to show or to keep.

import type { Attached } from "../protocol/frames";
import type { RoomSession } from "../session/room-session.svelte";
import { FileApi, FileRefused } from "./api";
import { inbox } from "./inbox.svelte";
import { fetchFile } from "./store";

/** Why it is not here: the server has it no more, it is not what was sealed, or the network failed. */
export type Missing = "gone" | "undecryptable" | "away";

export function fetchFor(session: RoomSession, file: Attached, signal: AbortSignal): Promise<Blob> {
  const own = inbox.sent.get(file.file);
  if (own) return Promise.resolve(own);
  return fetchFile(new FileApi(session.room, () => session.ticket), file, session.room, signal);
}

export function missing(error: unknown, { key }: Attached): Missing {
  if (error instanceof FileRefused) return error.code === "no_file" || error.code === "files_off" ? "gone" : "away";
  const isNetwork = error instanceof TypeError || (error instanceof DOMException && error.name === "AbortError");
  return key !== undefined && !isNetwork ? "undecryptable" : "away";
}
