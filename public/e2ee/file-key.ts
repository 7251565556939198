// The key of one file: what it seals opens for that file alone, in that place, under that key.

import type { Attached } from "../protocol/frames";
import { base64url, unbase64url } from "./base64url";
import { type FileBond, PREFIX } from "./sealed-text";

/** Bytes that are sealed together. */
export const RECORD_BYTES = 65_536;
const TAG_BYTES = 16;
/** The longest sealed name that the server takes, in letters. */
const NAME_MAX = 512;

/** What a nonce says of the bytes that it was used for. */
const [MORE, LAST, FACTS] = [0, 1, 2];

/** What a file is called, and what it is. */
export type FileFacts = { name: string; contentType: string };

/** The size of a file of so many bytes when it is sealed. */
export function sealedSize(size: number): number {
  return size + Math.max(1, Math.ceil(size / RECORD_BYTES)) * TAG_BYTES;
}

/** The letters of a text of so many bytes when it is sealed: base64url without padding. */
function sealedLength({ length }: Uint8Array): number {
  return PREFIX.length + Math.ceil(((length + TAG_BYTES) * 4) / 3);
}

export function newFileKey(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

export class FileKey {
  readonly #key: CryptoKey;
  readonly #bound: Uint8Array<ArrayBuffer>;
  readonly #size: number;

  private constructor(key: CryptoKey, bound: string, size: number) {
    this.#key = key;
    this.#bound = new TextEncoder().encode(bound);
    this.#size = size;
  }

  static async of({ file, key, size }: FileBond, room: string): Promise<FileKey> {
    const raw = unbase64url(key);
    const imported = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
    return new FileKey(imported, JSON.stringify(["file1", room, file, size]), size);
  }

  /** The record of this number, counted from 0. */
  async seal(record: BufferSource, index: number): Promise<ArrayBuffer> {
    return crypto.subtle.encrypt(this.#params(index, this.#kindOf(index)), this.#key, record);
  }

  /** Throws where it is not this record of this file. */
  async open(sealed: BufferSource, index: number): Promise<ArrayBuffer> {
    return crypto.subtle.decrypt(this.#params(index, this.#kindOf(index)), this.#key, sealed);
  }

  /** Once for a key: its nonce serves one text. A name that is too long loses its end, but not what says its kind. */
  async sealFacts({ name, contentType }: FileFacts): Promise<string> {
    const letters = [...name];
    const encoded = () => new TextEncoder().encode(JSON.stringify([contentType, letters.join("")]));
    let facts = encoded();
    while (sealedLength(facts) > NAME_MAX && letters.length > 0) {
      letters.splice(Math.max(0, letters.length - 12), 1);
      facts = encoded();
    }
    const sealed = await crypto.subtle.encrypt(this.#params(0, FACTS), this.#key, facts);
    return PREFIX + base64url(new Uint8Array(sealed));
  }

  async openFacts(text: string): Promise<FileFacts> {
    const params = this.#params(0, FACTS);
    const bytes = await crypto.subtle.decrypt(params, this.#key, unbase64url(text.slice(PREFIX.length)));
    const [contentType, name]: unknown[] = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof contentType !== "string" || typeof name !== "string") throw new TypeError("no facts of a file");
    return { contentType, name };
  }

  #kindOf(index: number): number {
    return (index + 1) * RECORD_BYTES >= this.#size ? LAST : MORE;
  }

  /** No two texts under one key have one nonce: the file does not change, and its facts are sealed once. */
  #params(index: number, kind: number): AesGcmParams {
    const iv = new Uint8Array(12);
    new DataView(iv.buffer).setUint32(7, index);
    iv[11] = kind;
    return { name: "AES-GCM", iv, additionalData: this.#bound };
  }
}

/**
 * The files of a message that its author sealed: exactly those, in their order. Null where the server lists others. A
 * name that cannot be opened is none.
 */
export async function openFiles(
  listed: readonly Attached[],
  sealed: readonly FileBond[],
  room: string,
): Promise<Attached[] | null> {
  const isThat = ({ file, size }: Attached, bond: FileBond | undefined) =>
    bond?.file === file && sealedSize(bond.size) === size;
  if (listed.length !== sealed.length || !listed.every((file, at) => isThat(file, sealed[at]))) return null;
  return Promise.all(
    sealed.map(async (bond, at): Promise<Attached> => {
      const facts = FileKey.of(bond, room).then((key) => key.openFacts(listed[at]!.name ?? ""));
      return { ...bond, ...(await facts.catch(() => ({ contentType: "application/octet-stream" }))) };
    }),
  );
}
