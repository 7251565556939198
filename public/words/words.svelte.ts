// The language of the page: chosen once, switched at any time.

import { loadLanguage, saveLanguage } from "../seat/seat";
import { en, type Words } from "./en";
import { ru } from "./ru";
import { SECRECY, type SecrecyWords } from "./secrecy";

export const LANGUAGES = { en: "English", ru: "Русский" } as const;
export type Language = keyof typeof LANGUAGES;

const DICTIONARIES: Record<Language, Words> = { en, ru };

export function isLanguage(given: string | null | undefined): given is Language {
  return given != null && Object.hasOwn(LANGUAGES, given);
}

export function chooseLanguage(remembered: string | null, wished: readonly string[]): Language {
  if (isLanguage(remembered)) return remembered;
  return wished.map(primary).find(isLanguage) ?? "en";
}

function primary(tag: string): string {
  return tag.toLowerCase().split("-", 1)[0]!;
}

class Tongue {
  language: Language = $state(chooseLanguage(loadLanguage(), navigator.languages));
  readonly words: Words = $derived(DICTIONARIES[this.language]);
  readonly secrecy: SecrecyWords = $derived(SECRECY[this.language]);
  /** British English has its own clock: of the language chosen, the kind the browser speaks. */
  readonly #locale = $derived(navigator.languages.find((tag) => primary(tag) === this.language) ?? this.language);
  readonly #time = $derived(new Intl.DateTimeFormat(this.#locale, { hour: "numeric", minute: "2-digit" }));
  readonly #full = $derived(new Intl.DateTimeFormat(this.#locale, { dateStyle: "long", timeStyle: "medium" }));
  readonly #day = $derived(new Intl.DateTimeFormat(this.#locale, { weekday: "long", day: "numeric", month: "long" }));

  switch(language: Language): void {
    this.language = language;
    saveLanguage(language);
  }

  time(at: number): string {
    return this.#time.format(at);
  }

  moment(at: number): string {
    return this.#full.format(at);
  }

  day(at: number, now: number): string {
    if (sameDay(at, now)) return this.words.today;
    if (sameDay(at, now - 86_400_000)) return this.words.yesterday;
    return this.#day.format(at);
  }

  /** As "after …" takes it, in the largest unit that divides it. */
  duration(seconds: number): string {
    const w = this.words;
    const units: [number, (n: number) => string][] = [
      [86_400, w.days],
      [3_600, w.hours],
      [60, w.minutes],
    ];
    const [size, name] = units.find(([unit]) => seconds >= unit && seconds % unit === 0) ?? [1, w.seconds];
    return name(seconds / size);
  }

  refusal(code: string, message: string): string {
    return this.words.refusals[code] ?? (message || this.words.refusals.unknown!);
  }
}

function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

export const tongue = new Tongue();
