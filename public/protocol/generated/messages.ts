// Written by `make generate` from the types in src/protocol. Do not edit.

import type { ErrorCode } from "./errors";

export type Limits = {
  /** Characters. */
  textLength: number,
  /** Messages; 0: nothing is kept. */
  historyLength: number,
  /** Whole seconds. */
  historyAge: number,
  /** Whole seconds for which the sender of a message may change its text. */
  editAge: number,
  /** Whole seconds that a lost connection keeps its session. */
  grace: number,
  /** Whole seconds that a silent poller keeps its session. */
  poll: number,
  /** The most members. */
  members: number,
  /** Bytes of the largest file; 0: there are no files. */
  fileBytes: number,
  /** Bytes of all files of a room. */
  roomFileBytes: number,
  /** Bytes of each piece in which a file is uploaded, but the last. */
  fileChunk: number,
  /** The operator asks pages not to offer a copy of the talk. */
  noExport?: true,
};

export type Member = {
  /** The member's id in this room; public, proves nothing. */
  clientId: string,
  /** The member's name. */
  user: string,
  /** The name is an account's. */
  verified?: true,
  /** When the member joined. */
  joinedAt: string,
  /** The member is in the video call. */
  inCall?: true,
  /** The member is the host. */
  host?: true,
  /** The host lets the member send no messages. */
  muted?: true,
};

export type Lock = "open" | "locked" | "knock";

export type HistoryRule = "all" | "since_join";

export type Rules = {
  /** Whether new members may join, or wait to be admitted. */
  lock: Lock,
  /** How much of the log new members get. */
  history: HistoryRule,
  /** When the room ends. */
  endsAt?: string,
  /** Whole seconds for which a message is kept, if that is less than `limits.historyAge`. */
  messageAge?: number,
  /** New members need an invite. */
  inviteOnly?: true,
  /** The title; in a room with a key, sealed. */
  title?: string,
};

export type Knock = {
  /** The id under which the person will be a member. */
  clientId: string,
  /** The person's name. */
  user: string,
  /** The name is an account's. */
  verified?: true,
};

export type Welcome = {
  /** The member that is welcomed. */
  clientId: string,
  /** The room. */
  roomId: string,
  /** The member's name. */
  user: string,
  /** The name is an account's. */
  verified?: true,
  /** The proof of the session. */
  ticket: string,
  /** The client's position in the log. */
  cursor: string,
  /** The same member as before. */
  resumed: boolean,
  /** What the client had before is void: `history` is all there is. */
  reset: boolean,
  /** The counter of the member's last message. */
  lastN: number,
  /** Members now. */
  count: number,
  /** There are more members than are listed or announced one by one. */
  crowd?: true,
  /** All members; of a crowd the client's own, those in the call, and some of the others. */
  members: Array<Member>,
  /** What the host of the room has decided. */
  room: Rules,
  /** Who waits to be admitted; only the host gets it. */
  knocks?: Array<Knock>,
  /** What the server allows. */
  limits: Limits,
  /** The server can mint LiveKit tokens. */
  video: boolean,
  /** The server's time. */
  timestamp: string,
  /** The entries of the log that the client lacks, oldest first. Last, because it is the longest. */
  history: Array<LogEntry>,
};

export type Attachment = {
  /** Its id: `GET …/files/{file}` has its bytes. */
  file: string,
  /** Its size in bytes; of what a client sealed, with the seal. */
  size: number,
  /** Its media type; of what a client sealed `application/octet-stream`. */
  contentType: string,
  /** Its name, or what a client sealed. */
  name?: string,
};

export type Chat = { "type": "chat",
  /** Its number in the log of the room. */
  seq: number,
  /** The sender. */
  from: string,
  /** The sender's name. */
  user: string,
  /** The name is an account's. */
  verified?: true,
  /** The room. */
  room: string,
  /** The `seq` of the message that it answers, which may be gone. */
  replyTo?: number,
  /** The text that it has now; empty where the message is only files. Of a deleted message none. */
  text?: string,
  /** When its text was last changed. */
  edited?: string,
  /** Its files. */
  files?: Array<Attachment>,
  /** Its sender has deleted it. */
  deleted?: true,
  /** What has been put on it; in `history`, and where a node repeats what it has missed. */
  reactions?: Array<Reaction>,
  /** When the store took it. */
  timestamp: string,
  /** The client's position after it. */
  cursor: string,
  /** The sender's own counter; only in what the sender gets. */
  n?: number,
};

export type Delete = { "type": "delete",
  /** Its number in the log of the room. */
  seq: number,
  /** The sender of the message. */
  from: string,
  /** The sender's name. */
  user: string,
  /** The name is an account's. */
  verified?: true,
  /** The room. */
  room: string,
  /** The `seq` of the message. */
  target: number,
  /** When the store took it. */
  timestamp: string,
  /** The client's position after it. */
  cursor: string,
  /** The sender's own counter; only in what the sender gets. */
  n?: number,
};

export type Edit = { "type": "edit",
  /** Its number in the log of the room. */
  seq: number,
  /** The sender of the message. */
  from: string,
  /** The sender's name. */
  user: string,
  /** The name is an account's. */
  verified?: true,
  /** The room. */
  room: string,
  /** The `seq` of the message. */
  target: number,
  /** The text that the message has now. */
  text: string,
  /** When the store took it. */
  timestamp: string,
  /** The client's position after it. */
  cursor: string,
  /** The sender's own counter; only in what the sender gets. */
  n?: number,
};

export type React = { "type": "react",
  /** Its number in the log of the room. */
  seq: number,
  /** The member. */
  from: string,
  /** The member's name. */
  user: string,
  /** The name is an account's. */
  verified?: true,
  /** The room. */
  room: string,
  /** The `seq` of the message. */
  target: number,
  /** One emoji, or what a client sealed. */
  emoji: string,
  /** Put there, or taken away. Of one member, one emoji and one message the last entry holds. */
  on: boolean,
  /** When the store took it. */
  timestamp: string,
  /** The client's position after it. */
  cursor: string,
  /** The sender's own counter; only in what the sender gets. */
  n?: number,
};

export type Reaction = {
  /** One emoji, or what a client sealed. */
  emoji: string,
  /** The members who put it there, in their order. Some may have left. */
  from: Array<string>,
};

export type LogEntry = Chat | React | Edit | Delete;

export type Ack = {
  /** The counter it was sent with; of a rename only if it had one. */
  n?: number,
  /** The number it got; a rename gets none. */
  seq?: number,
  /** When the store took it. */
  timestamp: string,
  /** The client's position now; not in the answer to a repeated message, which is outside the stream. */
  cursor?: string,
  /** It had been published before. */
  duplicate?: true,
};

export type StatusCode = "store_unavailable" | "store_available" | "video_unavailable" | "video_refused" | "video_available";

export type ErrorBody = {
  /** Stable; for programs. */
  code: ErrorCode,
  /** What was wrong and what is allowed; for people. */
  message: string,
  /** The counter of the message that was refused. */
  n?: number,
  /** Milliseconds to wait before the next try. */
  retryAfter?: number,
  /** With `knocking`: to ask again with. */
  ticket?: string,
};

export type Door = {
  /** The room. */
  room: string,
  /** Members now. */
  members: number,
  /** Whether new members may join, or wait to be admitted. */
  lock: Lock,
  /** How much of the log new members get. */
  history: HistoryRule,
  /** When the room ends. */
  endsAt?: string,
  /** New members need an invite. */
  inviteOnly?: true,
};

export type NewInvite = {
  /** The invite, as the parameter `invite` of a join takes it. */
  invite: string,
  /** The room's address with it. Of a room with a key, the key is not in it. */
  url: string,
  /** When it ends. */
  expiresAt: string,
  /** How many people it is for. */
  uses: number,
};

export type Invite = {
  /** Its id: what stands before the first dot of the invite. */
  id: string,
  /** When it ends. */
  expiresAt: string,
  /** How many may still use it. */
  left: number,
  /** How many people it was made for. */
  uses: number,
  /** The name for a guest that gives none. */
  name?: string,
};

export type Invites = {
  /** Those that are still good, the oldest first. */
  invites: Array<Invite>,
};

export type ServerMessage = { "type": "welcome" } & Welcome | { "type": "reset" } & Welcome | { "type": "ack" } & Ack | { "type": "joined",
  /** The room. */
  room: string,
  /** Members now. */
  count: number,
  /** The member's id in this room; public, proves nothing. */
  clientId: string,
  /** The member's name. */
  user: string,
  /** The name is an account's. */
  verified?: true,
  /** When the member joined. */
  joinedAt: string,
  /** The member is in the video call. */
  inCall?: true,
  /** The member is the host. */
  host?: true,
  /** The host lets the member send no messages. */
  muted?: true,
}
  | { "type": "left",
  /** The member. */
  clientId: string,
  /** The member's name. */
  user: string,
  /** The room. */
  room: string,
  /** The reason: it left, its connection was lost for longer than the grace, its server died, or that stopped, or the host removed it. */
  reason: "left" | "lost" | "node_lost" | "shutdown" | "kicked",
  /** Members now. */
  count: number,
}
  | { "type": "presence",
  /** The room. */
  room: string,
  /** Members now. */
  count: number,
  /** All members: replace what you have. From now on joins and leaves are announced. */
  members?: Array<Member>,
}
  | { "type": "typing",
  /** The member. */
  from: string,
  /** The member's name. */
  user: string,
  /** The room. */
  room: string,
  /** Started or stopped. */
  typing: boolean,
}
  | { "type": "renamed",
  /** The member. */
  clientId: string,
  /** The new name; never an account's. */
  user: string,
  /** The name before. */
  previous: string,
  /** The room. */
  room: string,
}
  | { "type": "host",
  /** The member. */
  clientId: string,
  /** The member's name. */
  user: string,
  /** The name is an account's. */
  verified?: true,
  /** The room. */
  room: string,
}
  | { "type": "rules",
  /** The room. */
  room: string,
  /** What they are now. */
  rules: Rules,
  /** The members that may send no messages; left out where there are none. */
  muted?: Array<string>,
}
  | { "type": "knock",
  /** The id under which the person will be a member. */
  clientId: string,
  /** The person's name. */
  user: string,
  /** The name is an account's. */
  verified?: true,
  /** The room. */
  room: string,
}
  | { "type": "knock-over",
  /** The id under which the person waited. */
  clientId: string,
  /** The room. */
  room: string,
}
  | { "type": "knocking",
  /** The id under which the client will be a member. */
  clientId: string,
  /** The room. */
  room: string,
}
  | { "type": "receipt",
  /** A JWS in compact form; `docs/protocol.md` says what it claims. */
  receipt: string,
}
  | { "type": "call",
  /** The member. */
  clientId: string,
  /** The member's name. */
  user: string,
  /** The name is an account's. */
  verified?: true,
  /** The member is in it now. */
  inCall: boolean,
}
  | { "type": "livekit-token",
  /** The JWT. */
  token: string,
  /** Where browsers reach LiveKit. */
  livekitUrl: string,
  /** For this room only. */
  room: string,
  /** For this member only. */
  identity: string,
}
  | { "type": "pong" } | { "type": "status",
  /** Which of them, and what happened. */
  code: StatusCode,
  /** The same for people. */
  message: string,
}
  | { "type": "closing" } & ErrorBody | { "type": "error" } & ErrorBody | LogEntry;

export type HostMessage = { "type": "kick",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
  /** The member. */
  clientId: string,
  /** Its address may not join again either; true if left out. */
  address?: boolean,
  /** Its messages are deleted, too; false if left out. */
  messages?: boolean,
}
  | { "type": "lock",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
  /** All, none, or those that the host admits. */
  lock: Lock,
}
  | { "type": "admit",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
  /** The id under which the person waits. */
  clientId: string,
}
  | { "type": "refuse",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
  /** The id under which the person waits. */
  clientId: string,
}
  | { "type": "host",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
  /** The member. */
  clientId: string,
}
  | { "type": "burn",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
}
  | { "type": "lifetime",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
  /** When the room ends; null takes the rule away. */
  endsAt?: string | number | null,
  /** Whole seconds for which a message is kept; null takes the rule away. */
  messageAge?: number | null,
}
  | { "type": "history",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
  /** All that is kept, or what was sent since they joined. */
  history: HistoryRule,
}
  | { "type": "topic",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
  /** Up to 512 bytes; in a room with a key, sealed. Empty, it takes the title away. */
  title: string,
}
  | { "type": "mute",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
  /** The member. */
  clientId: string,
  /** It may send none. */
  muted: boolean,
}
  | { "type": "hush",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
  /** The member. */
  clientId: string,
  /** The microphone. */
  audio?: boolean,
  /** The camera and the screen. */
  video?: boolean,
}
  | { "type": "invite-only",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
  /** They need one. */
  inviteOnly: boolean,
}
  | { "type": "revoke",
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
  /** Its id: what stands before the first dot of the invite. */
  invite: string,
};

export type ClientMessage = { "type": "chat",
  /** The text; with files it may be left out. */
  text?: string,
  /** The sender's own counter: it grows with each new message, also across a resume. */
  n?: number,
  /** The `seq` of the message that it answers. */
  replyTo?: number,
  /** Uploads of the sender that are complete and belong to no message yet, each once. */
  files?: Array<string>,
}
  | { "type": "react",
  /** The `seq` of the message. */
  target: number,
  /** One emoji; in a room with a key, sealed. */
  emoji: string,
  /** Put it there, or take it away. */
  on: boolean,
  /** The sender's own counter, the same as that of messages. */
  n?: number,
}
  | { "type": "edit",
  /** The `seq` of the message. */
  target: number,
  /** The new text. */
  text: string,
  /** The sender's own counter, the same as that of messages. */
  n?: number,
}
  | { "type": "delete",
  /** The `seq` of the message. */
  target: number,
  /** The sender's own counter, the same as that of messages. */
  n?: number,
}
  | { "type": "rename",
  /** The new name. */
  user: string,
  /** Returned in the answer. No counter of a message: it need not grow. */
  n?: number,
}
  | { "type": "typing",
  /** Started or stopped. */
  typing: boolean,
}
  | { "type": "livekit-token" } | { "type": "ping" } | { "type": "leave" } | { "type": "resume",
  /** The ticket of the newest `welcome`. With one that is void the client joins as a new member. */
  ticket: string,
  /** The newest cursor the client has, if it still has what lies before it. */
  cursor?: string,
}
  | HostMessage;
