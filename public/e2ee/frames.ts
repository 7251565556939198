// Incoming frames: sealed texts are opened, and those that cannot be opened are marked undecryptable.

import { type Doubt, type Inbound, isEntry, type LogEntry } from "../protocol/frames";
import { isSealed, type OpenedLine, type RoomCipher } from "./cipher";
import type { LineVerifier } from "./line-verifier";

/** The frame as this page may read it. Without a cipher, or with another key, sealed texts stay undecryptable. */
export async function openFrame(frame: Inbound, cipher: RoomCipher | null, verifier: LineVerifier): Promise<Inbound> {
  if (isEntry(frame)) return verifyEntry(frame, await openText(frame, cipher), verifier);
  switch (frame.type) {
    case "welcome":
    case "reset": {
      const texts = await Promise.all(frame.history.map((entry) => openText(entry, cipher)));
      if (!frame.resumed || frame.reset) verifier.resetPositions();
      return { ...frame, history: frame.history.map((entry, at) => verifyEntry(entry, texts[at]!, verifier)) };
    }
    default:
      return frame;
  }
}

async function openText(
  { text, from }: LogEntry,
  cipher: RoomCipher | null,
): Promise<OpenedLine | "undecryptable" | "unencrypted"> {
  // A member joined without the key: the server could read this text, or have written it.
  if (!isSealed(text)) return "unencrypted";
  return (await cipher?.open(text, from)) ?? "undecryptable";
}

/** In log order: the verdict on a line depends on the lines before it. */
function verifyEntry(
  entry: LogEntry,
  text: OpenedLine | "undecryptable" | "unencrypted",
  verifier: LineVerifier,
): LogEntry {
  if (text === "undecryptable") return undecryptable(entry);
  if (text === "unencrypted")
    return { ...entry, encryption: "unencrypted", ...doubted(verifier.verifyUnsealed(entry.from, "unencrypted")) };
  if (entry.type === "react") {
    const words = wordsOf("", entry);
    // The server could put it on another message, or take it away.
    if (!text.text.startsWith(words)) return undecryptable(entry);
    text = { ...text, text: text.text.slice(words.length) };
  }
  const { claims } = text;
  if (claims === null) return { ...entry, text: text.text, ...doubted(verifier.verifyUnsealed(entry.from, "former")) };
  return {
    ...entry,
    text: text.text,
    claims: { n: claims.n, id: claims.id },
    ...doubted(verifier.verify(entry, claims)),
  };
}

/** What is sealed of an entry: its text, or the emoji behind what it is for. */
export function wordsOf(text: string, react: { target: number; on: boolean } | undefined): string {
  return react ? `${react.target} ${react.on ? "+" : "-"} ${text}` : text;
}

function doubted(doubt: Doubt | null): { doubt?: Doubt } {
  return doubt ? { doubt } : {};
}

/** The frame as a page without a key may read it. */
export function markUndecryptable(frame: Inbound): Inbound {
  if (isEntry(frame)) return isSealed(frame.text) ? undecryptable(frame) : frame;
  switch (frame.type) {
    case "welcome":
    case "reset":
      return { ...frame, history: frame.history.map((entry) => (isSealed(entry.text) ? undecryptable(entry) : entry)) };
    default:
      return frame;
  }
}

function undecryptable(entry: LogEntry): LogEntry {
  return { ...entry, text: "", encryption: "undecryptable" };
}
