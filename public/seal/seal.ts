// What the key in a link's fragment locks. The fragment never leaves the
// browser: from its secret come one key for the chat and one for the media,
// and the server keeps only what nobody there can read.

import { base64url, unbase64url } from "./base64url";
import type { Secret } from "./key";
import { type Line, pack, type Said, unpack } from "./payload";

const MARK = "sealed2.";
/** Written by pages before `sealed2.`: it binds neither the name nor the order. Still read. */
const FORMER = "sealed1.";
/** A page of tomorrow may lock in a way that this one cannot open: it is no plain text either. */
const ANY = /^sealed\d+\./;
const IV = 12;
const TAG = 16;

export function newSecret(): Secret {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** Whether a text is one that was locked. */
export function isSealed(text: string): boolean {
  return ANY.test(text);
}

/** How many bytes a payload may have so that it fits locked into `limit` characters. */
export function room(limit: number): number {
  return Math.max(0, Math.floor(((limit - MARK.length) * 3) / 4) - IV - TAG);
}

export function bytesOf(text: string): number {
  return utf8(text).length;
}

/** What was locked: with what it says of itself, where the author's page said so. */
export type Opened = { text: string; said: Said | null };

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
    const source = await crypto.subtle.importKey("raw", unbase64url(secret), "HKDF", false, [
      "deriveBits",
      "deriveKey",
    ]);
    const use = (label: string) => ({
      name: "HKDF",
      hash: "SHA-256",
      salt: utf8(room),
      info: utf8(`parlor ${label} 1`),
    });
    const chat = await crypto.subtle.deriveKey(use("chat"), source, { name: "AES-GCM", length: 256 }, false, [
      "encrypt",
      "decrypt",
    ]);
    const media = await crypto.subtle.deriveBits(use("media"), source, 256);
    return new Seal(chat, media, room);
  }

  /** The locked text, and what the author's next line is to name it by. The nonce is given by tests only. */
  async lock(
    line: Line,
    from: string,
    iv = crypto.getRandomValues(new Uint8Array(IV)),
  ): Promise<{ text: string; id: string }> {
    const payload = pack(line);
    const locked = new Uint8Array(
      await crypto.subtle.encrypt(this.#with(iv, ["sealed2", this.#room, from]), this.#chat, payload),
    );
    const whole = new Uint8Array(IV + locked.length);
    whole.set(iv);
    whole.set(locked, IV);
    return { text: MARK + base64url(whole), id: await idOf(payload) };
  }

  /** Null when it was locked with another key, in another room, by somebody else, or changed since. */
  async open(text: string, from: string): Promise<Opened | null> {
    try {
      if (text.startsWith(FORMER)) return { text: decoded(await this.#opened(text, [this.#room, from])), said: null };
      if (!text.startsWith(MARK)) return null;
      const payload = await this.#opened(text, ["sealed2", this.#room, from]);
      const { text: words, ...said } = unpack(payload);
      return { text: words, said: { ...said, id: await idOf(payload) } };
    } catch {
      return null;
    }
  }

  async #opened(text: string, bound: string[]): Promise<Uint8Array<ArrayBuffer>> {
    const whole = unbase64url(text.slice(MARK.length));
    return new Uint8Array(
      await crypto.subtle.decrypt(this.#with(whole.slice(0, IV), bound), this.#chat, whole.slice(IV)),
    );
  }

  /** Bound to the room, its author's seat and the format: in no other place does it open. */
  #with(iv: Uint8Array<ArrayBuffer>, bound: string[]) {
    return { name: "AES-GCM", iv, additionalData: utf8(JSON.stringify(bound)) };
  }
}

/** The first half of a payload's SHA-256. */
async function idOf(payload: Uint8Array<ArrayBuffer>): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", payload)).slice(0, 16));
}

function decoded(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
