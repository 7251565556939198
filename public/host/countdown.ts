// How long a room still has.

import type { Language } from "../i18n/language";

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** From two of a unit on it is counted in that: "in 90 min.", "in 2 hr.". */
export function timeLeft(seconds: number, language: Language): string {
  const format = new Intl.RelativeTimeFormat(language, { style: "short" });
  const left = Math.max(0, Math.ceil(seconds));
  const [unit, size] = UNITS.find(([, size]) => left >= 2 * size) ?? (["second", 1] as const);
  return format.format(Math.ceil(left / size), unit);
}
