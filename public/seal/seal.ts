// What the key in a link's fragment locks. The fragment never leaves the
// browser: from its secret come one key for the chat and one for the media,
// and the server keeps only what nobody there can read.

/** 32 random bytes, as they stand in a link. */
export type Secret = string;

const SECRET = /^[A-Za-z0-9_-]{43}$/;
const MARK = "sealed1.";
const IV = 12;
const TAG = 16;

export function newSecret(): Secret {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** The secret in a fragment, with or without its `#`. */
export function secretOf(fragment: string): Secret | null {
  const given = fragment.replace(/^#/, "");
  return SECRET.test(given) ? given : null;
}

/** Whether a text is one that was locked. */
export function isSealed(text: string): boolean {
  return text.startsWith(MARK);
}

/** How long a text may be, in bytes of UTF-8, so that it fits locked into `limit` characters. */
export function room(limit: number): number {
  return Math.max(0, Math.floor(((limit - MARK.length) * 3) / 4) - IV - TAG);
}

export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** The two keys of one room. */
export class Seal {
  /** What LiveKit's encryption of the media is given. */
  readonly media: ArrayBuffer;
  readonly #chat: CryptoKey;
  readonly #room: string;

  private constructor(chat: CryptoKey, media: ArrayBuffer, room: string) {
    this.#chat = chat;
    this.media = media;
    this.#room = room;
  }

  static async of(secret: Secret, room: string): Promise<Seal> {
    const source = await crypto.subtle.importKey("raw", unbase64url(secret), "HKDF", false, ["deriveBits", "deriveKey"]);
    const use = (label: string) => ({ name: "HKDF", hash: "SHA-256", salt: utf8(room), info: utf8(`parlor ${label} 1`) });
    const chat = await crypto.subtle.deriveKey(use("chat"), source, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    const media = await crypto.subtle.deriveBits(use("media"), source, 256);
    return new Seal(chat, media, room);
  }

  async lock(text: string, from: string): Promise<string> {
    const iv = crypto.getRandomValues(new Uint8Array(IV));
    const locked = new Uint8Array(await crypto.subtle.encrypt(this.#with(iv, from), this.#chat, utf8(text)));
    const whole = new Uint8Array(IV + locked.length);
    whole.set(iv);
    whole.set(locked, IV);
    return MARK + base64url(whole);
  }

  /** Null when it was locked with another key, in another room, by somebody else, or changed since. */
  async open(text: string, from: string): Promise<string | null> {
    try {
      const whole = unbase64url(text.slice(MARK.length));
      const opened = await crypto.subtle.decrypt(this.#with(whole.slice(0, IV), from), this.#chat, whole.slice(IV));
      return new TextDecoder("utf-8", { fatal: true }).decode(opened);
    } catch {
      return null;
    }
  }

  /** Bound to the room and its author: the server cannot pass one's words off as another's. */
  #with(iv: Uint8Array<ArrayBuffer>, from: string) {
    return { name: "AES-GCM", iv, additionalData: utf8(JSON.stringify([this.#room, from])) };
  }
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function base64url(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function unbase64url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}
