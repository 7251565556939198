// Whether this page's connection is weak for so long that stopping the video would help: pure rules.

/** As LiveKit rates a participant's connection. */
export type Rating = "excellent" | "good" | "poor" | "lost" | "unknown";

/** What a tile shows of a participant's connection. */
export type QualityMark = "good" | "weak" | "lost";

export function markOf(rating: Rating): QualityMark {
  return rating === "lost" ? "lost" : rating === "poor" ? "weak" : "good";
}

/** One look at the connection; null: not known. */
export type Look = {
  rating: Rating;
  /** The share of sent packets that was lost lately. */
  loss: number | null;
  /** Seconds. */
  roundTrip: number | null;
};

/** Milliseconds between two looks. */
export const LOOK_EVERY = 2_000;
/** Sound suffers from here. */
const LOSS_MAX = 0.08;
const ROUND_TRIP_MAX = 0.8;
/** Bad looks, less good ones, until a spell begins: one that passes in seconds needs no answer. */
const BEGINS_AT = 4;
/** Good looks in a row until it is over. */
const ENDS_AFTER = 10;

/** A time of weak connection, and what led to it. */
export type Spell = {
  readonly on: boolean;
  readonly bad: number;
  readonly good: number;
  /** The user has answered: no more questions in this spell. */
  readonly told: boolean;
};

export const CALM: Spell = { on: false, bad: 0, good: 0, told: false };

export function isBad({ rating, loss, roundTrip }: Look): boolean {
  return rating === "poor" || rating === "lost" || (loss ?? 0) >= LOSS_MAX || (roundTrip ?? 0) >= ROUND_TRIP_MAX;
}

/** The spell after one more look. */
export function next(spell: Spell, look: Look): Spell {
  if (isBad(look)) {
    const bad = Math.min(spell.bad + 1, BEGINS_AT);
    return { ...spell, on: spell.on || bad >= BEGINS_AT, bad, good: 0 };
  }
  if (!spell.on) return { ...spell, bad: Math.max(0, spell.bad - 1) };
  const good = spell.good + 1;
  return good >= ENDS_AFTER ? CALM : { ...spell, good };
}

/** Whether to ask the user to stop the video. */
export function asks(spell: Spell, sendsVideo: boolean): boolean {
  return spell.on && !spell.told && sendsVideo;
}

/** After the user's answer. */
export function told(spell: Spell): Spell {
  return { ...spell, told: true };
}
