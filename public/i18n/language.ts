// Which language the page speaks.

export const LANGUAGES = { en: "English", ru: "Русский" } as const;
export type Language = keyof typeof LANGUAGES;

export function isLanguage(given: string | null | undefined): given is Language {
  return given != null && Object.hasOwn(LANGUAGES, given);
}

export function chooseLanguage(remembered: string | null, wished: readonly string[]): Language {
  if (isLanguage(remembered)) return remembered;
  return wished.map(primarySubtag).find(isLanguage) ?? "en";
}

export function primarySubtag(tag: string): string {
  return tag.toLowerCase().split("-", 1)[0]!;
}
