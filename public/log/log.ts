// What this page knows of a room: state and event in, state out. No clock, no
// socket; every time is the server's, in milliseconds.

import type { Chat, Doubt, Limits, Member, Snapshot } from "../protocol/frames";

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
};

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

/** A message of this page that the server has not numbered yet. */
export type Outgoing = {
  kind: "outgoing";
  key: number;
  n: number;
  text: string;
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

export type LogEvent =
  | { type: "snapshot"; snapshot: Snapshot }
  | { type: "chat"; chat: Chat }
  | { type: "ack"; n: number | null; seq: number; at: number; cursor: string | null }
  | { type: "joined"; member: Member; count: number; now: number }
  | { type: "left"; clientId: string; user: string; reason: string; count: number; now: number }
  | { type: "presence"; count: number; members: readonly Member[] | null }
  | { type: "call"; clientId: string; user: string; inCall: boolean; verified?: true; now: number }
  | { type: "typing"; from: string; user: string; typing: boolean; now: number }
  | { type: "send"; text: string; now: number }
  /** The transport has taken the next message. */
  | { type: "sent" }
  | { type: "rejected"; n: number; code: string; retryAfter: number | null; now: number }
  | { type: "retry"; key: number; now: number }
  | { type: "discard"; key: number }
  | { type: "connection"; up: boolean; now: number }
  | { type: "visibility"; visible: boolean }
  | { type: "tick"; now: number };

export const TYPING_LASTS = 6_000;
/** How long to wait after `rate_limited` without `retryAfter`. */
const SLOWER_BY = 1_000;
const NOTICES_MAX = 100;
/** The server's limit may be 0 or too large to draw: messages seen live stay within these bounds. */
const ENTRIES_MIN = 100;
const ENTRIES_MAX = 1_000;
/** Removing lines at the top moves all others, so many are removed at a time. */
const ENTRIES_CUT = 50;
/** After these errors the message may or may not have been taken: the retry uses the same n. */
const UNCERTAIN = new Set(["store_unavailable", "internal"]);

/** Neither confirmed nor refused: under another seat the same n cannot ask again. */
export function isUncertain(why: string): boolean {
  return UNCERTAIN.has(why) || why === "unconfirmed";
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

export function reduce(log: Log, event: LogEvent): Log {
  switch (event.type) {
    case "snapshot":
      return expire(applySnapshot(log, event.snapshot), event.snapshot.at);
    case "chat":
      return trim(applyChat(log, event.chat));
    case "ack":
      return trim(applyAck(log, event));
    case "joined": {
      if (log.crowd) return { ...log, count: event.count };
      const { member } = event;
      const members = [...log.members.filter((m) => m.clientId !== member.clientId), member].sort(byArrival);
      const next = { ...log, members };
      return member.clientId === log.me?.clientId
        ? next
        : noticed(next, "joined", event.now, member.user, member.clientId);
    }
    case "left": {
      const next = {
        ...log,
        count: event.count,
        members: log.members.filter((m) => m.clientId !== event.clientId),
        typing: log.typing.filter((t) => t.from !== event.clientId),
      };
      return log.crowd || log.members.length === next.members.length
        ? next
        : noticed(next, "left", event.now, event.user, event.clientId, event.reason);
    }
    case "typing": {
      if (event.from === log.me?.clientId) return log;
      const typing = log.typing.filter((t) => t.from !== event.from);
      if (event.typing) typing.push({ from: event.from, user: event.user, until: event.now + TYPING_LASTS });
      return { ...log, typing };
    }
    case "presence": {
      const { count, members } = event;
      const next = {
        ...log,
        count,
        crowd: members === null,
        members: members === null ? certainMembers(log.members, log.me) : [...members].sort(byArrival),
      };
      return members === null
        ? next
        : { ...next, typing: log.typing.filter((t) => members.some((m) => m.clientId === t.from)) };
    }
    case "call":
      return applyCall(log, event);
    case "send":
      return enqueue(log, event.text, event.now);
    case "sent": {
      const line = nextToSend(log);
      return { ...log, outgoing: log.outgoing.map((o) => (o === line ? { ...o, sent: true, inFlight: true } : o)) };
    }
    case "rejected":
      return reject(log, event);
    case "retry":
      return retry(log, event);
    case "discard":
      return { ...log, outgoing: log.outgoing.filter((o) => o.key !== event.key) };
    case "connection":
      return applyConnection(log, event.up, event.now);
    case "visibility":
      return { ...log, visible: event.visible, unread: event.visible ? 0 : log.unread };
    case "tick":
      return expire(log, event.now);
  }
}

/** The next message to send. One at a time: after a refusal for its rate no later message has overtaken it. */
export function nextToSend(log: Log): Outgoing | null {
  const first = log.outgoing.find((o) => o.state === "pending");
  return first && !first.inFlight && first.retryAt === 0 ? first : null;
}

/** When the log next changes by itself, if nothing happens before. */
export function nextTick(log: Log): number | null {
  const times = log.typing.map((t) => t.until);
  const age = lifetime(log);
  for (const l of log.lines) if (!isStanding(l)) times.push(l.at + age);
  for (const o of log.outgoing) if (o.retryAt > 0) times.push(o.retryAt);
  const next = Math.min(...times);
  return Number.isFinite(next) ? next : null;
}

/** A standing notice describes the present: it goes when that changes. */
function isStanding(line: Entry | Notice): boolean {
  return line.kind === "notice" && line.what === "lost";
}

function applySnapshot(log: Log, s: Snapshot): Log {
  const seat = log.me?.clientId ?? s.clientId;
  const sameSeat = seat === s.clientId;
  const continues = s.resumed && !s.reset;
  const former = sameSeat ? log.former : [...log.former, seat];
  const before = log.lines;
  let next: Log = {
    ...log,
    me: { clientId: s.clientId, user: s.user },
    former,
    lines: continues ? before : [],
    members: [...(s.crowd ? certainMembers(s.members, s) : s.members)].sort(byArrival),
    crowd: s.crowd,
    count: s.count,
    typing: [],
    limits: s.limits,
    video: s.video,
    seq: continues ? log.seq : 0,
  };
  for (const chat of s.history) next = applyChat(next, chat, seat);
  // Reloaded history is not unread.
  if (!continues) next = { ...next, unread: log.unread };
  if (
    !continues &&
    before.some((l) => l.kind === "entry" && !s.history.some((c) => c.seq === l.seq && c.text === l.text))
  ) {
    const first = { ...notice(next, "gone", s.at), key: next.nextKey };
    next = { ...next, nextKey: next.nextKey + 1, lines: [first, ...next.lines] };
  }
  return { ...next, cursor: s.cursor, ...renumberOutgoing(next, sameSeat, s.lastN) };
}

/** In a crowd the server announces only these members' leaving; the others may be gone unannounced. */
function certainMembers(members: readonly Member[], me: { clientId: string } | null): readonly Member[] {
  return members.filter((m) => m.inCall === true || m.clientId === me?.clientId);
}

/** How many are in the room. */
export function memberCount(log: Log): number {
  return log.crowd ? log.count : log.members.length;
}

/** The last member: the room and its messages are gone with it. */
export function isLastOne(log: Log): boolean {
  return memberCount(log) <= 1 && log.lines.some((line) => line.kind === "entry");
}

/** A member in the call is present, whether it was listed or not. */
function applyCall(log: Log, event: Extract<LogEvent, { type: "call" }>): Log {
  const { clientId, user, inCall, verified, now } = event;
  const known = log.members.find((m) => m.clientId === clientId);
  if (!known && !inCall) return log;
  const member: Member = { ...(known ?? { clientId, user, joinedAt: now, ...(verified ? { verified } : {}) }), inCall };
  const members = [...log.members.filter((m) => m !== known), member].sort(byArrival);
  return { ...log, members: log.crowd ? certainMembers(members, log.me) : members };
}

/** Under the same seat a repeated n is harmless: all unanswered messages go again. Under a new seat only unsent ones do. */
function renumberOutgoing(log: Log, sameSeat: boolean, serverLastN: number): Pick<Log, "outgoing" | "lastN"> {
  let lastN = sameSeat ? Math.max(log.lastN, serverLastN) : serverLastN;
  const outgoing = log.outgoing.map((line): Outgoing => {
    const o = { ...line, inFlight: false };
    if (o.state === "failed") return !sameSeat && UNCERTAIN.has(o.why) ? { ...o, why: "unconfirmed" } : o;
    if (sameSeat) return o;
    if (o.sent) return { ...o, state: "failed", why: "unconfirmed" };
    lastN += 1;
    return { ...o, n: lastN };
  });
  return { outgoing, lastN };
}

/** `seat` is the one that the unanswered messages were sent from. */
function applyChat(log: Log, chat: Chat, seat = log.me?.clientId): Log {
  const mine = chat.from === log.me?.clientId || log.former.includes(chat.from);
  const answered =
    chat.from === seat && chat.n !== null ? log.outgoing.find((o) => o.n === chat.n && o.sent) : undefined;
  const next = {
    ...log,
    typing: log.typing.filter((t) => t.from !== chat.from),
    ...(chat.seq > log.seq ? { seq: chat.seq, cursor: chat.cursor ?? log.cursor } : {}),
  };
  const { seq, from, user, text, at, encryption, verified, doubt } = chat;
  const entry: Entry = {
    kind: "entry",
    key: 0,
    seq,
    from,
    user,
    text,
    at,
    mine,
    ...(verified ? { verified } : {}),
    ...(encryption ? { encryption } : {}),
    ...(doubt ? { doubt } : {}),
  };
  const placed = insertEntry(next, entry, answered);
  const isNews = !mine && !log.visible && placed.lines !== next.lines;
  return isNews ? { ...placed, unread: placed.unread + 1 } : placed;
}

function applyAck(log: Log, ack: { n: number | null; seq: number; at: number; cursor: string | null }): Log {
  // Without a cursor the ack is outside the stream: earlier messages may still be on their way.
  const next = ack.cursor !== null && ack.seq > log.seq ? { ...log, seq: ack.seq, cursor: ack.cursor } : log;
  const sent = next.outgoing.find((o) => o.n === ack.n);
  if (!sent || !next.me) return next;
  const { clientId, user } = next.me;
  return insertEntry(
    next,
    { kind: "entry", key: 0, seq: ack.seq, from: clientId, user, text: sent.text, at: ack.at, mine: true },
    sent,
  );
}

/** Inserts by seq; the pending line becomes the entry, under the same key. */
function insertEntry(log: Log, entry: Entry, was: Outgoing | undefined): Log {
  const outgoing = was ? log.outgoing.filter((o) => o !== was) : log.outgoing;
  if (log.lines.some((l) => l.kind === "entry" && l.seq === entry.seq)) return { ...log, outgoing };
  const later = log.lines.findIndex((l) => l.kind === "entry" && l.seq > entry.seq);
  const at = later < 0 ? log.lines.length : later;
  const line = { ...entry, key: was?.key ?? log.nextKey };
  return {
    ...log,
    outgoing,
    nextKey: was ? log.nextKey : log.nextKey + 1,
    lines: [...log.lines.slice(0, at), line, ...log.lines.slice(at)],
  };
}

function enqueue(log: Log, text: string, now: number): Log {
  const n = log.lastN + 1;
  const line: Outgoing = {
    kind: "outgoing",
    key: log.nextKey,
    n,
    text,
    at: now,
    state: "pending",
    sent: false,
    inFlight: false,
    why: "",
    retryAt: 0,
  };
  return { ...log, lastN: n, nextKey: log.nextKey + 1, outgoing: [...log.outgoing, line] };
}

function reject(log: Log, event: { n: number; code: string; retryAfter: number | null; now: number }): Log {
  const slower = event.code === "rate_limited";
  const retryAt = event.now + (event.retryAfter ?? (slower ? SLOWER_BY : 0));
  const outgoing = log.outgoing.map((line): Outgoing => {
    if (line.n !== event.n || line.state !== "pending") return line;
    const o = { ...line, inFlight: false, retryAt };
    // The message was not taken, and is sent again.
    return slower ? { ...o, sent: false } : { ...o, state: "failed", why: event.code };
  });
  return { ...log, outgoing };
}

function retry(log: Log, event: { key: number; now: number }): Log {
  const old = log.outgoing.find((o) => o.key === event.key);
  if (!old) return log;
  const keepsN = UNCERTAIN.has(old.why);
  const n = keepsN ? old.n : log.lastN + 1;
  const again: Outgoing = {
    ...old,
    n,
    at: event.now,
    state: "pending",
    sent: keepsN && old.sent,
    inFlight: false,
    why: "",
    retryAt: 0,
  };
  const outgoing = keepsN
    ? log.outgoing.map((o) => (o === old ? again : o))
    : [...log.outgoing.filter((o) => o !== old), again];
  return { ...log, lastN: Math.max(log.lastN, n), outgoing };
}

function applyConnection(log: Log, up: boolean, now: number): Log {
  const lost = log.lines.findLast((l) => l.kind === "notice" && l.what === "lost");
  if (up) {
    if (!lost) return log;
    return { ...log, lines: log.lines.map((l) => (l === lost ? ({ ...lost, what: "back", at: now } as Notice) : l)) };
  }
  if (lost) return { ...log, typing: [] };
  // A flapping connection stays one notice.
  const told = log.lines.at(-1);
  const lines = told?.kind === "notice" && told.what === "back" ? log.lines.slice(0, -1) : log.lines;
  return noticed({ ...log, lines, typing: [] }, "lost", now);
}

function noticed(log: Log, what: Notice["what"], at: number, user = "", from = "", reason = ""): Log {
  return trim({
    ...log,
    nextKey: log.nextKey + 1,
    lines: [...log.lines, { ...notice(log, what, at), user, from, reason }],
  });
}

function notice(log: Log, what: Notice["what"], at: number): Notice {
  return { kind: "notice", key: log.nextKey, at, what, user: "", from: "", reason: "" };
}

function expire(log: Log, now: number): Log {
  const typing = log.typing.filter((t) => t.until > now);
  const outgoing = log.outgoing.map((o) => (o.retryAt > 0 && o.retryAt <= now ? { ...o, retryAt: 0 } : o));
  const oldest = now - lifetime(log);
  const lines = log.lines.filter((l) => l.at > oldest || isStanding(l));
  return trim({
    ...log,
    typing: typing.length === log.typing.length ? log.typing : typing,
    outgoing,
    lines: lines.length === log.lines.length ? log.lines : lines,
  });
}

/** A limit below a second arrives as 0; a line must stay long enough to be drawn. */
function lifetime(log: Log): number {
  return log.limits ? Math.max(log.limits.historyAge, 1) * 1000 : Infinity;
}

function trim(log: Log): Log {
  const most = Math.min(Math.max(log.limits?.historyLength ?? 0, ENTRIES_MIN), ENTRIES_MAX);
  const said = log.lines.filter((l) => l.kind === "entry").length;
  const entries = said <= most ? 0 : said - most + (most === ENTRIES_MAX ? ENTRIES_CUT : 0);
  const notices = log.lines.length - said - NOTICES_MAX;
  if (entries <= 0 && notices <= 0) return log;
  const over = { entry: entries, notice: notices };
  return { ...log, lines: log.lines.filter((l) => over[l.kind]-- <= 0) };
}

function byArrival(a: Member, b: Member): number {
  return a.joinedAt - b.joinedAt || (a.clientId < b.clientId ? -1 : 1);
}
