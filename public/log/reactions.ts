// Reactions: entries of the log that change a message before them. They are folded into that message.

import type { React } from "../protocol/frames";
import { type Entry, isMine, type Log, type Outgoing, type Reaction } from "./state";

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

/** Of one member and one emoji the last reaction holds. A reaction without its message before it changes nothing. */
export function addReaction(
  log: Log,
  { seq, from, user, text: emoji, target, on }: Pick<React, "seq" | "from" | "user" | "text" | "target" | "on">,
): Log {
  const at = target < seq ? log.lines.findLastIndex((l) => l.kind === "entry" && l.seq === target) : -1;
  const line = log.lines[at];
  if (line?.kind !== "entry" || !isEmoji(emoji)) return log;
  const before = line.reactions ?? [];
  const was = before.findIndex((r) => r.from === from && r.emoji === emoji);
  if (was >= 0 && before[was]!.seq >= seq) return log;
  const kinds = new Set(before.filter((r) => r.on).map((r) => r.emoji));
  if (on && !kinds.has(emoji) && kinds.size >= KINDS_MAX) return log;
  const reaction = { seq, from, user, emoji, on, mine: isMine(log, from) };
  const after = was < 0 ? [...before, reaction] : before.map((r, i) => (i === was ? reaction : r));
  const taken = after.filter((r) => !r.on);
  const oldest = taken.length > TAKEN_MAX ? Math.min(...taken.map((r) => r.seq)) : 0;
  const reactions = after.filter((r) => r.seq !== oldest);
  return { ...log, lines: log.lines.map((l) => (l === line ? { ...line, reactions } : l)) };
}

/** What the page offers. */
export const OFFERED = ["👍", "❤️", "😂", "🎉", "😮", "😢"] as const;

export type ReactionCount = { emoji: string; users: string[] };

/** What is on a message now, in the order in which each emoji came first. */
export function countReactions({ reactions = [] }: Entry): ReactionCount[] {
  const counts = new Map<string, Reaction[]>();
  for (const r of reactions) if (r.on) counts.set(r.emoji, [...(counts.get(r.emoji) ?? []), r]);
  return [...counts].map(([emoji, of]) => ({ emoji, users: of.map((r) => r.user) }));
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
  const next = outgoing.findLast((o) => o.react?.target === seq && o.text === emoji)?.react;
  const on = next ? next.on : own.some((r) => r.from === me?.clientId);
  const kept = !on && own.some((r) => r.from !== me?.clientId);
  return { on: on || kept, kept };
}

/** What a press on an emoji sends; null where it would change nothing. The line as drawn may be a frame old. */
export function toggleReaction(log: Log, drawn: Entry, emoji: string): Outgoing["react"] | null {
  const line = log.lines.find((l): l is Entry => l.kind === "entry" && l.seq === drawn.seq) ?? drawn;
  const { on, kept } = ownReaction(log, line, emoji);
  return kept ? null : { target: line.seq, on: !on };
}
