// The bytes of files that this page shows: fetched, opened, and kept for as long as something shows them.

import type { Attached } from "../protocol/frames";
import type { FileApi } from "./api";
import { openBytes } from "./records";

/** The only types that a page shows: none of them can hold a program. */
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);
/** Larger ones are fetched when they are asked for. */
const PREVIEW_MAX = 10 * 1024 * 1024;

export function isPicture({ contentType }: Pick<Attached, "contentType">): boolean {
  return PICTURES.has(contentType);
}

export function hasPreview(file: Attached): boolean {
  return isPicture(file) && file.size <= PREVIEW_MAX;
}

/** The file as it was sent. Rejects with `FileRefused`, or when the bytes are not those that were sealed. */
export async function fetchFile(api: FileApi, file: Attached, room: string, signal: AbortSignal): Promise<Blob> {
  const { key, size } = file;
  const answer = await api.read(file.file, signal);
  const bytes = await answer.blob();
  if (key === undefined && bytes.size !== size) throw new RangeError("a file is not whole");
  // Of another type than a picture's it is only kept, never opened in the page.
  const type = isPicture(file) ? file.contentType : "application/octet-stream";
  return key === undefined ? new Blob([bytes], { type }) : openBytes(bytes, { file: file.file, key, size }, room, type);
}

type Held = { bytes: Promise<Blob>; holders: Set<AbortSignal>; over: AbortController };

/** By the ids of their files. Two logs of one room show the same. */
const held = new Map<string, Held>();

/** A browser has six connections to a server over HTTP/1.1: messages need some. */
const AT_ONCE = 2;
let busy = 0;
const queue: (() => void)[] = [];

async function inTurn<T>(act: () => Promise<T>): Promise<T> {
  if (busy >= AT_ONCE) await new Promise<void>((then) => queue.push(then));
  else busy += 1;
  try {
    return await act();
  } finally {
    const next = queue.shift();
    if (next) next();
    else busy -= 1;
  }
}

/**
 * The file, fetched once and kept until the signal of each who holds it is aborted. The last one cuts off the fetch,
 * too.
 */
export function hold(
  { file }: Attached,
  fetching: (signal: AbortSignal) => Promise<Blob>,
  holder: AbortSignal,
): Promise<Blob> {
  const one = held.get(file) ?? begin(file, fetching);
  one.holders.add(holder);
  const release = () => {
    if (!one.holders.delete(holder) || one.holders.size > 0) return;
    one.over.abort();
    forget(file, one);
  };
  if (holder.aborted) release();
  else holder.addEventListener("abort", release, { once: true });
  return one.bytes;
}

function begin(file: string, fetching: (signal: AbortSignal) => Promise<Blob>): Held {
  const over = new AbortController();
  const bytes = inTurn(async () => {
    over.signal.throwIfAborted();
    return fetching(over.signal);
  });
  const one = { bytes, holders: new Set<AbortSignal>(), over };
  held.set(file, one);
  // What failed is fetched again when it is wanted again.
  bytes.catch(() => forget(file, one));
  return one;
}

function forget(file: string, one: Held): void {
  if (held.get(file) === one) held.delete(file);
}

/** Gives the bytes to the browser as a file. */
export function save(bytes: Blob, name: string): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  // Browsers read it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
