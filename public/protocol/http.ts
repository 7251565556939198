// What goes over the wire by plain requests, beside the frames.

import { BadFrame, FieldReader } from "./frames";

/** What a transport over HTTP needs of the welcome it was given. */
export type JoinReply = {
  welcome: Record<string, unknown>;
  ticket: string;
  cursor: string;
  at: number;
  /** Seconds; null where the server does not say. */
  lease: number | null;
};

/** A poll's answer: its frames in lists, and the cursor after all of them. */
export type PollReply = {
  cursor: string;
  messages: Record<string, unknown>[];
  events: Record<string, unknown>[];
  /** The members, when the seat had to be resumed. */
  members: Record<string, unknown>[] | null;
  /** With them: how many members there are, if not all are listed. */
  count: number | null;
  crowd: boolean;
  reset: boolean;
  ticket: string | null;
  lastN: number | null;
  /** Where they came with the members. */
  rules: { room?: unknown; knocks?: unknown };
};

export function readJoinReply(json: unknown): JoinReply {
  const f = new FieldReader(json, "welcome");
  const lease = f.object("limits").maybeNumber("poll");
  return { welcome: f.all, ticket: f.text("ticket"), cursor: f.text("cursor"), at: f.time("timestamp"), lease };
}

export function readPollReply(json: unknown): PollReply {
  const f = new FieldReader(json, "poll");
  const all = (key: string) => (f.all[key] == null ? null : f.list(key).map((item) => item.all));
  const batch: PollReply = {
    cursor: f.text("cursor"),
    messages: all("messages") ?? [],
    events: all("events") ?? [],
    members: all("members"),
    count: f.maybeNumber("count"),
    crowd: f.all.crowd === true,
    reset: f.all.reset === true,
    ticket: f.maybeText("ticket"),
    lastN: f.maybeNumber("lastN"),
    rules: "room" in f.all ? { room: f.all["room"], knocks: f.all["knocks"] } : {},
  };
  // A room that was emptied since has other members: without their list the page has to join again.
  if (batch.reset && !batch.members) throw new BadFrame("poll.members must come with a reset");
  return batch;
}
