// The key of a new room.

import { base64url } from "./base64url";
import type { Secret } from "./key";

export function newSecret(): Secret {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}
