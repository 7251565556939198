// The commands of the composer.

/** Those of the host come last. */
export const COMMANDS = [
  "me",
  "nick",
  "invite",
  "help",
  "kick",
  "mute",
  "unmute",
  "host",
  "lock",
  "unlock",
  "knock",
  "topic",
  "burn",
] as const;

export type Command = (typeof COMMANDS)[number];

/** Behind these stands the name of a member. */
export const OF_MEMBERS: readonly Command[] = ["kick", "mute", "unmute", "host"];

/** The command that a text begins with, and the words behind it; null for no command that is known. */
export function parseCommand(text: string): { name: Command; words: string } | null {
  const [, given = "", words = ""] = /^\/(\S*)\s*([^]*)$/u.exec(text) ?? [];
  const name = COMMANDS.find((command) => command === given.toLowerCase());
  return name ? { name, words: words.trim() } : null;
}
