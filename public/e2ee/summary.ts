// How well a room is encrypted, and the texts that say so.

import type { Log } from "../log/state";
import type { EncryptionTexts } from "../i18n/encryption/en";
import type { EncryptionState } from "./state";

/** What the texts depend on. */
export type EncryptionFacts = {
  /** The link had a key. */
  key: boolean;
  /** This page can encrypt: browsers let only pages that came by https, or from this machine. */
  canEncrypt: boolean;
  lines: Log["lines"];
};

export function canEncrypt(): boolean {
  return crypto.subtle !== undefined;
}

export function encryptionState({ key, canEncrypt, lines }: EncryptionFacts): EncryptionState {
  const has = (encryption: "unencrypted" | "undecryptable") =>
    lines.some((line) => line.kind === "entry" && line.encryption === encryption);
  if (!canEncrypt) return key ? "unusable" : "insecure";
  if (key) return has("unencrypted") ? "mixed" : "sealed";
  return has("undecryptable") ? "keyless" : "plain";
}

export type EncryptionSummary = {
  state: EncryptionState;
  title: string;
  /** The same in a word or two, to stand beside the lock. */
  word: string;
  /** The text above the log: nothing is sent, or most lines are undecryptable. */
  banner: string;
  /** The banner can be closed. */
  closes: boolean;
};

export function summarize(facts: EncryptionFacts, texts: EncryptionTexts): EncryptionSummary {
  const state = encryptionState(facts);
  const banner =
    state === "unusable"
      ? texts.nothingSent
      : !isMostlyUndecryptable(facts.lines)
        ? ""
        : facts.key
          ? texts.otherKey
          : facts.canEncrypt
            ? texts.noKey
            : texts.noKeyHere;
  const title = texts.titles[state];
  const word =
    state === "sealed" ? texts.sealed : state === "plain" || state === "keyless" ? texts.titles.insecure : title;
  return { state, title, word, banner, closes: state !== "unusable" };
}

/** A single line with another key is marked itself; the banner appears only when most lines are undecryptable. */
export function isMostlyUndecryptable(lines: Log["lines"]): boolean {
  const entries = lines.filter((line) => line.kind === "entry");
  return entries.filter((line) => line.encryption === "undecryptable").length * 2 > entries.length;
}
