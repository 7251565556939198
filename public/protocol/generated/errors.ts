// Written by `make generate` from the types in src/protocol. Do not edit.

export type Reconnect = "never" | "if-asked" | "now" | "backoff" | "later" | "afresh";

/** Close code, when a client may reconnect after it, and the errors with both. */
export const CLOSES = [
  [4400, "never", "bad_room bad_name name_verified empty_text bad_emoji no_target not_yours too_late reactions_full bad_file file_too_big files_full no_file file_incomplete bad_offset bad_cursor not_host bad_invite invites_full muted no_member bad_target bad_lifetime bad_title bans_full stale_n bad_frame bad_n bad_wait unknown_type bad_user bad_password bad_host files_off"],
  [4413, "never", "too_long"],
  [4403, "afresh", "not_member"],
  [4001, "if-asked", "replaced"],
  [4409, "later", "room_full"],
  [4403, "never", "kicked not_admitted invite_only forbidden_origin"],
  [4423, "never", "room_locked"],
  [4423, "later", "knocking"],
  [4429, "later", "knocks_full address_limit"],
  [4410, "never", "invite_spent invite_expired invite_revoked burned"],
  [1003, "never", "binary_frame"],
  [4401, "afresh", "no_ticket bad_ticket"],
  [4409, "never", "name_taken"],
  [4401, "never", "wrong_login not_logged_in login_required bad_signature"],
  [4429, "backoff", "rate_limited"],
  [4503, "backoff", "accounts_busy accounts_unavailable server_full store_unavailable store_full"],
  [4404, "never", "accounts_off not_found"],
  [4415, "never", "not_json"],
  [4503, "never", "video_not_configured video_refused"],
  [1012, "backoff", "restarting"],
  [1013, "now", "too_slow"],
  [1009, "backoff", "frame_too_big"],
  [1009, "never", "body_too_big"],
  [4408, "now", "resume_timeout"],
  [1002, "backoff", "bad_protocol"],
  [1007, "backoff", "bad_text"],
  [4404, "afresh", "nobody_there"],
  [4405, "never", "method_not_allowed"],
  [4426, "never", "upgrade_required"],
  [4504, "backoff", "timeout"],
  [1011, "backoff", "internal"],
  [1000, "never", "left"],
] as const satisfies [number, Reconnect, string][];

export type ErrorCode =
  | "bad_room"
  | "bad_name"
  | "name_verified"
  | "empty_text"
  | "too_long"
  | "bad_emoji"
  | "no_target"
  | "not_yours"
  | "too_late"
  | "reactions_full"
  | "bad_file"
  | "file_too_big"
  | "files_full"
  | "no_file"
  | "file_incomplete"
  | "bad_offset"
  | "bad_cursor"
  | "not_member"
  | "replaced"
  | "room_full"
  | "not_host"
  | "kicked"
  | "room_locked"
  | "knocking"
  | "not_admitted"
  | "knocks_full"
  | "invite_only"
  | "bad_invite"
  | "invite_spent"
  | "invite_expired"
  | "invite_revoked"
  | "invites_full"
  | "muted"
  | "no_member"
  | "bad_target"
  | "bad_lifetime"
  | "bad_title"
  | "bans_full"
  | "stale_n"
  | "bad_frame"
  | "bad_n"
  | "bad_wait"
  | "binary_frame"
  | "unknown_type"
  | "no_ticket"
  | "bad_ticket"
  | "bad_user"
  | "bad_password"
  | "name_taken"
  | "wrong_login"
  | "not_logged_in"
  | "login_required"
  | "rate_limited"
  | "accounts_busy"
  | "accounts_unavailable"
  | "accounts_off"
  | "not_json"
  | "bad_signature"
  | "bad_host"
  | "forbidden_origin"
  | "address_limit"
  | "server_full"
  | "video_not_configured"
  | "video_refused"
  | "store_unavailable"
  | "files_off"
  | "store_full"
  | "restarting"
  | "too_slow"
  | "frame_too_big"
  | "body_too_big"
  | "resume_timeout"
  | "bad_protocol"
  | "bad_text"
  | "not_found"
  | "nobody_there"
  | "method_not_allowed"
  | "upgrade_required"
  | "timeout"
  | "internal"
  | "burned"
  | "left";
