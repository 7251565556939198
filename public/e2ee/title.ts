// The title of a room with a key. It belongs to the room and to no member: any later host may replace it.

import type { RoomCipher } from "./cipher";
import { NO_POSITION } from "./payload";

/** In the place of the author, where no member's id can be. */
const TITLE = "title";

export async function sealTitle(title: string, cipher: RoomCipher): Promise<string> {
  return (await cipher.seal({ ...NO_POSITION, user: "", verified: false, text: title }, TITLE)).text;
}

/** Null for a title that was not sealed with this key. */
export async function openTitle(title: string, cipher: RoomCipher | null): Promise<string | null> {
  const opened = await cipher?.open(title, TITLE);
  // What has a number is a line.
  return opened?.claims?.n === 0 ? opened.text : null;
}
