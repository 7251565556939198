// What goes over the wire by plain requests, beside the frames.

import { CONNECTION_LOST } from "./close";
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
};

/** The close code a WebSocket would have for an error code: HTTP has only the latter. */
const CLOSE_CODES: Record<string, number> = {
  left: 1000,
  internal: 1011,
  restarting: 1012,
  too_slow: 1013,
  replaced: 4001,
  bad_room: 4400,
  bad_name: 4400,
  bad_cursor: 4400,
  bad_frame: 4400,
  login_required: 4401,
  not_logged_in: 4401,
  forbidden_origin: 4403,
  room_full: 4409,
  name_taken: 4409,
  rate_limited: 4503,
  store_unavailable: 4503,
  store_full: 4503,
  address_limit: 4429,
  server_full: 4503,
  accounts_unavailable: 4503,
};

/** An error that closes no socket, such as an expired ticket, is answered by joining again. */
export function closeCodeOf(code: string): number {
  return CLOSE_CODES[code] ?? CONNECTION_LOST;
}

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
  };
  // A room that was emptied since has other members: without their list the page has to join again.
  if (batch.reset && !batch.members) throw new BadFrame("poll.members must come with a reset");
  return batch;
}
