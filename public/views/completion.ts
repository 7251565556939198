// What may be meant by a name or an emoji that was begun before the caret.

import { COMMANDS, OF_MEMBERS } from "../commands/names";
import { EMOJI_NAMES } from "./emoji-names";

export type Suggestion = { shown: string; name: string; text: string };
export type Suggestions = { from: number; items: Suggestion[]; exact: string | null };

const SHOWN_MAX = 7;
/** Names have spaces: what stands behind an @ is one as long as a member is called so. */
const MENTION = /(?:^|[\s([{«“"'])@([^@\n]{0,40})$/u;
const EMOJI = /(?:^|[\s([{«“"'])(:([\p{L}\p{N}_+-]{2,24})(:?))$/u;

export function suggest(before: string, names: readonly string[]): Suggestions | null {
  return suggestCommand(before, names) ?? suggestEmoji(before) ?? suggestMention(before, names);
}

/** A command that was begun, and behind some of them the member that it is about. */
function suggestCommand(before: string, names: readonly string[]): Suggestions | null {
  const [, begun, of, user] = /^\/(?:(\p{L}*)|(\p{L}+) +(.*))$/u.exec(before) ?? [];
  if (begun !== undefined) {
    const name = begun.toLowerCase();
    // Nothing is left to complete.
    if (COMMANDS.some((command) => command === name)) return null;
    const found = COMMANDS.filter((command) => command.startsWith(name));
    return offered(
      0,
      found.map((name) => ({ shown: "/", name, text: `/${name} ` })),
    );
  }
  if (user === undefined || !OF_MEMBERS.some((command) => command === of!.toLowerCase())) return null;
  const words = user.toLowerCase();
  const found = [...new Set(names)].filter((n) => n.toLowerCase().startsWith(words) && n.toLowerCase() !== words);
  return offered(
    before.length - user.length,
    found.map((name) => ({ shown: "@", name, text: name })),
  );
}

function offered(from: number, items: Suggestion[]): Suggestions | null {
  return items.length === 0 ? null : { from, items: items.slice(0, SHOWN_MAX), exact: null };
}

function suggestMention(before: string, names: readonly string[]): Suggestions | null {
  const begun = MENTION.exec(before)?.[1];
  if (begun === undefined) return null;
  // Behind a space the name is done, until a letter goes on with it.
  if (begun.endsWith(" ")) return null;
  const words = begun.toLowerCase();
  const [first, others]: [Suggestion[], Suggestion[]] = [[], []];
  for (const name of new Set(names)) {
    const low = name.toLowerCase();
    const item = { shown: "@", name, text: `@${name} ` };
    if (low.startsWith(words)) first.push(item);
    // By a later word of the name.
    else if (words !== "" && low.includes(` ${words}`)) others.push(item);
  }
  const items = [...first, ...others].slice(0, SHOWN_MAX);
  // Nothing is left to complete.
  if (items.length === 0 || (items.length === 1 && items[0]!.name.toLowerCase() === words)) return null;
  return { from: before.length - begun.length - 1, items, exact: null };
}

function suggestEmoji(before: string): Suggestions | null {
  const found = EMOJI.exec(before);
  if (!found) return null;
  const [, whole, begun, closed] = found as unknown as [string, string, string, string];
  const from = before.length - whole.length;
  const name = begun.toLowerCase();
  const exact = EMOJI_NAMES.find(({ names }) => names.includes(name))?.emoji ?? null;
  if (closed !== "") return exact === null ? null : { from, items: [], exact };
  const items: Suggestion[] = [];
  for (const fits of [(n: string) => n === name, (n: string) => n.startsWith(name), (n: string) => n.includes(name)])
    for (const { emoji, names } of EMOJI_NAMES) {
      const by = names.find(fits);
      if (by !== undefined && !items.some(({ text }) => text === emoji))
        items.push({ shown: emoji, name: `:${by}:`, text: emoji });
    }
  return items.length > 0 ? { from, items: items.slice(0, SHOWN_MAX), exact: null } : null;
}
