// Addresses in a message. Only http and https, and never one that hides its
// host behind a user name.

export type TextPart = { text: string; href: string | null };

/** One label of a host, of any script. */
const LABEL = String.raw`[\p{L}\p{M}\p{N}·・\u200c\u200d_-]+`;
const HOST = String.raw`(?:\[[\da-f:.]+\]|${LABEL}(?:\.${LABEL})*)`;
/** Fullwidth and CJK punctuation belongs to the sentence: no space stands before it. Invisible characters show no address. */
const ENDS = String.raw`\s<>"\u0060\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\u3000-\u3003\u3008-\u3011\u3014-\u301f\u3030\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65`;
const REST = String.raw`(?:[/?#][^${ENDS}]*)?`;
const ADDRESS = new RegExp(
  String.raw`(?:https?://(?![^\s/?#\\]*@)${HOST}|www\.${LABEL}(?:\.${LABEL})+)(?::\d+)?${REST}`,
  "giu",
);

const TRAILING = new Set(".,;:!?…»«›“”„*");
const OPENING: Record<string, string> = { ")": "(", "]": "[", "}": "{" };
/** A quotation mark ends the address only where its partner stands before it: else it is part of a word, as in `it’s`. */
const QUOTES: Record<string, string> = { "’": "‘", "'": "'", "‘": "‚" };

export function linkify(text: string): TextPart[] {
  const out: TextPart[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const before = text[match.index - 1] ?? "";
    // Half of a name or of another address.
    if (/^www/i.test(match[0]) && /[\w@./-]/.test(before)) continue;
    const shown = trimmed(match[0], before);
    const href = address(shown);
    if (!href) continue;
    if (match.index > from) out.push({ text: text.slice(from, match.index), href: null });
    out.push({ text: shown, href });
    from = match.index + shown.length;
  }
  if (from < text.length) out.push({ text: text.slice(from), href: null });
  return out;
}

/** The full stop after an address belongs to the sentence, and so does a bracket it did not open. */
function trimmed(address: string, before: string): string {
  const count: Record<string, number> = {};
  for (const c of address) count[c] = (count[c] ?? 0) + 1;
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1]!;
    const opening = OPENING[last];
    const unopened = opening !== undefined && (count[opening] ?? 0) < count[last]!;
    const quoted = QUOTES[last] !== undefined && QUOTES[last] === before;
    if (!TRAILING.has(last) && !unopened && !quoted) break;
    count[last]! -= 1;
  }
  return address.slice(0, end);
}

function address(shown: string): string | null {
  const whole = /^www\./i.test(shown) ? `https://${shown}` : shown;
  if (!URL.canParse(whole)) return null;
  const url = new URL(whole);
  const safe =
    (url.protocol === "http:" || url.protocol === "https:") &&
    url.hostname !== "" &&
    url.username === "" &&
    url.password === "";
  return safe ? url.href : null;
}
