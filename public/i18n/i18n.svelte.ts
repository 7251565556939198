// The texts of the page: chosen once, switched at any time.

import { loadLanguage, saveLanguage } from "../storage/storage";
import type { Texts } from "./en";
import { chooseLanguage, type Language, primarySubtag } from "./language";
import type { EncryptionTexts } from "./encryption/en";

type Dictionary = { texts: Texts; encryption: EncryptionTexts };

/** Only the language in use is fetched. */
const DICTIONARIES: Record<Language, () => Promise<Dictionary>> = {
  en: () => import("./english"),
  ru: () => import("./russian"),
};

class I18n {
  language: Language = $state(chooseLanguage(loadLanguage(), navigator.languages));
  #wanted = this.language;
  #dictionary: Dictionary | null = $state.raw(null);
  /** British English has its own clock: of the language chosen, the kind the browser speaks. */
  readonly #locale = $derived(navigator.languages.find((tag) => primarySubtag(tag) === this.language) ?? this.language);
  readonly #time = $derived(new Intl.DateTimeFormat(this.#locale, { hour: "numeric", minute: "2-digit" }));
  readonly #full = $derived(new Intl.DateTimeFormat(this.#locale, { dateStyle: "long", timeStyle: "medium" }));
  readonly #list = $derived(new Intl.ListFormat(this.#locale));
  readonly #day = $derived(new Intl.DateTimeFormat(this.#locale, { weekday: "long", day: "numeric", month: "long" }));

  /** The first texts are here: nothing is drawn before. */
  readonly ready: Promise<void> = this.#load(this.language);

  get texts(): Texts {
    return this.#dictionary!.texts;
  }

  get encryption(): EncryptionTexts {
    return this.#dictionary!.encryption;
  }

  /** Rejects where the texts cannot be fetched: the language stays what it was. */
  async switch(language: Language): Promise<void> {
    await this.#load(language);
    if (this.language === language) saveLanguage(language);
  }

  async #load(language: Language): Promise<void> {
    this.#wanted = language;
    const dictionary = await DICTIONARIES[language]();
    if (this.#wanted !== language) return;
    this.#dictionary = dictionary;
    this.language = language;
  }

  time(at: number): string {
    return this.#time.format(at);
  }

  dateTime(at: number): string {
    return this.#full.format(at);
  }

  day(at: number, now: number): string {
    if (sameDay(at, now)) return this.texts.today;
    if (sameDay(at, now - 86_400_000)) return this.texts.yesterday;
    return this.#day.format(at);
  }

  /** "Ann, Ben and Cat". */
  list(names: readonly string[]): string {
    return this.#list.format(names);
  }

  /** As "after …" takes it, in the largest unit that divides it. */
  duration(seconds: number): string {
    const t = this.texts;
    const units: [number, (n: number) => string][] = [
      [86_400, t.days],
      [3_600, t.hours],
      [60, t.minutes],
    ];
    const [size, name] = units.find(([unit]) => seconds >= unit && seconds % unit === 0) ?? [1, t.seconds];
    return name(seconds / size);
  }
}

function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

export const i18n = new I18n();
