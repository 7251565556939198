// What a message says in a few words.

import type { Entry } from "./state";

type Said = Pick<Entry, "text" | "files">;

export function fileNames({ files = [] }: Pick<Entry, "files">): string[] {
  return files.map(({ name, contentType }) => name ?? contentType);
}

/** Its text, or else the names of its files. */
export function wordsOf(line: Said): string {
  return line.text !== "" ? line.text : fileNames(line).join(", ");
}

/** All of it: its text and the names of its files. */
export function searchedOf(line: Said): string {
  return [line.text, ...fileNames(line)].filter((words) => words !== "").join("\n");
}
