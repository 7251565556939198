// What came while the room was out of sight, and what is told of it.

import { displayText } from "../log/display-text";
import { mentionsMe } from "../log/mention";
import { isMine, type Entry, type Log } from "../log/state";
import { wordsOf } from "../log/words";

/** Characters of a message in a notification. */
const TEXT_MAX = 160;

/** The messages by which the unread ones grew since there were `before` of them. */
export function newsOf(log: Log, before: number): Entry[] {
  const fresh = log.unread - before;
  if (fresh <= 0) return [];
  const first = log.firstUnread ?? 0;
  const isOthers = (line: Entry) => !line.mine && !line.deleted && line.seq >= first;
  return log.lines.filter((line): line is Entry => line.kind === "entry" && isOthers(line)).slice(-fresh);
}

/** Whether a message mentions the person, or answers theirs. The title and the icon count mentions alone. */
export function isForMe(log: Log, entry: Entry & { replyTo?: number }): boolean {
  const { replyTo } = entry;
  if (replyTo !== undefined && log.lines.some((l) => l.kind === "entry" && l.seq === replyTo && isMine(log, l.from)))
    return true;
  return mentionsMe(log, entry);
}

export type NotificationTexts = {
  newFrom: (user: string) => string;
  newMessages: (n: number) => string;
  newMessage: string;
};

/** What a notification says: of a room with a key no text, unless the person chose it. */
export function notificationOf(news: readonly Entry[], showsText: boolean, t: NotificationTexts) {
  const last = news.at(-1)!;
  const user = displayText(last.user);
  const readable = showsText && last.encryption !== "undecryptable" && wordsOf(last) !== "";
  const text = displayText(wordsOf(last)).replaceAll(/\s+/g, " ").trim();
  const cut = [...text];
  const shown = cut.length > TEXT_MAX ? `${cut.slice(0, TEXT_MAX).join("")}…` : text;
  if (news.length === 1) return { title: user, body: readable ? shown : t.newMessage };
  return { title: t.newMessages(news.length), body: readable ? `${user}: ${shown}` : t.newFrom(user) };
}
