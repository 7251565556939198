//! What the server sends: one serde value a frame, `type` first.

use std::{
    fmt,
    ops::Not,
    time::{Duration, UNIX_EPOCH},
};

use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::{Ack, Chat, ErrorBody};
use crate::room::{Cursor, Entry, Limits, Member, MemberId, Millis, Name, RoomId, Snapshot, Text};

/// One frame to a client. Field by field in `docs/protocol.md`.
// `remote`, so that it does not implement `Serialize`: that would leave out the fields that are written by hand.
#[derive(Serialize)]
#[serde(remote = "Self", tag = "type", rename_all = "kebab-case")]
pub enum ServerMessage<'a> {
    /// The first frame.
    Welcome(Welcome<'a>),
    /// Continuity broke: the same fields.
    Reset(Welcome<'a>),
    /// A member published a message.
    #[serde(skip)]
    Chat(Chat<'a>),
    /// The client's own message has its number in the log.
    #[serde(skip)]
    Ack(Ack),
    /// A member joined.
    #[serde(rename_all = "camelCase")]
    Joined {
        /// The member.
        #[serde(flatten)]
        person: MemberDto<'a>,
        /// The room.
        room: &'a str,
        /// Members now.
        count: usize,
    },
    /// A member left.
    #[serde(rename_all = "camelCase")]
    Left {
        /// The member.
        client_id: Uuid,
        /// The member's name.
        user: &'a str,
        /// The room.
        room: &'a str,
        /// The reason, in one word.
        reason: &'static str,
        /// Members now.
        count: usize,
    },
    /// The member count of a room with too many members to name each join and leave.
    Presence {
        /// The room.
        room: &'a str,
        /// Members now.
        count: usize,
        /// All members, once they are few enough again: from now on joins and leaves are sent.
        #[serde(skip_serializing_if = "Option::is_none")]
        members: Option<Vec<MemberDto<'a>>>,
    },
    /// A member types or stopped.
    Typing {
        /// The member.
        from: Uuid,
        /// The member's name.
        user: &'a str,
        /// The room.
        room: &'a str,
        /// Started or stopped.
        typing: bool,
    },
    /// A member joined the video call or left it.
    #[serde(rename_all = "camelCase")]
    Call {
        /// The member.
        client_id: Uuid,
        /// The member's name.
        user: &'a str,
        /// The name is an account's.
        #[serde(skip_serializing_if = "Not::not")]
        verified: bool,
        /// The member is in it now.
        in_call: bool,
    },
    /// A LiveKit token.
    #[serde(rename_all = "camelCase")]
    LivekitToken {
        /// The JWT.
        token: &'a str,
        /// Where LiveKit is.
        livekit_url: &'a str,
        /// For this room only.
        room: &'a str,
        /// For this member only.
        identity: Uuid,
    },
    /// Answer to a ping.
    Pong,
    /// The store, or LiveKit, went out of reach or came back.
    Status {
        /// Such as `store_unavailable` or `store_available`.
        code: &'a str,
        /// The same for people.
        message: &'a str,
    },
    /// A close follows.
    Closing(ErrorBody),
    /// Something was refused.
    Error(ErrorBody),
}

impl ServerMessage<'_> {
    /// Appends the frame as JSON text.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Chat(chat) => return chat.lay(out),
            Self::Ack(ack) => return ack.lay(out),
            // The large ones: not to be grown into step by step.
            Self::Welcome(Welcome { members, .. }) | Self::Reset(Welcome { members, .. }) => {
                out.reserve(1024 + members.len() * 160)
            }
            _ => {}
        }
        // Writing to memory cannot fail, and every value here has string keys.
        let _ = Self::serialize(self, &mut serde_json::Serializer::new(&mut *out));
        if let Self::Welcome(Welcome { history, .. }) | Self::Reset(Welcome { history, .. }) = self {
            out.pop();
            out.extend_from_slice(b",\"history\":[");
            for (i, chat) in history.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                chat.lay(out);
            }
            out.extend_from_slice(b"]}");
        }
    }

    /// The frame as JSON text.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.write(&mut out);
        out
    }
}

/// The fields of `welcome` and `reset`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome<'a> {
    client_id: Uuid,
    room_id: &'a str,
    user: &'a str,
    #[serde(skip_serializing_if = "Not::not")]
    verified: bool,
    ticket: &'a str,
    cursor: AsDisplay<Cursor>,
    resumed: bool,
    reset: bool,
    last_n: u64,
    count: usize,
    #[serde(skip_serializing_if = "Not::not")]
    crowd: bool,
    members: Vec<MemberDto<'a>>,
    /// Written by hand, after everything else.
    #[serde(skip)]
    history: Vec<Chat<'a>>,
    limits: LimitsDto,
    video: bool,
    timestamp: Timestamp,
}

/// What `welcome` says about its member, beside the room itself.
#[derive(Clone, Copy, Debug)]
pub struct WelcomeParams<'a> {
    /// The member that is welcomed.
    pub member: MemberId,
    /// The member's name.
    pub user: &'a Name,
    /// The proof of the session.
    pub ticket: &'a str,
    /// The same member as before.
    pub resumed: bool,
    /// What the client had before is void.
    pub reset: bool,
    /// The counter of the member's last message.
    pub last_n: u64,
    /// The room is a crowd, of which at most so many members are listed.
    pub crowd: Option<usize>,
    /// The server can mint LiveKit tokens.
    pub video: bool,
    /// The server's time.
    pub now: Millis,
}

impl<'a> Welcome<'a> {
    /// Welcomes a member into `room`, with `history`.
    pub fn new(
        room: &'a RoomId,
        snapshot: &'a Snapshot,
        history: &'a [Entry],
        arrival: WelcomeParams<'a>,
        allowed: LimitsDto,
    ) -> Self {
        let own = |entry: &Entry| entry.from == arrival.member;
        Self {
            client_id: arrival.member.0,
            room_id: room.as_str(),
            user: arrival.user.as_str(),
            verified: arrival.user.is_verified(),
            ticket: arrival.ticket,
            cursor: AsDisplay(snapshot.cursor()),
            resumed: arrival.resumed,
            reset: arrival.reset,
            last_n: arrival.last_n,
            count: snapshot.count(),
            crowd: arrival.crowd.is_some(),
            members: listed(&snapshot.members, arrival),
            history: history.iter().map(|entry| Chat::new(room, snapshot.epoch, entry, own(entry))).collect(),
            limits: allowed,
            video: arrival.video,
            timestamp: Timestamp(arrival.now),
        }
    }
}

/// The members that a welcome lists: all, or of a crowd its member, then those in the call, then the others as they
/// joined.
fn listed<'a>(members: &'a [Member], arrival: WelcomeParams<'a>) -> Vec<MemberDto<'a>> {
    let Some(most) = arrival.crowd else { return members.iter().map(MemberDto::from).collect() };
    let rank = |member: &&Member| match member {
        member if member.id == arrival.member => 0,
        member if member.call.is_on() => 1,
        _ => 2,
    };
    let of = |at| members.iter().filter(move |member| rank(member) == at).map(MemberDto::from);
    // A reset may be older than its member's join, and a crowd's joins are not sent.
    let reader = of(0).next().unwrap_or_else(|| MemberDto {
        client_id: arrival.member.0,
        user: arrival.user.as_str(),
        verified: arrival.user.is_verified(),
        joined_at: Timestamp(arrival.now),
        in_call: false,
    });
    std::iter::once(reader).chain(of(1)).chain(of(2)).take(most).collect()
}

/// What a room allows, as clients are told.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitsDto {
    text_length: usize,
    history_length: usize,
    history_age: u64,
    grace: u64,
    poll: u64,
    members: usize,
}

impl LimitsDto {
    /// The limits of rooms, and how long (ms) a lost connection and a silent poller keep their session.
    pub fn new(limits: &Limits, grace: Millis, poll: Millis) -> Self {
        Self {
            text_length: Text::MAX_CHARS,
            history_length: limits.history_len,
            history_age: limits.history_age / 1000,
            grace: grace / 1000,
            poll: poll / 1000,
            members: limits.members,
        }
    }
}

/// A member of the room.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberDto<'a> {
    client_id: Uuid,
    user: &'a str,
    #[serde(skip_serializing_if = "Not::not")]
    verified: bool,
    joined_at: Timestamp,
    /// Only ever true.
    #[serde(skip_serializing_if = "Not::not")]
    in_call: bool,
}

impl<'a> From<&'a Member> for MemberDto<'a> {
    fn from(member: &'a Member) -> Self {
        Self {
            client_id: member.id.0,
            user: member.name.as_str(),
            verified: member.name.is_verified(),
            joined_at: Timestamp(member.joined_at),
            in_call: member.call.is_on(),
        }
    }
}

/// Serializes as it is displayed.
#[derive(Clone, Copy, Debug)]
pub struct AsDisplay<T>(pub T);

impl<T: fmt::Display> Serialize for AsDisplay<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A time on the wire: RFC 3339, UTC, always with milliseconds, so that timestamps sort as text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timestamp(pub Millis);

/// The last one that RFC 3339 has a year for.
pub(super) const LATEST: Millis = 253_402_300_799_999;

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(self.0.min(LATEST))).fmt(f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::CallMark;

    #[test]
    fn a_crowd_lists_its_reader_then_who_is_in_the_call_then_who_came_first() {
        let ids: Vec<MemberId> = (1..=4).map(|id| MemberId(Uuid::from_u128(id))).collect();
        let member = |id: &MemberId| Member { id: *id, name: Name::guest(*id), joined_at: 0, call: CallMark::default() };
        let mut members: Vec<Member> = ids.iter().map(member).collect();
        members[3].call = CallMark::since(1);
        let (stranger, user) = (MemberId(Uuid::from_u128(9)), Name::guest(ids[0]));
        let of = |member, crowd| {
            let (now, ticket) = (0, "");
            let arrival =
                WelcomeParams { member, user: &user, ticket, resumed: true, reset: true, last_n: 0, crowd, video: false, now };
            listed(&members, arrival).iter().map(|person| person.client_id.as_u128()).collect::<Vec<_>>()
        };
        assert_eq!(of(ids[1], Some(3)), [2, 4, 1]);
        assert_eq!(of(ids[1], None), [1, 2, 3, 4]);
        assert_eq!(of(stranger, Some(3)), [9, 4, 1], "whoever reads a reset that comes from before them");
    }
}
