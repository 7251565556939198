// The rule for names, checked before the server does.

export const NAME_MAX = 32;

// Controls, line breaks, and the marks that turn the text after a name around.
const INVISIBLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b\ufeff]/u;

/** What shows nothing by itself: white space, empty letters and signs, marks without a letter, format characters. */
const EMPTY = /^[\s\p{M}\p{Cf}\u115f\u1160\u3164\uffa0\u2800\u{13441}\u{13442}\u{1d159}]*$/u;

export function parseName(given: string): string | null {
  const name = given.trim().normalize("NFC");
  const length = [...name].length;
  return length > NAME_MAX || EMPTY.test(name) || INVISIBLE.test(name) ? null : name;
}
