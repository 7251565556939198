// Incoming frames: sealed texts are opened, and those that cannot be opened are marked undecryptable.

import type { Chat, Doubt, Inbound } from "../protocol/frames";
import { isSealed, type OpenedLine, type RoomCipher } from "./cipher";
import type { LineVerifier } from "./line-verifier";

/** The frame as this page may read it. Without a cipher, or with another key, sealed texts stay undecryptable. */
export async function openFrame(frame: Inbound, cipher: RoomCipher | null, verifier: LineVerifier): Promise<Inbound> {
  switch (frame.type) {
    case "chat":
      return verifyChat(frame, await openText(frame, cipher), verifier);
    case "welcome":
    case "reset": {
      const texts = await Promise.all(frame.history.map((chat) => openText(chat, cipher)));
      if (!frame.resumed || frame.reset) verifier.resetPositions();
      return { ...frame, history: frame.history.map((chat, at) => verifyChat(chat, texts[at]!, verifier)) };
    }
    default:
      return frame;
  }
}

async function openText(
  { text, from }: Chat,
  cipher: RoomCipher | null,
): Promise<OpenedLine | "undecryptable" | "unencrypted"> {
  // A member joined without the key: the server could read this text, or have written it.
  if (!isSealed(text)) return "unencrypted";
  return (await cipher?.open(text, from)) ?? "undecryptable";
}

/** In log order: the verdict on a line depends on the lines before it. */
function verifyChat(chat: Chat, text: OpenedLine | "undecryptable" | "unencrypted", verifier: LineVerifier): Chat {
  if (text === "undecryptable") return undecryptable(chat);
  if (text === "unencrypted")
    return { ...chat, encryption: "unencrypted", ...doubted(verifier.verifyUnsealed(chat.from, "unencrypted")) };
  const { claims } = text;
  if (claims === null) return { ...chat, text: text.text, ...doubted(verifier.verifyUnsealed(chat.from, "former")) };
  return {
    ...chat,
    text: text.text,
    claims: { n: claims.n, id: claims.id },
    ...doubted(verifier.verify(chat, claims)),
  };
}

function doubted(doubt: Doubt | null): { doubt?: Doubt } {
  return doubt ? { doubt } : {};
}

/** The frame as a page without a key may read it. */
export function markUndecryptable(frame: Inbound): Inbound {
  switch (frame.type) {
    case "chat":
      return isSealed(frame.text) ? undecryptable(frame) : frame;
    case "welcome":
    case "reset":
      return { ...frame, history: frame.history.map((chat) => (isSealed(chat.text) ? undecryptable(chat) : chat)) };
    default:
      return frame;
  }
}

function undecryptable(chat: Chat): Chat {
  return { ...chat, text: "", encryption: "undecryptable" };
}
