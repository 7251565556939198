//! How single values look in JSON Schema and TypeScript, where no derive can know it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use strum::IntoEnumIterator;
use ts_rs::{Config, TS};

use super::{ApiError, Timestamp, True};
use crate::room::{
    Cursor, FileId, FileName, FileType, LeaveReason, MemberId, Name, RoomError, RoomId, Text,
};

/// The sender's own counter of a message.
pub(super) struct Counter;
/// The proof of a session.
pub(super) struct Ticket;
/// A JSON Web Token.
pub(super) struct Jwt;
/// When a room ends, as a host writes it.
pub(super) struct EndsAt;
/// How long messages are kept, as a host writes it.
pub(super) struct MessageAge;
/// The stable code of an error.
pub(super) struct Code;

/// Every error, with the payloads of an example.
pub(super) fn errors() -> Vec<ApiError> {
    use std::time::Duration;
    let wait = Duration::from_secs(3);
    let one = |error: ApiError| match error {
        ApiError::Refused(_) => RoomError::iter()
            .map(|refusal| match refusal {
                RoomError::BadOffset(_) => RoomError::BadOffset(262_144),
                other => other,
            })
            .map(ApiError::from)
            .collect(),
        ApiError::BadFrame(_) => vec![ApiError::BadFrame("this is not JSON: …".into())],
        ApiError::TooManyTries(_) => vec![ApiError::TooManyTries(wait)],
        ApiError::AccountsBusy(_) => vec![ApiError::AccountsBusy(wait)],
        ApiError::RateLimited(_) => vec![ApiError::RateLimited(Duration::from_millis(250))],
        ApiError::Restarting(_) => vec![ApiError::Restarting(Duration::from_millis(700))],
        ApiError::AddressLimit { .. } => vec![ApiError::AddressLimit { what: "connections", wait }],
        ApiError::ServerFull { .. } => vec![ApiError::ServerFull { what: "connections", wait }],
        ApiError::BodyTooBig(_) => vec![ApiError::BodyTooBig(64 * 1024)],
        other => vec![other],
    };
    ApiError::iter().flat_map(one).collect()
}

/// Their codes, each once.
pub(super) fn codes() -> Vec<&'static str> {
    let mut codes = Vec::new();
    for error in errors() {
        if !codes.contains(&error.code()) {
            codes.push(error.code());
        }
    }
    codes
}

macro_rules! values {
    ($($type:ty, $name:literal, $typescript:expr, $schema:expr;)+) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }

        impl TS for $type {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;

            fn name(_: &Config) -> String {
                $typescript.to_string()
            }

            fn inline(config: &Config) -> String {
                Self::name(config)
            }
        }
    )+};
}

values! {
    RoomId, "RoomId", "string", json_schema!({
        "description": "1 to 64 characters after NFC normalisation: letters and digits of any script, with their marks, and `. _ - ~`.",
        "type": "string",
        "minLength": 1,
        "maxLength": 64,
        "pattern": r"^([\p{L}\p{N}]\p{M}*|[._~-])+$",
        "not": { "enum": [".", ".."] },
        "examples": ["general", "bodug-fanil-lusab-babod"],
    });
    Name, "Name", "string", json_schema!({
        "description": "Up to 32 characters after trimming and NFC normalisation, of which one can be seen; no control characters, \
            none that change the direction of text, none that Unicode has not assigned or leaves to private use, and no U+FFFD.",
        "type": "string",
        "maxLength": 32,
        "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2066-\u2069\ue000-\uf8ff\ufdd0-\ufdef\ufeff\ufffd-\uffff]*$",
        "examples": ["Ann"],
    });
    Text, "Text", "string", json_schema!({
        "description": "1 to 4,000 characters, not only white space.",
        "type": "string",
        "minLength": 1,
        "maxLength": 4000,
        "pattern": r"\S",
        "examples": ["hello"],
    });
    Cursor, "Cursor", "string", json_schema!({
        "description": "A position in the log; opaque. A poll's is longer than the others, and all are good on every transport.",
        "type": "string",
        "pattern": "^[0-9a-f]{1,16}-[0-9]{1,19}(-[0-9a-f]{17,32})?$",
        "examples": ["5f0c9a1e7b3d2846-17"],
    });
    Ticket, "Ticket", "string", json_schema!({
        "description": "The proof of a session: a client that has it is its member.",
        "type": "string",
        "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$",
    });
    Timestamp, "Timestamp", "string", json_schema!({
        "description": "RFC 3339 in UTC, always with milliseconds, from the server's clock.",
        "type": "string",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        "examples": ["2026-01-31T12:34:56.789Z"],
    });
    MemberId, "MemberId", "string", json_schema!({
        "description": "A member's id in this room; public, proves nothing.",
        "type": "string",
        "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    });
    FileId, "FileId", "string", json_schema!({
        "description": "The id of a file in this room.",
        "type": "string",
        "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        "examples": ["6f0c4a8e-9f7c-4c8d-9f2f-5a112f1f9ba2"],
    });
    FileType, "FileType", "string", json_schema!({
        "description": "A media type in lower case, without parameters.",
        "type": "string",
        "maxLength": 100,
        "pattern": r"^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*$",
        "examples": ["image/png"],
    });
    FileName, "FileName", "string", json_schema!({
        "description": "1 to 255 characters with something to see, no `/` and no `\\`, and none that a member's name may not have; or up to \
            512 bytes that a client sealed.",
        "type": "string",
        "minLength": 1,
        "maxLength": 512,
        "pattern": r"^[^/\\\u0000-\u001f\u007f-\u009f]+$",
        "examples": ["cat.png"],
    });
    Counter, "Counter", "number", json_schema!({
        "description": "The sender's own counter; it grows with each new message, also across a resume.",
        "type": "integer",
        "minimum": 1,
        "maximum": 9_007_199_254_740_991_u64,
    });
    Jwt, "Jwt", "string", json_schema!({
        "description": "A JSON Web Token.",
        "type": "string",
        "pattern": r"^[^.]+\.[^.]+\.[^.]+$",
    });
    EndsAt, "EndsAt", "string | number | null", json_schema!({
        "description": "From 10 minutes to 7 days from now: RFC 3339, or milliseconds since 1970. Null takes the rule away.",
        "type": ["string", "integer", "null"],
        "minimum": 0,
        "examples": ["2026-01-31T12:34:56.789Z", 1_769_862_896_789_u64],
    });
    MessageAge, "MessageAge", "number | null", json_schema!({
        "description": "Whole seconds, from 60 to `limits.historyAge`. Null takes the rule away.",
        "type": ["integer", "null"],
        "minimum": 60,
        "examples": [600],
    });
    True, "True", "true", json_schema!({ "description": "Only ever true: otherwise the field is left out.", "const": true });
    LeaveReason, "LeaveReason", r#""left" | "lost" | "node_lost" | "shutdown" | "kicked""#, json_schema!({
        "description": "The member left; its connection was lost for longer than the grace; its server died; its server stopped; the host removed it.",
        "enum": (LeaveReason::ALL.map(LeaveReason::as_str)),
    });
    Code, "Code", "ErrorCode", json_schema!({ "description": "Stable, for programs.", "enum": codes() });
}
