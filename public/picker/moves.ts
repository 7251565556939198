// Where a key leads among the emoji that are shown.

export type Place = {
  /** The option that is chosen; -1 for none. */
  at: number;
  last: number;
  columns: number;
  /** The focus is in the search field, whose caret has the keys of its line. */
  types: boolean;
};

/** The option that the key leads to; null where it does something else. */
export function moveTo(key: string, { at, last, columns, types }: Place): number | null {
  const within = at >= 0;
  if (key === "ArrowDown") return within ? at + columns : 0;
  if (!within) return null;
  if (key === "ArrowUp") return at - columns;
  if (types) return null;
  switch (key) {
    case "ArrowRight":
      return at + 1;
    case "ArrowLeft":
      return at - 1;
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}
