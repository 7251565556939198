// How secret a room is, and what the page says of it: from the state to the sentences.

import type { Log } from "../log/log";
import type { EncryptionTexts } from "../i18n/encryption/en";

/** What the sentences depend on. */
export type State = {
  /** The link had a key. */
  key: boolean;
  /** This page can encrypt: browsers let only pages that came by https, or from this machine. */
  canLock: boolean;
  /** The page came by https. */
  https: boolean;
  lines: Log["lines"];
};

export type Secrecy =
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

export function canLock(): boolean {
  return crypto.subtle !== undefined;
}

export function secrecyOf({ key, canLock, lines }: State): Secrecy {
  const has = (seal: "bare" | "shut") => lines.some((line) => line.kind === "entry" && line.seal === seal);
  if (!canLock) return key ? "unusable" : "insecure";
  if (key) return has("bare") ? "mixed" : "sealed";
  return has("shut") ? "keyless" : "plain";
}

export type Sentences = {
  secrecy: Secrecy;
  title: string;
  text: string[];
  /** What stands above the log: nothing is sent, or most of what is said cannot be read. */
  banner: string;
  /** It is news and no state: it can be put away. */
  closes: boolean;
};

export function sentences(state: State, texts: EncryptionTexts): Sentences {
  const secrecy = secrecyOf(state);
  const missing = state.https ? texts.needsBrowser : texts.needsHttps;
  const { title, text } = texts.states[secrecy];
  const more = {
    sealed: [texts.notHidden],
    mixed: [texts.notHidden],
    keyless: [],
    plain: state.https ? [texts.byHttps] : [],
    insecure: missing,
    unusable: missing,
  }[secrecy];
  const banner =
    secrecy === "unusable"
      ? texts.nothingSent
      : !isMostlyShut(state.lines)
        ? ""
        : state.key
          ? texts.otherKey
          : state.canLock
            ? texts.noKey
            : texts.noKeyHere;
  return { secrecy, title, text: [...text, ...more], banner, closes: secrecy !== "unusable" };
}

/** One line with another key is marked as it stands; only where most are so the page as a whole is told. */
export function isMostlyShut(lines: Log["lines"]): boolean {
  const said = lines.filter((line) => line.kind === "entry");
  return said.filter((line) => line.seal === "shut").length * 2 > said.length;
}
