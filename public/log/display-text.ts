// Text by others, displayed so that it cannot paint over its surroundings.

/** More marks on one letter than any script needs would paint over the lines around it. */
export const MARKS_MAX = 5;

/** Marks, and the invisible characters that do not end a run of them. */
const PILE = new RegExp(String.raw`[\p{M}\u00ad\u061c\u200b-\u200f\u2060-\u2064\ufeff]{${MARKS_MAX + 1},}`, "gu");
const MARK = /\p{M}/u;

/** Without the marks that are too many on one letter. */
export function displayText(text: string): string {
  return text.replace(PILE, (pile) => {
    let marks = 0;
    return [...pile].filter((c) => !MARK.test(c) || (marks += 1) <= MARKS_MAX).join("");
  });
}

const [ISOLATE, END] = ["\u2068", "\u2069"];

/** A name in a sentence: it turns nothing of the sentence around. */
export function isolateName(name: string): string {
  return ISOLATE + displayText(name) + END;
}

/** A sentence in pieces; which of them are names. */
export function splitNames(sentence: string): { text: string; name: boolean }[] {
  const split = sentence.split(/\u2068([^\u2068\u2069]*)\u2069/u);
  return split.map((text, at) => ({ text, name: at % 2 === 1 })).filter(({ text }) => text !== "");
}
