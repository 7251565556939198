// What a person may be called: the server's rule, said before the server has to.

export const NAME_MAX = 32;

// Controls, line breaks, and the marks that turn the text after a name around.
const INVISIBLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b\ufeff]/u;

export function parseName(given: string): string | null {
  const name = given.trim().normalize("NFC");
  const length = [...name].length;
  return length === 0 || length > NAME_MAX || INVISIBLE.test(name) ? null : name;
}
