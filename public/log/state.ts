// What the page knows of a room. Every time is the server's, in milliseconds.

import type { Attached, Doubt, Knock, Limits, Member, Rules } from "../protocol/frames";

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
  files?: readonly Attached[];
  /** The message that it answers. */
  replyTo?: number;
  /** When it was last edited; `text` is the newest. */
  edited?: number;
  /** The edit by which it was, where this page saw that. */
  editSeq?: number;
  /** Only its place is left. */
  deleted?: true;
};

/** The newest reaction of a member with this emoji; not `on`, it was taken away. `mine` as in an entry. */
export type Reaction = {
  /** 0 from a history. */
  seq: number;
  from: string;
  user: string;
  emoji: string;
  on: boolean;
  mine: boolean;
  /** What the server knows it by. */
  sealed?: string;
};

/** An event between the messages: drawn by this page, kept by no server. */
export type Notice = {
  kind: "notice";
  key: number;
  at: number;
  what: "joined" | "left" | "renamed" | "lost" | "back" | "gone" | "host" | "rules" | "call" | "callEnd";
  user: string;
  /** The name before, of one that was renamed. */
  previous?: string;
  from: string;
  reason: string;
  change?: RuleChange;
  /** Of a call: nobody is in it any more. */
  over?: true;
  /** Milliseconds that a call was on, where this page saw it begin. */
  lasted?: number;
};

/** What the host changed: the rules before and after, and the names of members muted or heard again. */
export type RuleChange = {
  before: Partial<Rules>;
  after: Partial<Rules>;
  muted: readonly string[];
  unmuted: readonly string[];
};

/** What this page wants changed about the message `target`. */
export type Amendment =
  | { type: "react"; target: number; on: boolean }
  | { type: "edit"; target: number }
  | { type: "delete"; target: number };

/** A message of this page that the server has not numbered yet, or an amendment; `text` is then the emoji or new text. */
export type Outgoing = {
  kind: "outgoing";
  key: number;
  n: number;
  text: string;
  replyTo?: number;
  files?: readonly Attached[];
  amends?: Amendment;
  /** Of a reaction: what was sent. Sent again, it has to be the same. */
  sealed?: string;
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
  /** Null from a server without hosts. */
  rules: Rules | null;
  /** Who waits to be let in, where this page's member is the host. */
  knocks: readonly Knock[];
  video: boolean;
  /** The newest cursor that this page can resume from. */
  cursor: string | null;
  seq: number;
  lastN: number;
  unread: number;
  /** The first message of others that came while the page was hidden; it stays until the page is hidden again. */
  firstUnread: number | null;
  visible: boolean;
  nextKey: number;
};

/** Whether this page wrote it, from its present seat or an earlier one. */
export function isMine({ me, former }: Log, from: string): boolean {
  return from === me?.clientId || former.includes(from);
}

/** This page's member is the host of the room. */
export function isHost({ me, members }: Pick<Log, "me" | "members">): boolean {
  return members.some((m) => m.clientId === me?.clientId && m.host === true);
}

/** A message that can be answered, reacted to or amended. */
export function findEntry({ lines }: Pick<Log, "lines">, seq: number): Entry | undefined {
  return lines.findLast((l): l is Entry => l.kind === "entry" && l.seq === seq && !l.deleted);
}

export function replaceEntry(log: Log, line: Entry, by: Entry): Log {
  return by === line ? log : { ...log, lines: log.lines.map((l) => (l === line ? by : l)) };
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
    rules: null,
    knocks: [],
    video: false,
    cursor: null,
    seq: 0,
    lastN: seat?.lastN ?? 0,
    unread: 0,
    firstUnread: null,
    visible: true,
    nextKey: 1,
  };
}
