// What a room's encryption can be.

export type EncryptionState =
  /** Every line is sealed with this page's key. */
  | "sealed"
  /** This page seals; some lines in the log are not sealed. */
  | "mixed"
  /** Others seal, and this page has no key. */
  | "keyless"
  /** No key, and nothing sealed. */
  | "plain"
  /** No key, because this page could not use one. */
  | "insecure"
  /** A key that this page cannot use: nothing is sent. */
  | "unusable";
