// What came while the room was out of sight, and what is told of it.

import { displayText } from "../log/display-text";
import { isMine, type Entry, type Log } from "../log/state";

/** Characters of a message in a notification. */
const TEXT_MAX = 160;

/** The messages by which the unread ones grew since there were `before` of them. */
export function newsOf(log: Log, before: number): Entry[] {
  const fresh = log.unread - before;
  if (fresh <= 0) return [];
  return log.lines.filter((line): line is Entry => line.kind === "entry" && !line.mine).slice(-fresh);
}

/** Whether a text names this member: `@Ann`, not `@Anna` and not `joe@ann`. */
export function names(text: string, user: string): boolean {
  const plain = (of: string) => of.normalize("NFKC").toLowerCase();
  const [said, name] = [plain(text), `@${plain(user)}`];
  for (let at = said.indexOf(name); at >= 0; at = said.indexOf(name, at + 1)) {
    const isWord = (letter: string) => /[\p{L}\p{M}\p{N}_]/u.test(letter);
    const before = [...said.slice(0, at)].at(-1) ?? "";
    const after = [...said.slice(at + name.length)][0] ?? "";
    if (!isWord(before) && !isWord(after)) return true;
  }
  return false;
}

/** Whether a message names the person, or answers a message of theirs. */
export function isForMe(log: Log, entry: Entry & { replyTo?: number }): boolean {
  const { replyTo } = entry;
  if (replyTo !== undefined && log.lines.some((l) => l.kind === "entry" && l.seq === replyTo && isMine(log, l.from)))
    return true;
  return log.me !== null && entry.encryption !== "undecryptable" && names(entry.text, log.me.user);
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
  const readable = showsText && last.encryption !== "undecryptable" && last.text !== "";
  const text = displayText(last.text).replaceAll(/\s+/g, " ").trim();
  const cut = [...text];
  const shown = cut.length > TEXT_MAX ? `${cut.slice(0, TEXT_MAX).join("")}…` : text;
  if (news.length === 1) return { title: user, body: readable ? shown : t.newMessage };
  return { title: t.newMessages(news.length), body: readable ? `${user}: ${shown}` : t.newFrom(user) };
}
