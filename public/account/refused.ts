// Why the server said no, as people read it.

import { tongue } from "../words/words.svelte";
import type { Refusal } from "./desk";
import { ACCOUNT } from "./words";

export function refused({ code, retryAfter }: Refusal): string {
  const a = ACCOUNT[tongue.language];
  const why = a.refusals[code] ?? a.refusals.unknown!;
  return retryAfter === null ? why : `${why} ${a.tryIn(tongue.duration(rounded(retryAfter)))}`;
}

/** Whole seconds, and whole minutes where there is more than one. */
function rounded(ms: number): number {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  return seconds > 60 ? Math.ceil(seconds / 60) * 60 : seconds;
}
