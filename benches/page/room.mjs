// A room with messages in it, before the measured page joins.

import { newRoom, apiSender } from "../../tests/browser/people.mjs";

/** What the server is told so that nothing of it limits what is measured. */
export const SETTINGS = {
  PARLOR_GRACE: "1h",
  PARLOR_HISTORY_LEN: "10000",
  PARLOR_HISTORY_BYTES: String(16 * 1024 * 1024),
  PARLOR_RATE: "100000",
  PARLOR_ADDRESS_RATE: "0",
  PARLOR_ADDRESS_TEXT: "0",
};

/** The link of such a room, and what says one line more. */
export async function spokenIn(base, texts) {
  const link = newRoom(base);
  const say = await apiSender("Ben", link);
  for (const text of texts) await say(text);
  return { link, path: new URL(link).pathname, say };
}

export const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
