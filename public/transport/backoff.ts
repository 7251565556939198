// When to try again: exponential with full jitter, so that a crowd thrown out
// together does not come back together.

const BASE = 500;
const CAP = 15_000;

export function backoff(attempt: number, random: () => number): number {
  return random() * Math.min(CAP, BASE * 2 ** attempt);
}
