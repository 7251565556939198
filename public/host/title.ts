// The title of a room as it is shown, and as it is sent.

import { isSealed } from "../e2ee/sealed-text";
import { sealTitle } from "../e2ee/title";
import type { HostMessage, Rules } from "../protocol/frames";
import { utf8Length } from "../protocol/text";
import type { RoomSession } from "../session/room-session.svelte";

/** Bytes of what the server takes. */
const TITLE_MAX = 512;

/** Empty for none, and for one that this page cannot open. */
export function titleOf(rules: Partial<Rules> | null): string {
  const title = rules?.title ?? "";
  return isSealed(title) ? "" : title;
}

/** What asks for another title; null for one that is too long. */
export async function topicOf(
  title: string,
  { cipher }: Pick<RoomSession, "cipher">,
): Promise<Extract<HostMessage, { type: "topic" }> | null> {
  const words = title.trim().replace(/\s+/gu, " ");
  const sent = words !== "" && cipher ? await sealTitle(words, await cipher) : words;
  return utf8Length(sent) > TITLE_MAX ? null : { type: "topic", title: sent };
}
