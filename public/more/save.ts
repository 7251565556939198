// A file that the reader keeps.

const TYPES = { txt: "text/plain", md: "text/markdown", json: "application/json" } as const;
export type Format = keyof typeof TYPES;
export const FORMATS = Object.keys(TYPES) as Format[];

/** Without the room's name, which would be an invitation. */
export function fileName(format: string, now: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-");
  return `parlor-${day}-${two(now.getHours())}${two(now.getMinutes())}.${format}`;
}

/** Gives the text to the browser as a file, and says what it is called. */
export function save(text: string, format: Format): string {
  const name = fileName(format, new Date());
  download(text, name, `${TYPES[format]};charset=utf-8`);
  return name;
}

export function download(text: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  // Browsers read it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
