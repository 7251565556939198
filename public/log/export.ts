// The talk, as its reader keeps it: what this page holds, in text, Markdown or JSON. Loaded when it is asked for.

import { displayText } from "./display-text";
import type { Entry, Log } from "./state";

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
};

const messagesOf = ({ lines }: Pick<Log, "lines">) => lines.filter((line): line is Entry => line.kind === "entry");

/** Further lines of a message are indented: none can be taken for another message. */
export function toText(log: Pick<Log, "lines">, texts: ExportTexts): string {
  const all = messagesOf(log).map((line) => {
    const heading = `${texts.time(line.at)} ${oneLine(line.user)}${marks(line, texts)}:`;
    return [heading, ...textOf(line, texts).split("\n")].join("\n    ");
  });
  return all.map((message) => `${message}\n`).join("\n");
}

/** A message is quoted below its author: whatever Markdown it has, it ends there. */
export function toMarkdown(log: Pick<Log, "lines">, title: string, texts: ExportTexts): string {
  const all = messagesOf(log).map((line) => {
    const heading = `**${escaped(oneLine(line.user))}**, ${escaped(texts.time(line.at))}${escaped(marks(line, texts))}`;
    const text = textOf(line, texts).replace(/<(?=[a-z/!?])/gi, "&lt;");
    return [heading, "", ...text.split("\n").map((l) => `> ${l}`.trimEnd())].join("\n");
  });
  return [`# ${escaped(oneLine(title))}`, ...all].map((part) => `${part}\n`).join("\n");
}

export function toJson(log: Pick<Log, "lines">, room: string, now: number): string {
  const messages = messagesOf(log).map(({ seq, from, user, at, text, verified, encryption, doubt }) => ({
    seq,
    from,
    user,
    ...(verified ? { verified } : {}),
    at: new Date(at).toISOString(),
    text,
    ...(encryption ? { encryption } : {}),
    ...(doubt ? { doubt: doubt.is } : {}),
  }));
  return `${JSON.stringify({ room, exported: new Date(now).toISOString(), messages }, null, 2)}\n`;
}

function textOf(line: Entry, texts: ExportTexts): string {
  return line.encryption === "undecryptable" ? texts.undecryptable : displayText(line.text).replace(/\r\n?/g, "\n");
}

function marks(line: Entry, texts: ExportTexts): string {
  const all = [line.encryption === "unencrypted" ? texts.unencrypted : "", line.doubt ? texts.doubtful : ""];
  const some = all.filter((mark) => mark !== "");
  return some.length > 0 ? ` (${some.join(", ")})` : "";
}

function oneLine(text: string): string {
  return displayText(text).replace(/\s+/gu, " ").trim();
}

/** Stands for itself in Markdown. */
function escaped(text: string): string {
  return text.replace(/[\\`*_~[\]<>|&#!]/g, String.raw`\$&`);
}
