// The rule for room ids, checked before the server does.

export const ROOM_ID_MAX = 64;

const ALLOWED = /^[\p{Alphabetic}\p{M}\p{N}._~-]+$/u;
/** A mark belongs to a letter or a digit. */
const STRAY = /(?:^|[._~-])\p{M}/u;
const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";
const QUINTS = new RegExp(`^(?:[${CONSONANTS}][${VOWELS}][${CONSONANTS}][${VOWELS}][${CONSONANTS}](?:-|$)){4,}$`);

export function parseRoomId(given: string): string | null {
  const id = given.normalize("NFC");
  if (!ALLOWED.test(id) || STRAY.test(id) || [...id].length > ROOM_ID_MAX || id === "." || id === "..") return null;
  return id;
}

/** Punctuation at the end is encoded: chats and mail programs would cut it off the link. */
export function roomPath(id: string): string {
  const tail = /[._~-]*$/.exec(id)![0];
  const coded = [...tail].map((c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`).join("");
  return `/r/${encodeURIComponent(id.slice(0, id.length - tail.length))}${coded}`;
}

/** The room that a path leads to; null is the landing page, which a path that names none leads to as well. */
export function roomOfPath(path: string): { id: string | null; given: string } | null {
  const given = /^\/r\/([^/]+)\/?$/.exec(path)?.[1];
  if (given === undefined) return null;
  const text = decode(given);
  return { id: parseRoomId(text), given: text };
}

/** Four proquints: 64 random bits that can be read out over a telephone. */
export function generateRoomId(): string {
  return Array.from(crypto.getRandomValues(new Uint16Array(4)), proquint).join("-");
}

export function proquint(bits: number): string {
  const consonant = (shift: number) => CONSONANTS[(bits >> shift) & 15];
  const vowel = (shift: number) => VOWELS[(bits >> shift) & 3];
  return `${consonant(12)}${vowel(10)}${consonant(6)}${vowel(4)}${consonant(0)}`;
}

/**
 * Whether a stranger might guess this id. Roughly: a letter of a word carries two bits, a digit three; forty bits
 * resist guessing online.
 */
export function isGuessable(id: string): boolean {
  if (QUINTS.test(id)) return false;
  const letters = id.match(/\p{Alphabetic}/gu)?.length ?? 0;
  const digits = id.match(/\p{N}/gu)?.length ?? 0;
  const distinct = new Set(id.toLowerCase()).size;
  return letters * 2 + digits * 3 < 40 || distinct < 8;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
