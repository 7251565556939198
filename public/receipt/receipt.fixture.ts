// A server's signature under a receipt, made by the test.

import { base64url } from "../e2ee/base64url";

const bytes = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const part = (value: object) => base64url(bytes(value));

export const CLAIMS = {
  iss: "parlor",
  room: "r",
  epoch: "5f0c9a1e7b3d2846",
  cause: "burned",
  keys: { log: 1, members: 1, room: 1 },
  entries: 12,
  bytes: 3450,
  members: 2,
  files: 1,
  video: "removed",
  keysLeft: 0,
  node: "9a3c",
  iat: 1_790_000_000,
};

export class Signer {
  private constructor(
    readonly keys: CryptoKeyPair,
    readonly jwk: { kty: string; crv: string; x: string },
    readonly kid: string,
  ) {}

  static async make(): Promise<Signer> {
    const keys = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
    const { x } = await crypto.subtle.exportKey("jwk", keys.publicKey);
    const named = bytes({ crv: "Ed25519", kty: "OKP", x: x! });
    const kid = base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", named)));
    return new Signer(keys, { kty: "OKP", crv: "Ed25519", x: x! }, kid);
  }

  async sign(claims: object = CLAIMS, header: object = {}): Promise<string> {
    const head = { alg: "EdDSA", typ: "parlor-receipt+jwt", kid: this.kid, jwk: this.jwk, ...header };
    const signed = `${part(head)}.${part(claims)}`;
    const signature = await crypto.subtle.sign("Ed25519", this.keys.privateKey, new TextEncoder().encode(signed));
    return `${signed}.${base64url(new Uint8Array(signature))}`;
  }
}
