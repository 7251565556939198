// Who is in the room.

import type { Member } from "../protocol/frames";
import { noticed } from "./lines";
import type { Log } from "./state";

/** In a crowd the server announces only these members' leaving; the others may be gone unannounced. */
export function certainMembers(members: readonly Member[], me: { clientId: string } | null): readonly Member[] {
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

/** The name of this page's member is an account's. */
export function isVerified({ me, members }: Pick<Log, "me" | "members">): boolean {
  return members.some((m) => m.clientId === me?.clientId && m.verified === true);
}

export type CallEvent = {
  type: "call";
  clientId: string;
  user: string;
  inCall: boolean;
  verified?: true;
  now: number;
};

/** A member in the call is present, whether it was listed or not. */
export function applyCall(log: Log, event: CallEvent): Log {
  const { clientId, user, inCall, verified, now } = event;
  const known = log.members.find((m) => m.clientId === clientId);
  if (!known && !inCall) return log;
  const member: Member = { ...(known ?? { clientId, user, joinedAt: now, ...(verified ? { verified } : {}) }), inCall };
  const members = [...log.members.filter((m) => m !== known), member].sort(byArrival);
  return { ...log, members: log.crowd ? certainMembers(members, log.me) : members };
}

export type RenameEvent = { type: "renamed"; clientId: string; user: string; previous: string; now: number };

/** What was said before keeps its name. A name that is known already makes no notice. */
export function applyRename(log: Log, { clientId, user, previous, now }: RenameEvent): Log {
  const isMe = clientId === log.me?.clientId;
  const rename = <Named extends { user: string }>(named: Named): Named => ({ ...named, user });
  const known = log.members.find((m) => m.clientId === clientId) ?? (isMe ? log.me : null);
  if (!known || known.user === user) return log;
  const next = {
    ...log,
    me: log.me && isMe ? rename(log.me) : log.me,
    members: log.members.map((m) => (m.clientId === clientId ? rename(m) : m)),
    typing: log.typing.map((t) => (t.from === clientId ? rename(t) : t)),
  };
  return noticed(next, "renamed", now, user, clientId, "", previous);
}

export function byArrival(a: Member, b: Member): number {
  return a.joinedAt - b.joinedAt || (a.clientId < b.clientId ? -1 : 1);
}
