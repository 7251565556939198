//! What the server sends: one serde value a frame, `type` first.

use serde::Serialize;

use super::{Ack, EntryDto, ErrorBody, MemberDto, RulesDto, Welcome, scalar::True};
use crate::room::{LeaveReason, MemberId, Name, RoomId};

/// One frame to a client. `docs/protocol.md` has the table of all.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ServerMessage<'a> {
    /// The first frame: the whole room.
    Welcome(Welcome<'a>),
    /// Continuity broke: the same fields as `welcome`, and they are all there is.
    Reset(Welcome<'a>),
    /// The client's own message has its number in the log, or its new name holds.
    Ack(Ack),
    /// A member joined.
    Joined {
        /// The member.
        #[serde(flatten)]
        member: MemberDto<'a>,
        /// The room.
        room: &'a RoomId,
        /// Members now.
        count: usize,
    },
    /// A member left.
    Left {
        /// The member.
        client_id: MemberId,
        /// The member's name.
        user: &'a Name,
        /// The room.
        room: &'a RoomId,
        /// The reason: it left, its connection was lost for longer than the grace, its server died, or that stopped, or
        /// the host removed it.
        reason: LeaveReason,
        /// Members now.
        count: usize,
    },
    /// The member count of a crowd, where joins and leaves are not announced. With `members` it is none any more.
    Presence {
        /// The room.
        room: &'a RoomId,
        /// Members now.
        count: usize,
        /// All members: replace what you have. From now on joins and leaves are announced.
        #[serde(skip_serializing_if = "Option::is_none")]
        members: Option<Vec<MemberDto<'a>>>,
    },
    /// A member started or stopped typing.
    Typing {
        /// The member.
        from: MemberId,
        /// The member's name.
        user: &'a Name,
        /// The room.
        room: &'a RoomId,
        /// Started or stopped.
        typing: bool,
    },
    /// A member goes by another name. What it said before keeps the name under which it was said.
    Renamed {
        /// The member.
        client_id: MemberId,
        /// The new name; never an account's.
        user: &'a Name,
        /// The name before.
        previous: &'a Name,
        /// The room.
        room: &'a RoomId,
    },
    /// That member is the host now.
    Host {
        /// The member.
        client_id: MemberId,
        /// The member's name.
        user: &'a Name,
        /// The name is an account's.
        #[serde(skip_serializing_if = "Option::is_none")]
        verified: Option<True>,
        /// The room.
        room: &'a RoomId,
    },
    /// The host has changed the rules of the room.
    Rules {
        /// The room.
        room: &'a RoomId,
        /// What they are now.
        rules: RulesDto<'a>,
        /// The members that may send no messages; left out where there are none.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        #[cfg_attr(
            test,
            schemars(with = "Option<Vec<MemberId>>"),
            ts(as = "Option<Vec<MemberId>>")
        )]
        muted: &'a [MemberId],
    },
    /// A person waits to be admitted. Only the host gets it.
    Knock {
        /// The id under which the person will be a member.
        client_id: MemberId,
        /// The person's name.
        user: &'a Name,
        /// The name is an account's.
        #[serde(skip_serializing_if = "Option::is_none")]
        verified: Option<True>,
        /// The room.
        room: &'a RoomId,
    },
    /// A person waits no longer: admitted, refused, or gone. Only the host gets it.
    KnockOver {
        /// The id under which the person waited.
        client_id: MemberId,
        /// The room.
        room: &'a RoomId,
    },
    /// The client itself waits to be admitted: a `welcome` follows, or `closing`.
    Knocking {
        /// The id under which the client will be a member.
        client_id: MemberId,
        /// The room.
        room: &'a RoomId,
    },
    /// What was removed when the room ended, signed by the server.
    Receipt {
        /// A JWS in compact form; `docs/protocol.md` says what it claims.
        #[cfg_attr(test, schemars(with = "super::schema::Jwt"))]
        receipt: &'a str,
    },
    /// A member joined the video call or left it.
    Call {
        /// The member.
        client_id: MemberId,
        /// The member's name.
        user: &'a Name,
        /// The name is an account's.
        #[serde(skip_serializing_if = "Option::is_none")]
        verified: Option<True>,
        /// The member is in it now.
        in_call: bool,
    },
    /// A LiveKit token.
    LivekitToken {
        /// The JWT.
        #[cfg_attr(test, schemars(with = "super::schema::Jwt"))]
        token: &'a str,
        /// Where browsers reach LiveKit.
        livekit_url: &'a str,
        /// For this room only.
        room: &'a RoomId,
        /// For this member only.
        identity: MemberId,
    },
    /// The answer to a `ping`.
    Pong,
    /// The store, or LiveKit, went out of reach or came back.
    Status {
        /// Which of them, and what happened.
        code: StatusCode,
        /// The same for people.
        message: &'a str,
    },
    /// A close follows, or the end of the stream.
    Closing(ErrorBody),
    /// Something was refused; nothing else is affected.
    Error(ErrorBody),
    /// The log has a new entry.
    #[serde(untagged)]
    Entry(EntryDto<'a>),
}

/// What a `status` is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum StatusCode {
    /// The room is out of reach: sending may fail for now.
    StoreUnavailable,
    /// The room is back.
    StoreAvailable,
    /// LiveKit is out of reach.
    VideoUnavailable,
    /// LiveKit answers, but accepts no token of this server until its operator mends the settings.
    VideoRefused,
    /// LiveKit is back.
    VideoAvailable,
}

impl ServerMessage<'_> {
    /// Appends the frame as JSON text.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Entry(entry) => return entry.write(out),
            Self::Ack(ack) => return ack.write(out),
            // The large ones: not to be grown into step by step.
            Self::Welcome(welcome) | Self::Reset(welcome) => {
                out.reserve(1024 + welcome.members.len() * 160 + welcome.history.len() * 320);
            }
            _ => {}
        }
        // Writing to memory cannot fail, and every value here has string keys.
        let _ = serde_json::to_writer(out, self);
    }

    /// The frame as JSON text.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.write(&mut out);
        out
    }
}
