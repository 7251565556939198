// What the key in a link's fragment locks. The fragment never leaves the
// browser: from its secret come one key for the chat and one for the media,
// and the server keeps only what nobody there can read.

import { base64url, unbase64url } from "./base64url";
import type { Secret } from "./key";
import { type Line, encodePayload, type LineClaims, decodePayload } from "./payload";

const PREFIX = "sealed2.";
/** Written by pages before `sealed2.`: it binds neither the name nor the order. Still read. */
const FORMER_PREFIX = "sealed1.";
/** A page of tomorrow may lock in a way that this one cannot open: it is no plain text either. */
const ANY_PREFIX = /^sealed\d+\./;
const IV_BYTES = 12;
const TAG_BYTES = 16;

export function newSecret(): Secret {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** Whether a text is one that was sealed. */
export function isSealed(text: string): boolean {
  return ANY_PREFIX.test(text);
}

/** How many bytes a payload may have so that it fits sealed into `limit` characters. */
export function payloadLimit(limit: number): number {
  return Math.max(0, Math.floor(((limit - PREFIX.length) * 3) / 4) - IV_BYTES - TAG_BYTES);
}

/** What was sealed: with what it says of itself, where the author's page said so. */
export type OpenedLine = { text: string; claims: LineClaims | null };

/** The two keys of one room. */
export class RoomCipher {
  /** What LiveKit's encryption of the media is given. */
  readonly media: ArrayBuffer;
  readonly #chat: CryptoKey;
  readonly #room: string;

  private constructor(chat: CryptoKey, media: ArrayBuffer, room: string) {
    this.#chat = chat;
    this.media = media;
    this.#room = room;
  }

  static async of(secret: Secret, room: string): Promise<RoomCipher> {
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
    return new RoomCipher(chat, media, room);
  }

  /** The sealed text, and what the author's next line is to name it by. The nonce is given by tests only. */
  async seal(
    line: Line,
    from: string,
    iv = crypto.getRandomValues(new Uint8Array(IV_BYTES)),
  ): Promise<{ text: string; id: string }> {
    const payload = encodePayload(line);
    const sealed = new Uint8Array(
      await crypto.subtle.encrypt(this.#gcmParams(iv, ["sealed2", this.#room, from]), this.#chat, payload),
    );
    const whole = new Uint8Array(IV_BYTES + sealed.length);
    whole.set(iv);
    whole.set(sealed, IV_BYTES);
    return { text: PREFIX + base64url(whole), id: await idOf(payload) };
  }

  /** Null when it was sealed with another key, in another room, by somebody else, or changed since. */
  async open(text: string, from: string): Promise<OpenedLine | null> {
    try {
      if (text.startsWith(FORMER_PREFIX))
        return { text: decoded(await this.#decrypt(text, [this.#room, from])), claims: null };
      if (!text.startsWith(PREFIX)) return null;
      const payload = await this.#decrypt(text, ["sealed2", this.#room, from]);
      const { text: plain, ...claims } = decodePayload(payload);
      return { text: plain, claims: { ...claims, id: await idOf(payload) } };
    } catch {
      return null;
    }
  }

  async #decrypt(text: string, bound: string[]): Promise<Uint8Array<ArrayBuffer>> {
    const whole = unbase64url(text.slice(PREFIX.length));
    return new Uint8Array(
      await crypto.subtle.decrypt(this.#gcmParams(whole.slice(0, IV_BYTES), bound), this.#chat, whole.slice(IV_BYTES)),
    );
  }

  /** Bound to the room, its author's seat and the format: in no other place does it open. */
  #gcmParams(iv: Uint8Array<ArrayBuffer>, bound: string[]) {
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
