// What a text may hold beside words and links; what it does hold, a part that is loaded later reads.

import { displayText } from "../log/display-text";

/** Marks of Markdown, or a mention. */
const MARKS = /[*_~`@]|^[ \t]*(?:>[ \t>]|(?:[-+]|\d{1,3}[.)])[ \t])/m;
/** One to three emoji and nothing else. Digits are emoji only with a sign that makes them so. */
const EMOJI_ALONE =
  /^(?:(?:\p{RI}{2}|\p{Extended_Pictographic}(?:[\u{1f3fb}-\u{1f3ff}]|\ufe0f)?(?:\u200d\p{Extended_Pictographic}(?:[\u{1f3fb}-\u{1f3ff}]|\ufe0f)?){0,5}) ?){1,3}$/u;

export function hasMarks(text: string): boolean {
  return MARKS.test(text);
}

export function isEmojiAlone(text: string): boolean {
  return text.length <= 60 && EMOJI_ALONE.test(text);
}

/** The first words of a message, on one line. */
export function excerpt(text: string): string {
  return [...displayText(text.slice(0, 300)).replace(/\s+/gu, " ").trim()].slice(0, 120).join("");
}
