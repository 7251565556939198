// The colour of each member: steady, and unique among members and authors in sight while there are enough colours.

import type { Log } from "./state";

export const COLOUR_COUNT = 8;

export class MemberColours {
  readonly #of = new Map<string, number>();

  /** Once assigned, a colour stays: a leaving member must not change the colours of the others. */
  of(clientId: string, { members, lines }: Pick<Log, "members" | "lines">): number {
    const known = this.#of.get(clientId);
    if (known !== undefined) return known;
    const here = new Set(members.map((m) => this.#of.get(m.clientId)));
    // Authors who left still have lines in sight.
    const seen = new Set(lines.map((l) => this.#of.get(l.from)));
    const own = hash(clientId) % COLOUR_COUNT;
    const tries = Array.from({ length: COLOUR_COUNT }, (_, i) => (own + i) % COLOUR_COUNT);
    const tint = tries.find((t) => !here.has(t) && !seen.has(t)) ?? tries.find((t) => !here.has(t)) ?? own;
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
