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
  /** The member is the host of the room. */
  host?: true,
  /** The host has muted the member in the chat. */
  muted?: true,
};

export type Lock = "open" | "locked" | "knock";

export type HistoryRule = "all" | "since_join";

export type Rules = {
  /** Who may join: anybody, nobody new, or those that the host lets in. */
  lock: Lock,
  /** What a new member sees of the messages before it joined. */
  history: HistoryRule,
  /** When the room ends. */
  endsAt?: string,
  /** Whole seconds after which a message is gone, where that is sooner than the server's. */
  messageAge?: number,
  /** Only an invite lets a new member in. */
  inviteOnly?: true,
  /** What the room is about, or what a client sealed. */
  title?: string,
};

export type Knock = {
  /** The id that the newcomer will have. */
  clientId: string,
  /** Its name. */
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
  /** What the room allows. */
  limits: Limits,
  /** The rules of the room. */
  room?: Rules,
  /** Who waits to be let in; only to the host. */
  knocks?: Array<Knock>,
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
  /** The member is the host of the room. */
  host?: true,
  /** The host has muted the member in the chat. */
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
  | { "type": "host",
  /** The member that is the host now. */
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
  /** All rules, as they are now. */
  rules: Rules,
  /** All members that the host has muted in the chat. */
  muted?: Array<string>,
}
  | { "type": "knock",
  /** The id that the newcomer will have. */
  clientId: string,
  /** Its name. */
  user: string,
  /** The name is an account's. */
  verified?: true,
  /** The room. */
  room: string,
}
  | { "type": "knock-over",
  /** The newcomer: let in, refused or gone. */
  clientId: string,
  /** The room. */
  room: string,
}
  | { "type": "knocking",
  /** The id that this client will have. */
  clientId: string,
  /** The room. */
  room: string,
}
  | { "type": "receipt",
  /** What the server signed of the end of the room: a JWS in its compact form. */
  receipt: string,
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

/** What only the host may ask for. `n` is returned in the answer. */
export type HostMessage = { n?: number } & ({ "type": "kick",
  /** The member. */
  clientId: string,
  /** Its address may not join again either; true if left out. */
  address?: boolean,
  /** Its messages are deleted too. */
  messages?: boolean,
}
  | { "type": "lock",
  lock: Lock,
}
  | { "type": "admit",
  clientId: string,
}
  | { "type": "refuse",
  clientId: string,
}
  | { "type": "host",
  /** The member that is to be the host. */
  clientId: string,
}
  | { "type": "burn" }
  | { "type": "lifetime",
  /** When the room ends; null for never, left out for no change. */
  endsAt?: string | number | null,
  /** Whole seconds; null for the server's, left out for no change. */
  messageAge?: number | null,
}
  | { "type": "history",
  history: HistoryRule,
}
  | { "type": "topic",
  /** The title, or what a client sealed; empty takes it away. */
  title: string,
}
  | { "type": "mute",
  clientId: string,
  muted: boolean,
}
  | { "type": "hush",
  clientId: string,
  /** Its microphone. */
  audio?: boolean,
  /** Its camera. */
  video?: boolean,
}
  | { "type": "invite-only",
  inviteOnly: boolean,
}
  | { "type": "revoke",
  invite: string,
});

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
  | HostMessage | { "type": "livekit-token" } | { "type": "ping" } | { "type": "leave" } | { "type": "resume",
  /** The ticket of the newest `welcome`. With one that is void the client joins as a new member. */
  ticket: string,
  /** The newest cursor the client has, if it still has what lies before it. */
  cursor?: string,
};
