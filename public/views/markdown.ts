// The safe part of Markdown, as tokens: the page makes its nodes from these, and never from HTML.

import { linkify } from "../log/links";

export type Span =
  | { is: "text"; text: string }
  | { is: "code"; text: string }
  | { is: "link"; text: string; href: string }
  | { is: "mention"; text: string; me: boolean }
  | { is: Style; spans: Span[] };

export type Block =
  | { is: "text"; spans: Span[] }
  | { is: "code"; language: string; text: string }
  | { is: "quote"; blocks: Block[] }
  /** `numbers`: what each item was written with; null where items have none. */
  | { is: "list"; numbers: readonly number[] | null; items: Block[][] };

/** The members that can be mentioned, in lower case. */
export type Names = { all: ReadonlySet<string>; longest: number; me: string };

type Style = "strong" | "em" | "del";

/** Deeper quotes, lists and styles are text. */
const DEPTH_MAX = 4;
const OPEN_MAX = 6;

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const LANGUAGE_MAX = 20;
/** A quote begins with words: `>` and `>_<` are text. */
const QUOTE_BEGINS = /^ {0,3}>(?:[ \t]+\S|>)/;
const QUOTE = /^ {0,3}>(?:[ \t]|$|(?=>))/;
/** Longer numbers are years and the like, and no number of an item is written with a zero first. */
const ITEM = /^ {0,3}([-*+]|(?:0|[1-9]\d{0,2})[.)])[ \t]+(?=\S)/;
const INDENTED = /^(?: {1,4}|\t)(?=\s*\S)/;

export function parseMarkdown(text: string, names: Names): Block[] {
  return blocksOf(text.split(/\r?\n/), names, 0);
}

function blocksOf(lines: readonly string[], names: Names, depth: number): Block[] {
  const out: Block[] = [];
  let words: string[] = [];
  /** Blank lines beside a block are its margin. */
  const endText = () => {
    const isWords = (line: string) => line.trim() !== "";
    const from = out.length > 0 ? words.findIndex(isWords) : 0;
    const text = words.slice(Math.max(from, 0), words.findLastIndex(isWords) + 1).join("\n");
    if (text !== "") out.push({ is: "text", spans: spansOf(text, names) });
    words = [];
  };
  const add = (block: Block) => {
    endText();
    out.push(block);
  };
  for (let at = 0; at < lines.length;) {
    const line = lines[at]!;
    const fence = fenceOf(line, at + 1 === lines.length);
    if (fence) {
      const end = endOfFence(lines, at + 1, fence.mark);
      const { language, code } = fence;
      add({ is: "code", language, text: [...code, ...lines.slice(at + 1, end)].join("\n") });
      at = end + 1;
    } else if (depth < DEPTH_MAX && QUOTE_BEGINS.test(line)) {
      const end = endOf(lines, at, (line) => QUOTE.test(line));
      const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
      add({ is: "quote", blocks: blocksOf(inside, names, depth + 1) });
      at = end;
    } else if (depth < DEPTH_MAX && ITEM.test(line)) {
      const end = endOf(lines, at, (next) => sameKind(next, line) || INDENTED.test(next));
      add(list(lines.slice(at, end), names, depth));
      at = end;
    } else {
      words.push(line);
      at += 1;
    }
  }
  endText();
  return out;
}

function endOf(lines: readonly string[], from: number, belongs: (line: string) => boolean): number {
  let end = from + 1;
  while (end < lines.length && belongs(lines[end]!)) end += 1;
  return end;
}

/** A fence; behind it stands a language, or else the first line of code. A backtick there makes it code within a line. */
function fenceOf(line: string, isLast: boolean): { mark: string; language: string; code: string[] } | null {
  const [whole, mark] = FENCE.exec(line) ?? [];
  if (whole === undefined || mark === undefined) return null;
  const rest = line.slice(whole.length).trim();
  if (rest.includes("`")) return null;
  const isLanguage = rest === "" || (!isLast && rest.length <= LANGUAGE_MAX && !/\s/u.test(rest));
  return isLanguage ? { mark, language: rest, code: [] } : { mark, language: "", code: [rest] };
}

/** A fence that nothing closes ends with the text. */
function endOfFence(lines: readonly string[], from: number, mark: string): number {
  for (let at = from; at < lines.length; at += 1) {
    const text = lines[at]!.trim();
    if (text.length >= mark.length && text === mark[0]!.repeat(text.length)) return at;
  }
  return lines.length;
}

function markOf(line: string): string | undefined {
  return ITEM.exec(line)?.[1];
}

const isNumber = (mark: string) => /^\d/.test(mark);
const indentOf = (line: string) => line.search(/[^ ]|$/);

/** Whether a line is another item of the list that begins with `first`; further in, it belongs to the item above. */
function sameKind(line: string, first: string): boolean {
  const mark = markOf(line);
  return mark !== undefined && isNumber(mark) === isNumber(markOf(first)!) && indentOf(line) <= indentOf(first) + 1;
}

function list(lines: readonly string[], names: Names, depth: number): Block {
  const first = markOf(lines[0]!)!;
  const items: string[][] = [];
  const numbers: number[] = [];
  for (const line of lines) {
    if (sameKind(line, lines[0]!)) {
      items.push([line.replace(ITEM, "")]);
      numbers.push(Number.parseInt(markOf(line)!, 10));
    } else items.at(-1)!.push(line.replace(INDENTED, ""));
  }
  return {
    is: "list",
    numbers: isNumber(first) ? numbers : null,
    items: items.map((item) => blocksOf(item, names, depth + 1)),
  };
}

/** A run of marks that may begin or end a style. `left`: the marks that are not used up. */
type Marks = {
  is: "marks";
  mark: string;
  left: number;
  opens: boolean;
  closes: boolean;
  begun: Style[];
  ended: Style[];
};

/** Letters of scripts that put spaces between words: marks inside of such a word are part of it, as in `snake_case`. */
const WORD =
  /^(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}])[\p{L}\p{N}]/u;
const SPACE = /^\s?$/;
const PUNCTUATION = /^[\p{P}\p{S}]/u;
/** What joins the letter before it: after a mark it would stand on another one. */
const JOINS = /^[\p{M}\u00ad\u061c\u200b-\u200f\u2060-\u2064\ufeff]/u;

/** The styles, links and mentions of one text. */
export function spansOf(text: string, names: Names): Span[] {
  const nodes: (Span | Marks)[] = [];
  let from = 0;
  for (const { at, end, span } of codeSpans(text)) {
    readWords(text, from, at, names, nodes);
    nodes.push(span);
    from = end;
  }
  readWords(text, from, text.length, names, nodes);
  match(nodes);
  return nest(nodes);
}

/** Runs of backticks of one length enclose code; a run without its partner is text. */
function codeSpans(text: string): { at: number; end: number; span: Span }[] {
  const runs = [...text.matchAll(/`+/g)].map((run) => ({ at: run.index, length: run[0].length }));
  const nextOf = new Map<number, number>();
  const partner = runs.map(() => -1);
  for (let i = runs.length - 1; i >= 0; i -= 1) {
    partner[i] = nextOf.get(runs[i]!.length) ?? -1;
    nextOf.set(runs[i]!.length, i);
  }
  const out: { at: number; end: number; span: Span }[] = [];
  for (let i = 0; i < runs.length;) {
    const [run, end] = [runs[i]!, partner[i]!];
    const inside = end < 0 ? "" : text.slice(run.at + run.length, runs[end]!.at);
    if (inside.trim() === "") {
      i += 1;
      continue;
    }
    // A space on both sides keeps a backtick apart from its marks.
    const code = inside.startsWith(" ") && inside.endsWith(" ") ? inside.slice(1, -1) : inside;
    out.push({ at: run.at, end: runs[end]!.at + run.length, span: { is: "code", text: code } });
    i = end + 1;
  }
  return out;
}

/** Links, mentions and marks between two pieces of code. */
function readWords(text: string, from: number, to: number, names: Names, nodes: (Span | Marks)[]): void {
  let at = from;
  for (const part of linkify(text.slice(from, to))) {
    const end = at + part.text.length;
    if (part.href !== null) nodes.push({ is: "link", text: part.text, href: part.href });
    else readMarks(text, at, end, names, nodes);
    at = end;
  }
}

function readMarks(text: string, from: number, to: number, names: Names, nodes: (Span | Marks)[]): void {
  const found = /\*+|_+|~+|@/g;
  found.lastIndex = from;
  let done = from;
  const put = (at: number, length: number, node: Span | Marks | null) => {
    if (node === null) return;
    if (at > done) nodes.push({ is: "text", text: text.slice(done, at) });
    nodes.push(node);
    done = at + length;
    found.lastIndex = done;
  };
  for (let run = found.exec(text); run && run.index < to; run = found.exec(text)) {
    const [at, length] = [run.index, Math.min(run[0].length, to - run.index)];
    if (run[0] === "@") {
      const name = mentioned(text, at, to, names);
      put(at, name.length + 1, name === "" ? null : mention(`@${name}`, names));
    } else put(at, length, marks(text, at, length));
  }
  if (to > done) nodes.push({ is: "text", text: text.slice(done, to) });
}

function mention(text: string, { me }: Names): Span {
  return { is: "mention", text, me: text.slice(1).toLowerCase() === me };
}

/** The longest name of a member that stands behind an @; "" where none does, or where it is part of an address. */
function mentioned(text: string, at: number, to: number, names: Names): string {
  if (/^[\p{L}\p{N}_@./-]/u.test(charBefore(text, at))) return "";
  for (let length = Math.min(names.longest, to - at - 1); length > 0; length -= 1) {
    const name = text.slice(at + 1, at + 1 + length);
    if (names.all.has(name.toLowerCase()) && !/^[\p{L}\p{N}\p{M}_]/u.test(charAt(text, at + 1 + length))) return name;
  }
  return "";
}

function marks(text: string, at: number, length: number): Marks | null {
  const mark = text[at]!;
  if (mark === "~" ? length !== 2 : length > 3) return null;
  const [before, after] = [charBefore(text, at), charAt(text, at + length)];
  // Behind a backslash a mark is itself; both stay.
  if (JOINS.test(after) || before === "\\") return null;
  const [spaceBefore, spaceAfter] = [SPACE.test(before), SPACE.test(after)];
  const [signBefore, signAfter] = [PUNCTUATION.test(before), PUNCTUATION.test(after)];
  const opens = !spaceAfter && (!signAfter || spaceBefore || signBefore) && !WORD.test(before);
  const closes = !spaceBefore && (!signBefore || spaceAfter || signAfter) && !WORD.test(after);
  return opens || closes ? { is: "marks", mark, left: length, opens, closes, begun: [], ended: [] } : null;
}

/** Three marks are two styles, which begin or end together. */
const fits = (one: number, other: number) => one === other || one === 3 || other === 3;

/** Finds for each mark that ends a style the one that begins it. */
function match(nodes: readonly (Span | Marks)[]): void {
  const open: Marks[] = [];
  for (const node of nodes) {
    if (node.is !== "marks") continue;
    while (node.closes && node.left > 0) {
      const at = open.findLastIndex((begin) => begin.mark === node.mark && fits(begin.left, node.left));
      const begin = open[at];
      if (!begin) break;
      const used = Math.min(begin.left, node.left, 2);
      const style = node.mark === "~" ? "del" : used === 2 ? "strong" : "em";
      begin.left -= used;
      node.left -= used;
      begin.begun.unshift(style);
      node.ended.push(style);
      open.length = begin.left > 0 ? at + 1 : at;
    }
    if (node.opens && node.left > 0 && open.length < OPEN_MAX) open.push(node);
  }
}

function nest(nodes: readonly (Span | Marks)[]): Span[] {
  const root: Span[] = [];
  const within = [root];
  const put = (text: string) => {
    const spans = within.at(-1)!;
    const last = spans.at(-1);
    if (last?.is === "text") spans[spans.length - 1] = { is: "text", text: last.text + text };
    else if (text !== "") spans.push({ is: "text", text });
  };
  for (const node of nodes) {
    if (node.is === "text") put(node.text);
    else if (node.is !== "marks") within.at(-1)!.push(node);
    else {
      within.length -= node.ended.length;
      put(node.mark.repeat(node.left));
      for (const is of node.begun) {
        const spans: Span[] = [];
        within.at(-1)!.push({ is, spans });
        within.push(spans);
      }
    }
  }
  return root;
}

function charAt(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? "" : String.fromCodePoint(code);
}

function charBefore(text: string, at: number): string {
  const two = text.slice(Math.max(at - 2, 0), at);
  return (two.codePointAt(0) ?? 0) > 0xffff ? two : two.slice(-1);
}
