// Which colour a person has: a steady one, and while there are enough, no
// two people in a room have the same.

import type { Member } from "../protocol/frames";

export const COLOURS = 8;

export class Tints {
  readonly #of = new Map<string, number>();

  /** Once given, a colour stays: whoever goes must not repaint those who talk on. */
  of(clientId: string, members: readonly Member[]): number {
    const known = this.#of.get(clientId);
    if (known !== undefined) return known;
    const taken = new Set(members.map((m) => this.#of.get(m.clientId)));
    const own = hash(clientId) % COLOURS;
    const tries = Array.from({ length: COLOURS }, (_, i) => (own + i) % COLOURS);
    const tint = tries.find((t) => !taken.has(t)) ?? own;
    this.#of.set(clientId, tint);
    return tint;
  }
}

/** FNV-1a: every page picks the same colour for a person as long as it is free. */
function hash(clientId: string): number {
  let hash = 2166136261;
  for (const c of clientId) hash = Math.imul(hash ^ c.charCodeAt(0), 16777619);
  return hash >>> 0;
}
