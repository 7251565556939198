// The frames, and the parser that turns JSON into types. Names of fields are checked against the server's types.

import type {
  Attachment as WireFile,
  ClientMessage,
  HostMessage,
  Knock as WireKnock,
  LogEntry as WireEntry,
  Member as WireMember,
  Reaction as WireReactions,
  Rules,
  ServerMessage,
} from "./generated/messages";
import { BadFrame, FieldReader } from "./field-reader";

export { BadFrame, FieldReader };
export type { HostMessage, Rules };

export type Member = {
  clientId: string;
  user: string;
  joinedAt: number;
  inCall?: boolean;
  verified?: true;
  host?: true;
  /** In the chat, by the host. */
  muted?: true;
};

/** A newcomer that waits to be let in. */
export type Knock = { clientId: string; user: string; verified?: true };

export type Limits = {
  textLength: number;
  historyLength: number;
  /** Seconds. */
  historyAge: number;
  /** Seconds. */
  grace: number;
  members: number;
  /** Seconds within which a message can be edited; 0 from a server without amendments. */
  editAge: number;
  /** Bytes of the largest file; 0: there are no files. */
  fileBytes: number;
  /** The operator asks pages to offer no copy of the talk. */
  noExport?: true;
};

/**
 * What is wrong with a sealed line, the worst first:
 * - `name`: sealed under another name, or without the verified mark
 * - `twice`: this page has it already, or another line with its number
 * - `order`: its author wrote it before a line above it
 * - `fork`: the line it names as the one before is not the one this page has
 * - `hole`: its author's line before it is missing
 *
 * Of a line that is not sealed, or in the older format, although its author seals in the newer:
 * - `unencrypted`, `former`
 *
 * `user` is the name that the author seals under.
 */
export type Doubt = { is: "name" | "twice" | "order" | "fork" | "hole" | "unencrypted" | "former"; user: string };

/** What every entry of the log has. */
type Numbered = {
  seq: number;
  from: string;
  user: string;
  at: number;
  cursor: string | null;
  n: number | null;
  /** The name is an account's. */
  verified?: true;
};

type Worded = Numbered & {
  text: string;
  /** Sealed with another key than this page's, or not sealed where this page seals. */
  encryption?: "undecryptable" | "unencrypted";
  doubt?: Doubt;
};

/** An emoji that a member has on a message. The server names the member by its id; an opened one knows the name. */
export type FoldedReaction = { from: string; text: string; user?: string; sealed?: string };

/** A file of a message. Of a sealed one, size, type and name are those that were sealed, and `key` opens its bytes. */
export type Attached = { file: string; size: number; contentType: string; name?: string; key?: string };

/** A message. From a history it comes as it was amended since. */
export type Chat = Worded & {
  type: "chat";
  replyTo?: number;
  edited?: number;
  /** Its text is empty. */
  deleted?: true;
  reactions?: readonly FoldedReaction[];
  files?: readonly Attached[];
  /** Of an opened line: its author's count, and what the author's next line names it by. */
  claims?: { n: number; id: string };
};

/** A member put an emoji on the message `target`, or took it away. `text` is the emoji, or what was sealed. */
export type React = Worded & { type: "react"; target: number; on: boolean; sealed?: string };

/** The author of the message `target` gave it another text. */
export type Edit = Worded & { type: "edit"; target: number };

export type Delete = Numbered & { type: "delete"; target: number };

/** An entry of the log, of any kind. */
export type LogEntry = Chat | React | Edit | Delete;

export type Snapshot = {
  clientId: string;
  roomId: string;
  user: string;
  ticket: string;
  cursor: string;
  resumed: boolean;
  reset: boolean;
  lastN: number;
  /** Members in the room. */
  count: number;
  /** The room has too many members to list and announce each. */
  crowd: boolean;
  members: Member[];
  history: LogEntry[];
  limits: Limits;
  /** None from a server without hosts. */
  rules?: Rules;
  /** Only to the host. */
  knocks?: readonly Knock[];
  video: boolean;
  at: number;
};

export type Inbound =
  | ({ type: "welcome" } & Snapshot)
  | ({ type: "reset" } & Snapshot)
  | LogEntry
  /** Without `seq` it answers a new name. */
  | { type: "ack"; n: number | null; seq: number | null; at: number; cursor: string | null }
  | ({ type: "joined"; count: number } & Member)
  | { type: "left"; clientId: string; user: string; reason: string; count: number }
  /** Of a crowd only the number; with members it is no crowd any more. */
  | { type: "presence"; count: number; members: Member[] | null }
  | { type: "typing"; from: string; user: string; typing: boolean }
  | { type: "renamed"; clientId: string; user: string; previous: string }
  | { type: "call"; clientId: string; user: string; inCall: boolean; verified?: true }
  | ({ type: "host" } & Knock)
  /** `muted`: all members that are. */
  | { type: "rules"; rules: Rules; muted: readonly string[] }
  | ({ type: "knock" } & Knock)
  | { type: "knock-over"; clientId: string }
  /** This page waits to be let in. */
  | { type: "knocking" }
  /** What the server signs when the room ends. */
  | { type: "receipt"; receipt: string }
  | { type: "pong" }
  | { type: "status"; code: string; message: string }
  | { type: "closing"; code: string; message: string; retryAfter: number | null }
  | { type: "error"; code: string; message: string; n: number | null; retryAfter: number | null };

/** A new entry of the log: the page counts every one of its own. */
export type NewEntry = Extract<ClientMessage, { type: WireEntry["type"] }> & { n: number };

/** The member takes another name. */
export type Rename = Extract<ClientMessage, { type: "rename" }>;

/** What the host asks for: each with a number of its own. */
export type HostRequest = HostMessage & { n: number };

export type Outbound =
  NewEntry | HostRequest | Exclude<ClientMessage, { type: NewEntry["type"] | HostMessage["type"] | "livekit-token" }>;

/** Null for a type this page does not know: the contract may grow. */
export function parseFrame(data: unknown): Inbound | null {
  if (typeof data !== "string") throw new BadFrame("a frame must be text");
  return readFrame(parseJson(data));
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadFrame("a frame must be JSON");
  }
}

/** A frame inside a larger body, as in a poll's answer. */
export function readFrame(json: unknown): Inbound | null {
  return readFields(new FieldReader(json, "frame"));
}

function readFields(f: FieldReader): Inbound | null {
  const type = f.text("type");
  return Object.hasOwn(READERS, type) ? (READERS as Record<string, unknown> as Record<string, Reader>)[type]!(f) : null;
}

type Reader = (f: FieldReader) => Inbound | null;
type Wire<Type extends ServerMessage["type"]> = Extract<ServerMessage, { type: Type }>;

const ENTRIES: { [Type in WireEntry["type"]]: (f: FieldReader<Wire<Type>>) => LogEntry } = {
  chat,
  react,
  edit: (f) => ({ type: "edit", ...numbered(f), text: f.text("text"), target: f.number("target") }),
  delete: (f) => ({ type: "delete", ...numbered(f), target: f.number("target") }),
};

/** Whether a frame is an entry of the log. */
export function isEntry(frame: Inbound): frame is LogEntry {
  return Object.hasOwn(ENTRIES, frame.type);
}

const READERS: { [Type in ServerMessage["type"]]: (f: FieldReader<Wire<Type>>) => Inbound | null } = {
  welcome: (f) => ({ type: "welcome", ...snapshot(f) }),
  reset: (f) => ({ type: "reset", ...snapshot(f) }),
  ...ENTRIES,
  ack: (f) => ({
    type: "ack",
    n: f.maybeNumber("n"),
    seq: f.maybeNumber("seq"),
    at: f.time("timestamp"),
    cursor: f.maybeText("cursor"),
  }),
  joined: (f) => ({ type: "joined", ...member(f), count: f.number("count") }),
  left: (f) => ({
    type: "left",
    clientId: f.text("clientId"),
    user: f.text("user"),
    reason: f.text("reason"),
    count: f.number("count"),
  }),
  presence: (f) => ({
    type: "presence",
    count: f.number("count"),
    members: f.maybeList<WireMember>("members")?.map(member) ?? null,
  }),
  typing: (f) => ({ type: "typing", from: f.text("from"), user: f.text("user"), typing: f.flag("typing") }),
  renamed: (f) => ({
    type: "renamed",
    clientId: f.text("clientId"),
    user: f.text("user"),
    previous: f.text("previous"),
  }),
  call: (f) => ({
    type: "call",
    clientId: f.text("clientId"),
    user: f.text("user"),
    inCall: f.flag("inCall"),
    ...verified(f),
  }),
  host: (f) => ({ type: "host", ...knock(f) }),
  rules: (f) => ({
    type: "rules",
    rules: f.object("rules").all as Rules,
    muted: f.all["muted"] ? f.texts("muted") : [],
  }),
  knock: (f) => ({ type: "knock", ...knock(f) }),
  "knock-over": (f) => ({ type: "knock-over", clientId: f.text("clientId") }),
  knocking: () => ({ type: "knocking" }),
  receipt: (f) => ({ type: "receipt", receipt: f.text("receipt") }),
  pong: () => ({ type: "pong" }),
  status: (f) => ({ type: "status", code: f.text("code"), message: f.maybeText("message") ?? "" }),
  closing: (f) => ({ type: "closing", ...error(f) }),
  error: (f) => ({ type: "error", ...error(f), n: f.maybeNumber("n") }),
  // Asked for over HTTP.
  "livekit-token": () => null,
};

function error(f: FieldReader<Wire<"error">> | FieldReader<Wire<"closing">>) {
  return { code: f.text("code"), message: f.maybeText("message") ?? "", retryAfter: f.maybeNumber("retryAfter") };
}

function chat(f: FieldReader<Wire<"chat">>): Chat {
  const deleted = f.maybeFlag("deleted") === true;
  const [replyTo, edited] = [f.maybeNumber("replyTo"), deleted ? null : f.maybeTime("edited")];
  const reactions = deleted ? null : f.maybeList<WireReactions>("reactions");
  const files = deleted ? null : f.maybeList<WireFile>("files");
  return {
    type: "chat",
    ...numbered(f),
    text: deleted ? "" : f.text("text"),
    ...(replyTo === null ? {} : { replyTo }),
    ...(edited === null ? {} : { edited }),
    ...(deleted ? { deleted } : {}),
    ...(reactions ? { reactions: reactions.flatMap(folded) } : {}),
    ...(files ? { files: files.map(attached) } : {}),
  };
}

function attached(f: FieldReader<WireFile>): Attached {
  const name = f.maybeText("name");
  return {
    file: f.text("file"),
    size: f.number("size"),
    contentType: f.text("contentType"),
    ...(name === null ? {} : { name }),
  };
}

function folded(f: FieldReader<WireReactions>): FoldedReaction[] {
  const text = f.text("emoji");
  return f.texts("from").map((from) => ({ from, text }));
}

function react(f: FieldReader<Wire<"react">>): React {
  return { type: "react", ...numbered(f), text: f.text("emoji"), target: f.number("target"), on: f.flag("on") };
}

function numbered(f: { [Type in WireEntry["type"]]: FieldReader<Wire<Type>> }[WireEntry["type"]]): Numbered {
  return {
    seq: f.number("seq"),
    from: f.text("from"),
    user: f.text("user"),
    at: f.time("timestamp"),
    cursor: f.maybeText("cursor"),
    n: f.maybeNumber("n"),
    ...verified(f),
  };
}

/** Only ever true: a name without it is a guest's. */
function verified(f: { maybeFlag(key: "verified"): boolean | null }): { verified?: true } {
  return f.maybeFlag("verified") ? { verified: true } : {};
}

function knock(f: Pick<FieldReader<WireKnock>, "text" | "maybeFlag">): Knock {
  return { clientId: f.text("clientId"), user: f.text("user"), ...verified(f) };
}

function member(f: Pick<FieldReader<WireMember>, "text" | "time" | "maybeFlag">): Member {
  return {
    ...knock(f),
    joinedAt: f.time("joinedAt"),
    inCall: f.maybeFlag("inCall") ?? false,
    ...(f.maybeFlag("host") ? { host: true } : {}),
    ...(f.maybeFlag("muted") ? { muted: true } : {}),
  };
}

function snapshot(f: FieldReader<Wire<"welcome">> | FieldReader<Wire<"reset">>): Snapshot {
  const limits = f.object("limits");
  return {
    clientId: f.text("clientId"),
    roomId: f.text("roomId"),
    user: f.text("user"),
    ticket: f.text("ticket"),
    cursor: f.text("cursor"),
    resumed: f.flag("resumed"),
    reset: f.flag("reset"),
    lastN: f.maybeNumber("lastN") ?? 0,
    count: f.number("count"),
    crowd: f.maybeFlag("crowd") ?? false,
    members: f.list<WireMember>("members").map(member),
    history: f
      .list<any>("history")
      .flatMap((item) => readFields(item) ?? [])
      .filter(isEntry),
    limits: {
      textLength: limits.number("textLength"),
      historyLength: limits.number("historyLength"),
      historyAge: limits.number("historyAge"),
      grace: limits.number("grace"),
      members: limits.number("members"),
      editAge: limits.maybeNumber("editAge") ?? 0,
      fileBytes: limits.maybeNumber("fileBytes") ?? 0,
      ...(limits.maybeFlag("noExport") ? { noExport: true } : {}),
    },
    ...(f.all["room"] ? { rules: f.object("room").all as Rules } : {}),
    ...(f.all["knocks"] ? { knocks: f.list<WireKnock>("knocks").map(knock) } : {}),
    video: f.flag("video"),
    at: f.time("timestamp"),
  };
}
