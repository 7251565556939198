// What this page knows of a room: state and event in, state out. No clock, no
// socket; every time is the server's, in milliseconds.

import type { Chat, Delete, Edit, LogEntry, Member, React, Snapshot } from "../protocol/frames";
import { amend } from "./amendments";
import { tellCall } from "./calls";
import { applyHosting, type HostEvent } from "./hosting";
import { insertEntry, isStanding, lifetime, notice, noticed, trim } from "./lines";
import { applyCall, applyRename, byArrival, certainMembers, type CallEvent, type RenameEvent } from "./members";
import {
  enqueue,
  isOfUse,
  type NewLine,
  nextToSend,
  reject,
  renumberOutgoing,
  retry,
  withoutRefused,
} from "./outgoing";
import { foldedReactions } from "./reactions";
import { type Entry, isMine, type Log, type Notice, type Outgoing } from "./state";

export type LogEvent =
  | { type: "snapshot"; snapshot: Snapshot }
  | { type: "chat"; chat: Chat }
  | { type: "react"; react: React }
  | { type: "edit"; edit: Edit }
  | { type: "delete"; del: Delete }
  | { type: "ack"; n: number | null; seq: number; at: number; cursor: string | null }
  | { type: "joined"; member: Member; count: number; now: number }
  | { type: "left"; clientId: string; user: string; reason: string; count: number; now: number }
  | { type: "presence"; count: number; members: readonly Member[] | null; now?: number }
  | CallEvent
  | HostEvent
  | RenameEvent
  | { type: "typing"; from: string; user: string; typing: boolean; now: number }
  | ({ type: "send" } & NewLine)
  /** The transport has taken the next message. */
  | { type: "sent"; sealed?: string }
  | { type: "rejected"; n: number; code: string; retryAfter: number | null; now: number }
  | { type: "retry"; key: number; now: number }
  | { type: "discard"; key: number }
  | { type: "connection"; up: boolean; now: number }
  | { type: "visibility"; visible: boolean }
  | { type: "tick"; now: number };

export function entryEvent(entry: LogEntry): LogEvent {
  switch (entry.type) {
    case "chat":
      return { type: "chat", chat: entry };
    case "react":
      return { type: "react", react: entry };
    case "edit":
      return { type: "edit", edit: entry };
    case "delete":
      return { type: "delete", del: entry };
  }
}

export const TYPING_LASTS = 6_000;

export function reduce(log: Log, event: LogEvent): Log {
  return tellCall(log, apply(log, event), event);
}

function apply(log: Log, event: LogEvent): Log {
  switch (event.type) {
    case "snapshot":
      return expire(applySnapshot(log, event.snapshot), event.snapshot.at);
    case "chat":
      return trim(applyChat(log, event.chat));
    case "react":
      return applyAmendment(log, event.react);
    case "edit":
      return applyAmendment(log, event.edit);
    case "delete":
      return applyAmendment(log, event.del);
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
    case "host":
    case "rules":
    case "knock":
    case "knock-over":
    case "purge":
      return applyHosting(log, event);
    case "call":
      return applyCall(log, event);
    case "renamed":
      return applyRename(log, event);
    case "send":
      return enqueue(log, event);
    case "sent": {
      const line = nextToSend(log);
      const { type: _, ...sealed } = event;
      const sent = { sent: true, inFlight: true, ...sealed };
      return { ...log, outgoing: log.outgoing.map((o) => (o === line ? { ...o, ...sent } : o)) };
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
      return event.visible
        ? { ...log, visible: true, unread: 0 }
        : { ...log, visible: false, firstUnread: log.visible ? null : log.firstUnread };
    case "tick":
      return expire(log, event.now);
  }
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
    rules: s.rules ?? null,
    knocks: s.knocks ?? [],
    video: s.video,
    seq: continues ? log.seq : 0,
  };
  for (const entry of s.history)
    next = entry.type === "chat" ? applyChat(next, entry, seat) : applyAmendment(next, entry, seat);
  // Reloaded history is not unread.
  if (!continues)
    next = { ...next, unread: log.unread, firstUnread: isNumberedAnew(before, s) ? null : log.firstUnread };
  if (!continues && before.some((l) => l.kind === "entry" && !s.history.some((c) => isOf(c, l)))) {
    const first = { ...notice(next, "gone", s.at), key: next.nextKey };
    next = { ...next, nextKey: next.nextKey + 1, lines: [first, ...next.lines] };
  }
  return { ...next, cursor: s.cursor, ...renumberOutgoing(next, sameSeat, s.lastN, before) };
}

/** Whether the numbers of a history are not those of the lines: the room ended in between. */
function isNumberedAnew(lines: Log["lines"], { history }: Snapshot): boolean {
  const newest = Math.max(0, ...history.map(({ seq }) => seq));
  const chats = new Map(history.flatMap((e) => (e.type === "chat" ? [[e.seq, e.from] as const] : [])));
  return lines.some((l) => l.kind === "entry" && (l.seq > newest || (chats.get(l.seq) ?? l.from) !== l.from));
}

/** Whether an entry is this message, which may have been amended since. */
function isOf(entry: LogEntry, line: Entry): boolean {
  if (entry.type !== "chat" || entry.seq !== line.seq || entry.from !== line.from) return false;
  return entry.text === line.text || entry.edited !== undefined || entry.deleted === true;
}

/** `seat` is the one that the unanswered messages were sent from. */
function applyChat(log: Log, chat: Chat, seat = log.me?.clientId): Log {
  const mine = isMine(log, chat.from);
  const answered = answeredBy(log, chat, seat);
  const next = advance(log, chat);
  const { seq, from, user, text, at, encryption, verified, doubt, replyTo, edited, deleted, reactions, files } = chat;
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
    ...(replyTo === undefined || deleted ? {} : { replyTo }),
    ...(edited === undefined ? {} : { edited }),
    ...(deleted ? { deleted } : {}),
    ...(reactions?.length ? { reactions: foldedReactions(next, chat) } : {}),
    ...(files?.length ? { files } : {}),
  };
  const placed = insertEntry(next, entry, answered);
  const isNews = !mine && !deleted && !log.visible && placed.lines.length > next.lines.length;
  return isNews ? { ...placed, unread: placed.unread + 1, firstUnread: placed.firstUnread ?? seq } : placed;
}

function applyAmendment(log: Log, by: React | Edit | Delete, seat = log.me?.clientId): Log {
  const answered = answeredBy(log, by, seat);
  return amend({ ...advance(log, by), outgoing: log.outgoing.filter((o) => o !== answered) }, by);
}

function answeredBy(log: Log, { from, n }: LogEntry, seat: string | undefined): Outgoing | undefined {
  return from === seat && n !== null ? log.outgoing.find((o) => o.n === n && o.sent) : undefined;
}

function advance(log: Log, { from, seq, cursor }: LogEntry): Log {
  const typing = log.typing.filter((t) => t.from !== from);
  return { ...log, typing, ...(seq > log.seq ? { seq, cursor: cursor ?? log.cursor } : {}) };
}

function applyAck(log: Log, ack: { n: number | null; seq: number; at: number; cursor: string | null }): Log {
  // Without a cursor the ack is outside the stream: earlier messages may still be on their way.
  const moves = ack.cursor !== null && ack.seq > log.seq ? { seq: ack.seq, cursor: ack.cursor } : {};
  // The server counts what it deletes in the host's name.
  const next = { ...log, ...moves, lastN: Math.max(log.lastN, ack.n ?? 0) };
  const sent = next.outgoing.find((o) => o.n === ack.n);
  if (!sent || !next.me) return next;
  const { clientId, user } = next.me;
  const { text, amends, sealed, replyTo, files } = sent;
  const { seq, at } = ack;
  if (amends) {
    const answered = { ...next, outgoing: withoutRefused(log, amends).filter((o) => o !== sent) };
    const by = { ...amends, seq, at, from: clientId, user, text, cursor: null, n: null, ...(sealed ? { sealed } : {}) };
    return amend(answered, by);
  }
  const carried = { ...(replyTo === undefined ? {} : { replyTo }), ...(files ? { files } : {}) };
  return insertEntry(
    next,
    { kind: "entry", key: 0, seq, from: clientId, user, text, at, mine: true, ...carried },
    sent,
  );
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

function expire(log: Log, now: number): Log {
  const typing = log.typing.filter((t) => t.until > now);
  const outgoing = log.outgoing.map((o) => (o.retryAt > 0 && o.retryAt <= now ? { ...o, retryAt: 0 } : o));
  const oldest = now - lifetime(log);
  const lines = log.lines.filter((l) => l.at > oldest || isStanding(l));
  const next = { ...log, lines: lines.length === log.lines.length ? log.lines : lines };
  return trim({
    ...next,
    typing: typing.length === log.typing.length ? log.typing : typing,
    outgoing: outgoing.filter((o) => isOfUse(next, o)),
  });
}
