// The words of the page: chosen once, switched at any time.

import { loadLanguage, saveLanguage } from "../seat/seat";
import type { Words } from "./en";
import { chooseLanguage, type Language, primary } from "./language";
import type { SecrecyWords } from "./secrecy/en";

type Dictionary = { words: Words; secrecy: SecrecyWords };

/** Each is fetched by those who read it only. */
const DICTIONARIES: Record<Language, () => Promise<Dictionary>> = {
  en: () => import("./english"),
  ru: () => import("./russian"),
};

class Tongue {
  language: Language = $state(chooseLanguage(loadLanguage(), navigator.languages));
  #wanted = this.language;
  #dictionary: Dictionary | null = $state.raw(null);
  /** British English has its own clock: of the language chosen, the kind the browser speaks. */
  readonly #locale = $derived(navigator.languages.find((tag) => primary(tag) === this.language) ?? this.language);
  readonly #time = $derived(new Intl.DateTimeFormat(this.#locale, { hour: "numeric", minute: "2-digit" }));
  readonly #full = $derived(new Intl.DateTimeFormat(this.#locale, { dateStyle: "long", timeStyle: "medium" }));
  readonly #day = $derived(new Intl.DateTimeFormat(this.#locale, { weekday: "long", day: "numeric", month: "long" }));

  /** The first words are here: nothing is drawn before. */
  readonly ready: Promise<void> = this.#speak(this.language);

  get words(): Words {
    return this.#dictionary!.words;
  }

  get secrecy(): SecrecyWords {
    return this.#dictionary!.secrecy;
  }

  /** Rejects where the words cannot be fetched: the language stays what it was. */
  async switch(language: Language): Promise<void> {
    await this.#speak(language);
    if (this.language === language) saveLanguage(language);
  }

  async #speak(language: Language): Promise<void> {
    this.#wanted = language;
    const dictionary = await DICTIONARIES[language]();
    if (this.#wanted !== language) return;
    this.#dictionary = dictionary;
    this.language = language;
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
