// The emoji that the picker offers, with their names, and how they are found. The build takes them from emojibase.

import type { Language } from "../i18n/language";

export type Emoji = {
  emoji: string;
  label: string;
  /** Its names and what it is like, in lower case, with a space before each. */
  words: string;
  /** It has a skin whose tone can be chosen. */
  toned: boolean;
};

/** None, and from light to dark. */
export const TONES = ["", "\u{1f3fb}", "\u{1f3fc}", "\u{1f3fd}", "\u{1f3fe}", "\u{1f3ff}"] as const;

const NAMES: Record<Language, () => Promise<{ default: readonly (readonly string[])[] }>> = {
  en: () => import("emojibase-data/en/data.json?names"),
  ru: () => import("emojibase-data/ru/data.json?names"),
};

/** By group, in the order of Unicode. */
export async function loadEmoji(language: Language): Promise<Emoji[][]> {
  const { default: groups } = await NAMES[language]();
  return groups.map((rows) => rows.map(parse));
}

function parse(row: string): Emoji {
  const [emoji = "", label = "", tags = ""] = row.split("|");
  const toned = emoji.startsWith("+");
  return { emoji: toned ? emoji.slice(1) : emoji, label, words: wordsOf(`${label} ${tags}`), toned };
}

function wordsOf(text: string): string {
  const plain = text.toLowerCase().replaceAll("ё", "е");
  return ` ${plain.split(/[^\p{L}\p{M}\p{N}]+/u).join(" ")}`;
}

/** Those with every one of the words, or the beginning of it, the nearest first; an emoji finds itself. */
export function search(groups: readonly (readonly Emoji[])[], query: string): Emoji[] {
  const words = wordsOf(query)
    .split(" ")
    .filter((word) => word !== "");
  const typed = query.trim();
  const found = groups.flatMap((group) =>
    group.filter((one) =>
      words.length > 0
        ? words.every((word) => one.words.includes(` ${word}`))
        : typed !== "" && typed.startsWith(one.emoji),
    ),
  );
  const [near, begun, far]: [Emoji[], Emoji[], Emoji[]] = [[], [], []];
  for (const one of found) {
    const label = `${wordsOf(one.label)} `;
    const has = (end: string) => words.every((word) => label.includes(` ${word}${end}`));
    (has(" ") ? near : has("") ? begun : far).push(one);
  }
  return [...near, ...begun, ...far];
}

/** With this tone on everyone in it; the hands that two people hold have none. */
export function withTone({ emoji, toned }: Emoji, tone: string): string {
  return toned && tone !== ""
    ? emoji.replaceAll(/(?!\u{1f91d}\u200d)(\p{Emoji_Modifier_Base})\ufe0f?/gu, `$1${tone}`)
    : emoji;
}
