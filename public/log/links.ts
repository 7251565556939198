// Addresses in a message. Only http and https, and never one that hides its
// host behind a user name.

export type Part = { text: string; href: string | null };

const ADDRESS = /https?:\/\/[^\s<>"'`]+/giu;
const TRAILING = /[.,;:!?…»”’*_~]$/u;
const PAIRS: Record<string, string> = { ")": "(", "]": "[", "}": "{" };

export function parts(text: string): Part[] {
  const out: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const shown = trimmed(match[0]);
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
function trimmed(address: string): string {
  for (let end = address.length; end > 0; end -= 1) {
    const shown = address.slice(0, end);
    const opening = PAIRS[shown.at(-1)!];
    const unopened = opening !== undefined && shown.split(opening).length < shown.split(shown.at(-1)!).length;
    if (!TRAILING.test(shown) && !unopened) return shown;
  }
  return "";
}

function address(shown: string): string | null {
  if (!URL.canParse(shown)) return null;
  const url = new URL(shown);
  const safe = (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "" && url.username === "" && url.password === "";
  return safe ? url.href : null;
}
