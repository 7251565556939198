// How old a message looks: it dims over the last part of its life, and goes softly.

/** Of its life, the last part in which a message dims; and no more than this many milliseconds. */
const PART = 0.1;
const MOST = 600_000;
/** How many times it dims. */
export const STEPS = 3;
/** Milliseconds in which it goes. */
const GOES = 600;

export type Look = {
  /** 0: as new. More than `STEPS`: it goes. */
  step: number;
  /** When it looks different next. */
  until: number;
};

/** The time before its end from which a message dims. */
export function dimsFor(life: number): number {
  return Math.min(life * PART, MOST);
}

/** How a message that lives for so long looks after so much of it; all in milliseconds. */
export function lookAt(age: number, life: number): Look {
  const dims = dimsFor(life);
  const goes = Math.min(GOES, dims / (STEPS + 1));
  const size = (dims - goes) / STEPS;
  const step = Math.max(0, Math.floor((age - (life - dims)) / size) + 1);
  return step > STEPS || age >= life - goes
    ? { step: STEPS + 1, until: life }
    : { step, until: step === STEPS ? life - goes : life - dims + step * size };
}
