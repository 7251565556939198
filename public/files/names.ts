// Names and sizes of files, as people read them and as a server or a disk takes them.

/** What the server refuses in a name, and what would turn the name around or show an end that it does not have. */
const UNWELCOME = /[/\\\p{Cc}\p{Cn}\p{Co}\p{Cs}\u200b\ufeff\u2028-\u202e\u2066-\u2069\ufffd]/gu;
const NAME_MAX = 255;

/** Empty for one with nothing to see. */
export function safeName(given: string): string {
  const name = given.normalize("NFC").replaceAll(UNWELCOME, "_").trim();
  if (!/[^\s.\p{Cf}\p{M}]/u.test(name)) return "";
  const letters = [...name];
  if (letters.length <= NAME_MAX) return name;
  // The end says what it is.
  const end = letters.slice(letters.lastIndexOf(".")).slice(-16);
  return [...letters.slice(0, NAME_MAX - end.length), ...end].join("");
}

/** In the unit that keeps the number short: 300 kB. */
export function sizeText(bytes: number, language: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let at = 0;
  let size = bytes;
  for (; size >= 1000 && at < units.length - 1; at += 1) size /= 1000;
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: units[at]!,
    unitDisplay: at === 0 ? "long" : "short",
    maximumFractionDigits: size < 10 && at > 0 ? 1 : 0,
  }).format(size);
}
