// What the page knows of a room. Every time is the server's, in milliseconds.

import type { Doubt, Limits, Member } from "../protocol/frames";

export type Entry = {
  kind: "entry";
  key: number;
  seq: number;
  from: string;
  user: string;
  text: string;
  at: number;
  mine: boolean;
  verified?: true;
  encryption?: "undecryptable" | "unencrypted";
  doubt?: Doubt;
  reactions?: readonly Reaction[];
};

/** The newest reaction of a member with this emoji; not `on`, it was taken away. `mine` as in an entry. */
export type Reaction = { seq: number; from: string; user: string; emoji: string; on: boolean; mine: boolean };

/** An event between the messages: drawn by this page, kept by no server. */
export type Notice = {
  kind: "notice";
  key: number;
  at: number;
  what: "joined" | "left" | "lost" | "back" | "gone";
  user: string;
  from: string;
  reason: string;
};

/** A message of this page that the server has not numbered yet, or with `react` an emoji for another message. */
export type Outgoing = {
  kind: "outgoing";
  key: number;
  n: number;
  text: string;
  react?: { target: number; on: boolean };
  at: number;
  state: "pending" | "failed";
  /** It was given to a transport: only the server knows whether it arrived. */
  sent: boolean;
  /** The current transport has it, and the server has not answered yet. */
  inFlight: boolean;
  why: string;
  retryAt: number;
};

export type Typist = { from: string; user: string; until: number };

export type Log = {
  me: { clientId: string; user: string } | null;
  /** Client ids of this page's earlier seats: their messages are still its own. */
  former: readonly string[];
  lines: readonly (Entry | Notice)[];
  outgoing: readonly Outgoing[];
  /** The members; of a crowd only those that certainly are present. */
  members: readonly Member[];
  /** More members are present than listed; then `count` has the number. */
  crowd: boolean;
  count: number;
  typing: readonly Typist[];
  limits: Limits | null;
  video: boolean;
  /** The newest cursor that this page can resume from. */
  cursor: string | null;
  seq: number;
  lastN: number;
  unread: number;
  visible: boolean;
  nextKey: number;
};

/** Whether this page wrote it, from its present seat or an earlier one. */
export function isMine({ me, former }: Log, from: string): boolean {
  return from === me?.clientId || former.includes(from);
}

export type SavedIdentity = { clientId: string; user: string; lastN: number; former: readonly string[] };

export function emptyLog(seat: SavedIdentity | null = null): Log {
  return {
    me: seat && { clientId: seat.clientId, user: seat.user },
    former: seat?.former ?? [],
    lines: [],
    outgoing: [],
    members: [],
    crowd: false,
    count: 0,
    typing: [],
    limits: null,
    video: false,
    cursor: null,
    seq: 0,
    lastN: seat?.lastN ?? 0,
    unread: 0,
    visible: true,
    nextKey: 1,
  };
}
