// Frames on their way in: what was locked is opened, and what could not be is said to be shut.

import type { Chat, Doubt, Inbound } from "../protocol/frames";
import { isSealed, type Opened, type Seal } from "./seal";
import type { Witness } from "./witness";

/** A frame as a page with this seal may read it, or with a key that cannot be used here; locked words that it does not fit stay shut. */
export async function opened(frame: Inbound, seal: Seal | null, witness: Witness): Promise<Inbound> {
  switch (frame.type) {
    case "chat":
      return read(frame, await openedText(frame, seal), witness);
    case "welcome":
    case "reset": {
      const texts = await Promise.all(frame.history.map((chat) => openedText(chat, seal)));
      if (!frame.resumed || frame.reset) witness.relist();
      return { ...frame, history: frame.history.map((chat, at) => read(chat, texts[at]!, witness)) };
    }
    default:
      return frame;
  }
}

async function openedText({ text, from }: Chat, seal: Seal | null): Promise<Opened | "shut" | "bare"> {
  // Somebody came by the bare id: the server could read this, and write it.
  if (!isSealed(text)) return "bare";
  return (await seal?.open(text, from)) ?? "shut";
}

/** In the order of the log: what a line is worth depends on those before it. */
function read(chat: Chat, text: Opened | "shut" | "bare", witness: Witness): Chat {
  if (text === "shut") return shut(chat);
  if (text === "bare") return { ...chat, seal: "bare", ...doubted(witness.sawLess(chat.from, "bare")) };
  const { said } = text;
  if (said === null) return { ...chat, text: text.text, ...doubted(witness.sawLess(chat.from, "former")) };
  return { ...chat, text: text.text, said: { n: said.n, id: said.id }, ...doubted(witness.saw(chat, said)) };
}

function doubted(doubt: Doubt | null): { doubt?: Doubt } {
  return doubt ? { doubt } : {};
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
