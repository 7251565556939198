// The reactions on a message.

import type { Chat, React } from "../protocol/frames";
import { type Amendment, type Entry, findEntry, isMine, type Log, type Reaction, replaceEntry } from "./state";

/** More kinds on one message are not kept. */
const KINDS_MAX = 50;
/** So many that were taken away are remembered on one message: an ack can come before an older entry. */
const TAKEN_MAX = 50;
/** UTF-16 units: the longest that Unicode recommends has 15. */
const LENGTH_MAX = 32;
const PART = String.raw`(?![\d#*\p{RI}])\p{Emoji}(?:[\u{1f3fb}-\u{1f3ff}]|\ufe0f|[\u{e0020}-\u{e007e}]+\u{e007f})?`;
const EMOJI = new RegExp(String.raw`^(?:\p{RI}{2}|[\d#*]\ufe0f\u20e3|${PART}(?:\u200d${PART})*)$`, "u");

/** Whether a text is one emoji. What is sealed the server cannot check. */
export function isEmoji(text: string): boolean {
  return text.length <= LENGTH_MAX && EMOJI.test(text);
}

/** Of one member and one emoji the last reaction holds. */
export function addReaction(log: Log, { seq, from, user, text: emoji, target, on, sealed }: React): Log {
  const line = findEntry(log, target);
  if (!line || !isEmoji(emoji)) return log;
  const before = line.reactions ?? [];
  const was = before.findIndex((r) => r.from === from && r.emoji === emoji);
  if (was >= 0 && before[was]!.seq >= seq) return log;
  const mine = isMine(log, from);
  const kinds = new Set(before.filter((r) => r.on).map((r) => r.emoji));
  // What the person at this page chose is shown, whatever the others did before.
  if (on && !mine && !kinds.has(emoji) && kinds.size >= KINDS_MAX) return log;
  const reaction = { seq, from, user, emoji, on, mine, ...(sealed ? { sealed } : {}) };
  const after = was < 0 ? [...before, reaction] : before.map((r, i) => (i === was ? reaction : r));
  const taken = after.filter((r) => !r.on);
  const oldest = taken.length > TAKEN_MAX ? Math.min(...taken.map((r) => r.seq)) : null;
  const reactions = after.filter((r) => r.seq !== oldest);
  return replaceEntry(log, line, { ...line, reactions });
}

/** The reactions of a message from a history. Who put them there is known by name where the log has the name. */
export function foldedReactions(log: Log, { from, user, reactions = [] }: Chat): Reaction[] {
  const names = new Map([[from, user]]);
  for (const line of log.lines) if (line.kind === "entry") names.set(line.from, line.user);
  for (const { clientId, user } of log.me ? [...log.members, log.me] : log.members) names.set(clientId, user);
  const [kinds, seen] = [new Set<string>(), new Set<string>()];
  return reactions.flatMap(({ from, text: emoji, user = names.get(from) ?? "…", sealed }) => {
    const key = `${from} ${emoji}`;
    if (!isEmoji(emoji) || seen.has(key) || (kinds.size >= KINDS_MAX && !kinds.has(emoji))) return [];
    seen.add(key);
    kinds.add(emoji);
    return { seq: 0, from, user, emoji, on: true, mine: isMine(log, from), ...(sealed ? { sealed } : {}) };
  });
}

/** What the page offers. */
export const OFFERED = ["👍", "❤️", "😂", "🎉", "😮", "😢"] as const;

export type ReactionCount = { emoji: string; users: string[] };

/** What is on a message now, in the order in which each emoji came first. */
export function countReactions({ reactions = [] }: Entry): ReactionCount[] {
  const counts = new Map<string, string[]>();
  for (const { emoji, user, on } of reactions) {
    if (!on) continue;
    const users = counts.get(emoji);
    if (users) users.push(user);
    else counts.set(emoji, [user]);
  }
  return [...counts].map(([emoji, users]) => ({ emoji, users }));
}

/**
 * Whether this page has an emoji on a message; what the server has not answered yet counts. `kept`: only an earlier seat
 * put it there. Reactions are counted by seat, so this one cannot take it away.
 */
export function ownReaction(
  { me, outgoing }: Pick<Log, "me" | "outgoing">,
  { seq, reactions = [] }: Entry,
  emoji: string,
): { on: boolean; kept: boolean } {
  const own = reactions.filter((r) => r.mine && r.on && r.emoji === emoji);
  const next = outgoing.findLast(
    (o) => o.amends?.type === "react" && o.amends.target === seq && o.text === emoji && o.state === "pending",
  );
  const on = next?.amends?.type === "react" ? next.amends.on : own.some((r) => r.from === me?.clientId);
  const kept = !on && own.some((r) => r.from !== me?.clientId);
  return { on: on || kept, kept };
}

/** What puts an emoji on a message or takes it away, or turns that around; null where it would change nothing. */
export function reactionTo(log: Log, target: number, emoji: string, on?: boolean): Amendment | null {
  const line = findEntry(log, target);
  const own = line && ownReaction(log, line, emoji);
  const wanted = on ?? !own?.on;
  return !own || own.kept || own.on === wanted ? null : { type: "react", target, on: wanted };
}

/** What was sealed of this page's emoji on a message: the server takes away only exactly that. */
export function ownSealed(log: Log, target: number, emoji: string): string | undefined {
  return findEntry(log, target)?.reactions?.find((r) => r.from === log.me?.clientId && r.emoji === emoji)?.sealed;
}
