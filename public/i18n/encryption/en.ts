// The texts about encryption: each describes one state, and appears in that state only.

import type { Doubt } from "../../protocol/frames";
import type { EncryptionState } from "../../e2ee/state";

export const en = {
  states: {
    sealed: {
      title: "End-to-end encrypted",
      text: [
        "Messages, video and sound are encrypted in the browser with the key in this room’s link, the part after #. The server never gets the key: it passes on what it cannot read.",
      ],
    },
    mixed: {
      title: "Partly encrypted",
      text: [
        "What you send is encrypted with the key in this room’s link. Messages marked “Not encrypted” were sent without it: the people who run the server could read or change them, or have written them.",
      ],
    },
    keyless: {
      title: "Not end-to-end encrypted",
      text: [
        "Others here write encrypted, and your link has no key. You can’t read them, and what you send is not encrypted: the people who run the server can read it.",
        "Ask for the full link, including the part after #.",
      ],
    },
    plain: {
      title: "Not end-to-end encrypted",
      text: [
        "The link to this room has no key, so the people who run the server can read the messages and follow video calls.",
        "Rooms made with “Create a room” are encrypted: their link has a key.",
      ],
    },
    insecure: {
      title: "Not encrypted",
      text: ["Nothing here is encrypted end to end: this room has no key, because this page can’t use one."],
    },
    unusable: {
      title: "Can’t encrypt here",
      text: [
        "This room’s link has a key, but this page can’t use it. Nothing is sent, and encrypted messages can’t be read.",
      ],
    },
  } satisfies Record<EncryptionState, { title: string; text: string[] }> as Record<
    EncryptionState,
    { title: string; text: string[] }
  >,
  notHidden:
    "Not hidden: names, who is here and when, who writes when and how much. Anyone with the full link can read along, and you trust the page that this server sends you.",
  byHttps: "The connection to the server is encrypted (https): others on the network can’t read along.",
  needsHttps: [
    "What is missing is https. This page came by http, and browsers encrypt only on pages that come by https; others on the network can read along, too.",
    "Open this server’s https:// address. If it has none, the people who run it can add one: docs/deployment.md explains how.",
  ],
  needsBrowser: ["What is missing is encryption in this browser (WebCrypto). Use a current browser."],

  noKey: "Messages here are encrypted, and your link has no key. Ask for the full link, including the part after #.",
  noKeyHere: "Messages here are encrypted. To read them, open the full link, including the part after #, by https.",
  otherKey:
    "Most messages here are encrypted with another key than yours. Ask for the full link again, including the part after #.",
  nothingSent: "This page can’t encrypt, so nothing is sent. Open the room by https.",
  undecryptable: "Can’t decrypt this message.",
  unencrypted: "Not encrypted:",
  hide: "Hide this notice",

  askTitle: "Send without encryption?",
  askText:
    "Others here write encrypted, and your link has no key. What you send without one can be read by the people who run the server.",
  askSend: "Send unencrypted",
  askBack: "Don’t send",

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
