// How secret a room is, and what the page says of it: from the state to the summarize.

import type { Log } from "../log/log";
import type { EncryptionTexts } from "../i18n/encryption/en";

/** What the summarize depend on. */
export type EncryptionFacts = {
  /** The link had a key. */
  key: boolean;
  /** This page can encrypt: browsers let only pages that came by https, or from this machine. */
  canEncrypt: boolean;
  /** The page came by https. */
  https: boolean;
  lines: Log["lines"];
};

export type EncryptionState =
  /** All that is said here is locked with our key. */
  | "sealed"
  /** Ours is; some of what stands in the log is not. */
  | "mixed"
  /** Others lock, and we have no key. */
  | "keyless"
  /** No key, and nothing locked. */
  | "plain"
  /** No key, because this page could not use one. */
  | "insecure"
  /** A key that this page cannot use: nothing is sent. */
  | "unusable";

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
  text: string[];
  /** What stands above the log: nothing is sent, or most of what is said cannot be read. */
  banner: string;
  /** It is news and no state: it can be put away. */
  closes: boolean;
};

export function summarize(facts: EncryptionFacts, texts: EncryptionTexts): EncryptionSummary {
  const state = encryptionState(facts);
  const missing = facts.https ? texts.needsBrowser : texts.needsHttps;
  const { title, text } = texts.states[state];
  const more = {
    sealed: [texts.notHidden],
    mixed: [texts.notHidden],
    keyless: [],
    plain: facts.https ? [texts.byHttps] : [],
    insecure: missing,
    unusable: missing,
  }[state];
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
  return { state, title, text: [...text, ...more], banner, closes: state !== "unusable" };
}

/** One line with another key is marked as it stands; only where most are so the page as a whole is told. */
export function isMostlyUndecryptable(lines: Log["lines"]): boolean {
  const entries = lines.filter((line) => line.kind === "entry");
  return entries.filter((line) => line.encryption === "undecryptable").length * 2 > entries.length;
}
