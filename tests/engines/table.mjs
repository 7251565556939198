// What was shown in which browser, as a table, and whether docs/browsers.md claims the same.

import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const DOCUMENT = resolve(ROOT, "docs/browsers.md");
const OUTPUT = resolve(ROOT, "target/browsers.md");
const [OPEN, CLOSE] = ["<!-- shown -->", "<!-- /shown -->"];
const NAMES = { chromium: "Chromium", firefox: "Firefox ESR", webkit: "WebKitGTK" };

export class Table {
  #versions = {};
  /** By row, then by engine. */
  #rows = new Map();

  version(engine, version) {
    this.#versions[engine] = version;
  }

  add(row, engine, cell) {
    const cells = this.#rows.get(row) ?? {};
    // A case that failed in one lane has failed.
    if (cells[engine] !== "failed") cells[engine] = cell;
    this.#rows.set(row, cells);
  }

  /** Writes target/browsers.md, and `docs/browsers.md` if that is wanted. */
  write(document) {
    const text = this.#text();
    writeFileSync(OUTPUT, text);
    if (!document) return;
    const [before, after] = around(readFileSync(DOCUMENT, "utf8"));
    writeFileSync(DOCUMENT, `${before}${OPEN}\n${text}${CLOSE}${after}`);
  }

  /** What docs/browsers.md says otherwise; after a whole run also what it lacks and what it has too much. */
  contradictions(whole) {
    const said = new Map(rowsOf(readFileSync(DOCUMENT, "utf8")));
    const shown = this.#cells();
    const wrong = [];
    for (const [row, cells] of said)
      for (const [engine, cell] of Object.entries(cells)) {
        const is = shown.get(row)?.[engine];
        // What failed is reported by its lane.
        if (is !== "failed" && (is === undefined ? whole : is !== cell))
          wrong.push(`${row}: ${NAMES[engine]}: "${cell}", shown: "${is}"`);
      }
    if (whole) for (const row of shown.keys()) if (!said.has(row)) wrong.push(`${row}: is not there`);
    return wrong;
  }

  /** What is said of a whole feature stands in each of its rows. */
  #cells() {
    const rows = [...this.#rows].filter(([row]) => row.includes(":"));
    return new Map(
      rows
        .map(([row, cells]) => [row, { ...this.#rows.get(row.split(":")[0]), ...cells }])
        .toSorted(([one], [other]) => (one < other ? -1 : 1)),
    );
  }

  #text() {
    const engines = Object.keys(NAMES);
    const heads = engines.map((engine) => `${NAMES[engine]} ${this.#versions[engine] ?? "(not run)"}`);
    const lines = [["feature", "what is shown", ...heads], Array(engines.length + 2).fill("---")];
    for (const [row, cells] of this.#cells()) {
      const [feature, what] = row.split(/: (.*)/);
      lines.push([feature, what, ...engines.map((engine) => cells[engine] ?? "not run")]);
    }
    return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
  }
}

function around(document) {
  const [from, to] = [document.indexOf(OPEN), document.indexOf(CLOSE)];
  if (from < 0 || to < from) throw new Error(`docs/browsers.md lacks ${OPEN} and ${CLOSE}`);
  return [document.slice(0, from), document.slice(to + CLOSE.length), document.slice(from + OPEN.length, to)];
}

/** The versions in the head are those of the last record, and are not compared. */
function rowsOf(document) {
  const [, , ...lines] = around(document)[2].trim().split("\n");
  return lines.map((line) => {
    const [feature, what, ...cells] = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    return [`${feature}: ${what}`, Object.fromEntries(Object.keys(NAMES).map((engine, n) => [engine, cells[n]]))];
  });
}
