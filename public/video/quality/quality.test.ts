import { expect, test } from "vitest";
import { asks, CALM, isBad, type Look, markOf, next, type Spell, told } from "./quality";

const GOOD: Look = { rating: "excellent", loss: 0, roundTrip: 0.05 };
const BAD: Look = { ...GOOD, rating: "poor" };

const after = (spell: Spell, ...looks: Look[]) => looks.reduce(next, spell);
const times = (count: number, look: Look) => Array.from({ length: count }, () => look);
const WEAK = after(CALM, ...times(4, BAD));

test("a look is bad by LiveKit's rating, by loss or by the round trip", () => {
  const looks: Look[] = [BAD, { ...GOOD, rating: "lost" }, { ...GOOD, loss: 0.1 }, { ...GOOD, roundTrip: 1 }];
  for (const look of looks) expect(isBad(look), JSON.stringify(look)).toBe(true);
  expect(isBad(GOOD)).toBe(false);
  expect(isBad({ rating: "unknown", loss: null, roundTrip: null }), "what is not known is not bad").toBe(false);
});

test("a spell begins after some seconds, and one bad look among good ones begins none", () => {
  expect(after(CALM, ...times(3, BAD)).on).toBe(false);
  expect(WEAK.on).toBe(true);
  expect(after(CALM, ...times(20, GOOD).flatMap((good) => [BAD, good])).on).toBe(false);
  expect(after(CALM, BAD, BAD, GOOD, BAD, BAD, BAD).on, "a good one only delays it").toBe(true);
});

test("it ends only after many good looks in a row", () => {
  expect(after(WEAK, ...times(9, GOOD)).on).toBe(true);
  expect(after(WEAK, ...times(9, GOOD), BAD, ...times(9, GOOD)).on).toBe(true);
  expect(after(WEAK, ...times(10, GOOD))).toEqual(CALM);
});

test("the user is asked once for each spell, and only while sending video", () => {
  expect([asks(CALM, true), asks(WEAK, true), asks(WEAK, false)]).toEqual([false, true, false]);
  const answered = told(WEAK);
  expect(asks(after(answered, ...times(5, GOOD), ...times(9, BAD)), true), "the same spell").toBe(false);
  const later = after(answered, ...times(10, GOOD), ...times(4, BAD));
  expect(asks(later, true), "the next spell").toBe(true);
});

test("a tile shows less than LiveKit's rating", () => {
  const marks = (["excellent", "good", "unknown", "poor", "lost"] as const).map(markOf);
  expect(marks).toEqual(["good", "good", "good", "weak", "lost"]);
});
