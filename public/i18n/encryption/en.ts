// The texts about encryption: each describes one state, and appears in that state only.

import type { Doubt } from "../../protocol/frames";
import type { EncryptionState } from "../../e2ee/state";

export const en = {
  titles: {
    sealed: "End-to-end encrypted",
    mixed: "Partly encrypted",
    keyless: "Not end-to-end encrypted",
    plain: "Not end-to-end encrypted",
    insecure: "Not encrypted",
    unusable: "Can’t encrypt here",
  } satisfies Record<EncryptionState, string> as Record<EncryptionState, string>,

  sealed: "Encrypted",

  noKey: "Messages here are encrypted, and your link has no key. Ask for the full link, including the part after #.",
  noKeyHere: "Messages here are encrypted. To read them, open the full link, including the part after #, by https.",
  otherKey:
    "Most messages here are encrypted with another key than yours. Ask for the full link again, including the part after #.",
  nothingSent: "This page can’t encrypt, so nothing is sent. Open the room by https.",
  undecryptable: "Can’t decrypt this message.",
  unencrypted: "Not encrypted:",
  hide: "Hide this notice",

  createInsecure:
    "A room created here will not be encrypted: this page came by http, and browsers encrypt only by https. Open this server’s https:// address to create an encrypted one.",
  createOld: "A room created here will not be encrypted: this browser can’t. Use a current browser.",

  doubts: {
    name: (user: string) => `The name was changed on the way. Written by ${user}.`,
    twice: () => "Sent again by the server: this message was here before.",
    order: (user: string) => `Out of order: ${user} wrote this before a message above.`,
    fork: (user: string) => `Doesn’t continue what ${user} wrote before. It may be from somebody else.`,
    hole: (user: string) => `An earlier message by ${user} is missing.`,
    unencrypted: (user: string) => `${user} writes encrypted. This may be from somebody else.`,
    former: (user: string) =>
      `${user} writes in a newer format. This may be from somebody else, or older than it looks.`,
  } satisfies Record<Doubt["is"], (user: string) => string> as Record<Doubt["is"], (user: string) => string>,
};

export type EncryptionTexts = typeof en;
