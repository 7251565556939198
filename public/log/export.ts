// The talk, as its reader keeps it: what this page holds, in text, Markdown or JSON. Loaded when it is asked for.

import { displayText } from "./display-text";
import { countReactions } from "./reactions";
import type { Attached } from "../protocol/frames";
import type { Entry, Log } from "./state";
import { wordsOf } from "./words";

/** What the exports say in the reader's language. */
export type ExportTexts = {
  time: (at: number) => string;
  edited: string;
  deleted: string;
  undecryptable: string;
  unencrypted: string;
  doubtful: string;
  /** What a message answers is no longer there. */
  gone: string;
  /** A file, of which only this is kept. */
  file: (name: string, bytes: number) => string;
};

/** A quote says so much of the message. */
const QUOTE_MAX = 80;

/** All that some program may begin a line at. */
const LINE_END = /\r\n|[\r\v\f\u0085\u2028\u2029]/g;

const messagesOf = ({ lines }: Pick<Log, "lines">) => lines.filter((line): line is Entry => line.kind === "entry");

/** Further lines of a message are indented: none can be taken for another message. */
export function toText(log: Pick<Log, "lines">, texts: ExportTexts): string {
  const entries = messagesOf(log);
  const all = entries.map((line) => {
    const quoted = quoteOf(line, entries, texts);
    const heading = `${texts.time(line.at)} ${oneLine(line.user)}${marks(line, texts)}:`;
    const reactions = reactionsOf(line);
    const words = line.text === "" && line.files ? [] : textOf(line, texts).split("\n");
    const files = filesOf(line, texts);
    const below = [quoted && `> ${quoted}`, ...words, ...files, reactions].filter((l) => l !== null);
    return [heading, ...below.map((l) => `    ${l}`)].join("\n");
  });
  return all.map((message) => `${message}\n`).join("\n");
}

/** A message is quoted below its author: whatever Markdown it has, it ends there. */
export function toMarkdown(log: Pick<Log, "lines">, title: string, texts: ExportTexts): string {
  const entries = messagesOf(log);
  const all = entries.map((line) => {
    const quoted = quoteOf(line, entries, texts);
    const heading = `**${escaped(oneLine(line.user))}**, ${escaped(texts.time(line.at))}${escaped(marks(line, texts))}`;
    const words = line.text === "" ? escaped(textOf(line, texts)) : harmless(textOf(line, texts));
    const reactions = reactionsOf(line);
    const files = filesOf(line, texts).map((file) => `*${escaped(file)}*`);
    const said = [...(words === "" ? [] : [words]), ...files].join("\n\n");
    const below = [...(quoted ? [`> ${escaped(quoted)}`, ""] : []), ...said.split("\n")];
    return [heading, "", ...below.map((l) => `> ${l}`.trimEnd()), ...(reactions ? ["", escaped(reactions)] : [])].join(
      "\n",
    );
  });
  return [`# ${escaped(oneLine(title))}`, ...all].map((part) => `${part}\n`).join("\n");
}

export function toJson(log: Pick<Log, "lines">, room: string, now: number): string {
  const messages = messagesOf(log).map((line) => {
    const { seq, from, user, at, text, verified, replyTo, edited, deleted, encryption, doubt, files } = line;
    const reactions = countReactions(line);
    return {
      seq,
      from,
      user,
      ...(verified ? { verified } : {}),
      at: new Date(at).toISOString(),
      ...(deleted ? { deleted } : { text }),
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(edited === undefined ? {} : { edited: new Date(edited).toISOString() }),
      ...(encryption ? { encryption } : {}),
      ...(doubt ? { doubt: doubt.is } : {}),
      ...(files ? { files: files.map(factsOf) } : {}),
      ...(reactions.length > 0 ? { reactions } : {}),
    };
  });
  return `${JSON.stringify({ room, exported: new Date(now).toISOString(), messages }, null, 2)}\n`;
}

function textOf(line: Entry, texts: ExportTexts): string {
  if (line.deleted) return texts.deleted;
  return line.encryption === "undecryptable" ? texts.undecryptable : displayText(line.text).replace(LINE_END, "\n");
}

function filesOf({ files = [] }: Entry, texts: ExportTexts): string[] {
  return files.map(({ name, contentType, size }) => texts.file(oneLine(name ?? contentType), size));
}

/** Without the key of a sealed one. */
function factsOf({ name, contentType, size }: Attached) {
  return { ...(name === undefined ? {} : { name }), contentType, size };
}

function marks(line: Entry, texts: ExportTexts): string {
  const all = [
    line.edited === undefined ? "" : texts.edited,
    line.encryption === "unencrypted" ? texts.unencrypted : "",
    line.doubt ? texts.doubtful : "",
  ].filter((mark) => mark !== "");
  return all.length > 0 ? ` (${all.join(", ")})` : "";
}

function quoteOf({ replyTo }: Entry, entries: readonly Entry[], texts: ExportTexts): string | null {
  if (replyTo === undefined) return null;
  const line = entries.find((l) => l.seq === replyTo && !l.deleted);
  if (!line) return texts.gone;
  const letters = [...oneLine(line.encryption === "undecryptable" ? texts.undecryptable : wordsOf(line))];
  const start = letters.slice(0, QUOTE_MAX).join("");
  return `${oneLine(line.user)}: ${start}${letters.length > QUOTE_MAX ? "…" : ""}`;
}

function reactionsOf(line: Entry): string | null {
  const counts = countReactions(line);
  return counts.length > 0 ? counts.map(({ emoji, users }) => `${emoji} ${users.length}`).join("  ") : null;
}

function oneLine(text: string): string {
  return displayText(text)
    .replace(/[\s\u0085]+/gu, " ")
    .trim();
}

/** Stands for itself in Markdown. */
function escaped(text: string): string {
  return text.replace(/[\\`*_~[\]<>|&#!]/g, String.raw`\$&`);
}

/**
 * Markdown stays as it was written, but for HTML, which some programs would run, and for pictures and links: they would
 * load from another's server, or hide where they lead. What is code shows the difference.
 */
function harmless(text: string): string {
  return text
    .replace(/<(?=[a-z/!?])/gi, "&lt;")
    .replace(/(\\*)(!?)([[\]])/g, (_, before, bang, bracket) => `${before}${before}${bang && "\\!"}\\${bracket}`);
}
