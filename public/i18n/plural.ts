// Numbers in sentences, by the rules of the language and not of English.

type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

export function pluralizer(language: string): (forms: Forms) => (n: number) => string {
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  return (forms) => (n) => (forms[rules.select(n)] ?? forms.other).replace("{n}", numbers.format(n));
}
