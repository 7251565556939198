// The key in a link as it gets pasted: text around it is trimmed, and anything else that is no key makes the link
// damaged.

import { parseRoomId, roomOfPath } from "../protocol/room-id";

/** 32 random bytes, as they stand in a link: 43 letters of base64url. */
export type Secret = string;

export type Key = { is: "none" } | { is: "key"; secret: Secret } | { is: "damaged" };

const NONE: Key = { is: "none" };
const DAMAGED: Key = { is: "damaged" };

/** The last letter carries four bits: a key that lost a letter and gained a `_` is none. */
const SECRET = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
/** A key, then nothing or what cannot belong to it. `_` and `-` can, so only a run of them at the end is trimmed. */
const AT_START = /^([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])[_-]*(?![A-Za-z0-9_-])/;
/** Letters that cannot be seen: U+200B, U+FEFF, U+2060, U+00AD and their like. */
const UNSEEN = /\p{Cf}/gu;
/** A `#` that a program took for a letter of the address; some do so twice. */
const ESCAPED_HASH = /%(?:25)*23/gi;
/** What a link ends at, in a text that goes on after it. */
const LINK = /\/r\/([^/?#\s]+)(\/?(?:\?[^#\s]*)?)(?:#(\S*))?/;
/** A room's id, as it is or escaped, and what may stand after it in a sentence. */
const ID = /^((?:%[0-9a-f]{2}|[\p{Alphabetic}\p{M}\p{N}._~-])+)(?![%&@\\])(?:[\p{Pe}\p{Pf}\p{Pi}\p{Po}>|].*)?$/iu;
/** A key that a space or a line break has cut off from its link. */
const CUT_OFF = /^\s+#([\w-]{20}\S*)/;

export function isSecret(given: string): boolean {
  return SECRET.test(given);
}

/** What a fragment says: without its `#`, or null where the address has no `#` at all. */
export function parseKey(fragment: string | null): Key {
  if (fragment === null) return NONE;
  const text = decode(fragment)
    .replaceAll(UNSEEN, "")
    .replace(/^[\s#]+/, "");
  const secret = AT_START.exec(text)?.[1];
  return secret === undefined ? DAMAGED : { is: "key", secret };
}

export type Address = {
  /** The room that the path names; null for a page that belongs to none. */
  room: { id: string | null; given: string } | null;
  search: string;
  key: Key;
};

/** Where this page was opened. */
export function parseAddress(href: string): Address {
  const url = new URL(unescapeHashes(href));
  const at = url.href.indexOf("#");
  return { room: roomOfPath(url.pathname), search: url.search, key: parseKey(at < 0 ? null : url.href.slice(at + 1)) };
}

/** A `#` has no place in a room's id nor in a key: wherever it stands escaped, it was one. */
function unescapeHashes(address: string): string {
  return address.replaceAll(ESCAPED_HASH, "#");
}

/** What was pasted: the room it leads to, with the key and the invite that the link has. */
export type Invitation = { room: string; key: Key; invite?: string };

/** Parses what is pasted: an id, an id with its key, a link, or a sentence with a link. Null where no room is named. */
export function parseInvitation(given: string): Invitation | null {
  const text = unescapeHashes(given.replaceAll(UNSEEN, "").trim());
  const link = LINK.exec(text);
  if (!link) {
    const [id, ...rest] = text.split("#");
    const room = parseRoomId(id!.trim());
    return room === null ? null : { room, key: parseKey(rest.length === 0 ? null : rest.join("#")) };
  }
  const [whole, named, asked, fragment] = link;
  const behind = text.slice(link.index + whole.length);
  const cutOff = fragment === undefined ? CUT_OFF.exec(behind)?.[1] : undefined;
  // A full stop may end an id; in a sentence it ends the sentence.
  const ends = fragment === undefined && asked === "" && (behind !== "" || /\s/.test(text.slice(0, link.index)));
  const id = ID.exec(named!)?.[1] ?? "";
  const room = parseRoomId(decode(ends ? id.replace(/\.+$/, "") : id));
  const invite = inviteOf(asked!.replace(/^\//, ""));
  return room === null ? null : { room, key: parseKey(fragment ?? cutOff ?? null), ...(invite ? { invite } : {}) };
}

/** The invite in the query of an address. */
export function inviteOf(search: string): string | null {
  return new URLSearchParams(search).get("invite");
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
