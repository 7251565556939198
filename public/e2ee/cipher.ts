// Encryption with the key in a link's fragment, which never leaves the browser. It yields one key for chat and one for
// media.

import { base64url, unbase64url } from "./base64url";
import type { Secret } from "./key";
import { type Line, encodePayload, type LineClaims, decodePayload } from "./payload";
import { IV_BYTES, PREFIX } from "./sealed-text";

/** The format before `sealed2.`: it binds neither name nor order. Still opened, never written. */
const FORMER_PREFIX = "sealed1.";

/** An opened text, with its claims in the newer format. */
export type OpenedLine = { text: string; claims: LineClaims | null };

/** The two keys of one room. */
export class RoomCipher {
  /** The key for LiveKit's encryption of the media. */
  readonly media: ArrayBuffer;
  readonly #chat: CryptoKey;
  readonly room: string;

  private constructor(chat: CryptoKey, media: ArrayBuffer, room: string) {
    this.#chat = chat;
    this.media = media;
    this.room = room;
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

  /** The sealed text, and the id by which the author's next line names it. Only tests give the nonce. */
  async seal(
    line: Line,
    from: string,
    iv = crypto.getRandomValues(new Uint8Array(IV_BYTES)),
  ): Promise<{ text: string; id: string }> {
    const payload = encodePayload(line);
    const sealed = new Uint8Array(
      await crypto.subtle.encrypt(this.#gcmParams(iv, ["sealed2", this.room, from]), this.#chat, payload),
    );
    const whole = new Uint8Array(IV_BYTES + sealed.length);
    whole.set(iv);
    whole.set(sealed, IV_BYTES);
    return { text: PREFIX + base64url(whole), id: await idOf(payload) };
  }

  /** Null when another key, room or author sealed it, or when it was changed since. */
  async open(text: string, from: string): Promise<OpenedLine | null> {
    try {
      if (text.startsWith(FORMER_PREFIX))
        return { text: decoded(await this.#decrypt(text, [this.room, from])), claims: null };
      if (!text.startsWith(PREFIX)) return null;
      const payload = await this.#decrypt(text, ["sealed2", this.room, from]);
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

  /** The additional data binds a text to room, author and format: anywhere else it does not open. */
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
