// The rule for message texts.

/** Shows nothing: white space, default-ignorable characters, and the letters and signs that are empty. */
const BLANK = /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u2800\u{13441}\u{13442}\u{1d159}]*$/u;

/** The text that goes out: without empty lines before it and white space after it. */
export function textOf(draft: string): string {
  return draft.replace(/^\n+/, "").trimEnd();
}

/** Nothing of it would be visible. */
export function isBlank(text: string): boolean {
  return BLANK.test(text);
}

const encoder = new TextEncoder();

/** Bytes of UTF-8, as the server counts them: a character beyond ASCII has two to four. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}
