// The server's error codes as sentences.

import { i18n } from "../i18n/i18n.svelte";
import type { ApiError } from "./api";
import { ACCOUNT } from "./texts";

export function errorText({ code, retryAfter }: ApiError): string {
  const a = ACCOUNT[i18n.language];
  const why = a.errors[code] ?? a.errors.unknown!;
  return retryAfter === null ? why : `${why} ${a.tryIn(i18n.duration(rounded(retryAfter)))}`;
}

/** Whole seconds, and whole minutes where there is more than one. */
function rounded(ms: number): number {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  return seconds > 60 ? Math.ceil(seconds / 60) * 60 : seconds;
}
