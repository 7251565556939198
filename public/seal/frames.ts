// Frames on their way in: what was locked is opened, and what could not be is said to be shut.

import type { Chat, Inbound } from "../protocol/frames";
import { isSealed, type Seal } from "./seal";

/** A frame as a page with this seal may read it, or with a key that cannot be used here; locked words that it does not fit stay shut. */
export async function opened(frame: Inbound, seal: Seal | null): Promise<Inbound> {
  switch (frame.type) {
    case "chat":
      return openedChat(frame, seal);
    case "welcome":
    case "reset":
      return { ...frame, history: await Promise.all(frame.history.map((chat) => openedChat(chat, seal))) };
    default:
      return frame;
  }
}

async function openedChat(chat: Chat, seal: Seal | null): Promise<Chat> {
  // Somebody came by the bare id: the server could read this, and write it.
  if (!isSealed(chat.text)) return { ...chat, seal: "bare" };
  const text = (await seal?.open(chat.text, chat.from)) ?? null;
  return text === null ? shut(chat) : { ...chat, text };
}

/** A frame as a page without a seal may read it. */
export function unopened(frame: Inbound): Inbound {
  switch (frame.type) {
    case "chat":
      return isSealed(frame.text) ? shut(frame) : frame;
    case "welcome":
    case "reset":
      return { ...frame, history: frame.history.map((chat) => (isSealed(chat.text) ? shut(chat) : chat)) };
    default:
      return frame;
  }
}

function shut(chat: Chat): Chat {
  return { ...chat, text: "", seal: "shut" };
}
