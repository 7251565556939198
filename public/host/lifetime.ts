// When a room may end, and how long its messages may stay.

/** Seconds from now between which a room may end. */
export const LIFETIME = { least: 600, most: 7 * 86_400 };

/** Seconds that are offered. */
export const END_CHOICES = [LIFETIME.least, 3_600, 86_400, LIFETIME.most];
const AGES = [60, 300, 900, 1_800, 3_600, 6 * 3_600, 86_400];

/** The request takes a while, and the page knows the server's time roughly: nothing is asked for at the very limit. */
const MARGIN = 10_000;

/** The end in so many seconds, in milliseconds of the server's time. */
export function endIn(seconds: number, now: number): number {
  return clamped(now + seconds * 1000, now);
}

/** Null for a date that is none, or not one that the server takes; within its last minute it is moved to the limit. */
export function parseEnd(date: string, now: number): number | null {
  const at = Date.parse(date);
  const isNear = at >= now + (LIFETIME.least - 60) * 1000 && at <= now + (LIFETIME.most + 60) * 1000;
  return isNear ? clamped(at, now) : null;
}

/** In whole milliseconds: the page's time has parts of them, and the server takes none. */
function clamped(at: number, now: number): number {
  return Math.round(Math.min(Math.max(at, now + LIFETIME.least * 1000 + MARGIN), now + LIFETIME.most * 1000 - MARGIN));
}

/** Below the server's own age; the present one among them. */
export function ageChoices(historyAge: number, now: number | undefined): number[] {
  const ages = AGES.filter((age) => age < historyAge);
  return now === undefined || ages.includes(now) ? ages : [...ages, now].sort((a, b) => a - b);
}

/** As a field for date and time has it: in the reader's time zone, without seconds. */
export function localTime(at: number): string {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
