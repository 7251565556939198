//! What the server says: one serde value a frame, `type` first.

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
// `remote`, so that it is no `Serialize`: what is laid by hand would be left out.
#[derive(Serialize)]
#[serde(remote = "Self", tag = "type", rename_all = "kebab-case")]
pub enum ServerMessage<'a> {
    /// The first frame.
    Welcome(Welcome<'a>),
    /// Continuity broke: the same fields.
    Reset(Welcome<'a>),
    /// Somebody said something.
    #[serde(skip)]
    Chat(Chat<'a>),
    /// Your own message has its place in the log.
    #[serde(skip)]
    Ack(Ack),
    /// Somebody came.
    #[serde(rename_all = "camelCase")]
    Joined {
        /// Who.
        #[serde(flatten)]
        person: MemberDto<'a>,
        /// Where.
        room: &'a str,
        /// Heads now.
        count: usize,
    },
    /// Somebody went.
    #[serde(rename_all = "camelCase")]
    Left {
        /// Who.
        client_id: Uuid,
        /// Their name.
        user: &'a str,
        /// Where.
        room: &'a str,
        /// Why, in one word.
        reason: &'static str,
        /// Heads now.
        count: usize,
    },
    /// How many are there, in a room of too many to tell one by one.
    Presence {
        /// Where.
        room: &'a str,
        /// Heads now.
        count: usize,
        /// Everybody, where they are few enough again: from now on joins and leaves are told.
        #[serde(skip_serializing_if = "Option::is_none")]
        members: Option<Vec<MemberDto<'a>>>,
    },
    /// Somebody types or stopped.
    Typing {
        /// Who.
        from: Uuid,
        /// Their name.
        user: &'a str,
        /// Where.
        room: &'a str,
        /// Started or stopped.
        typing: bool,
    },
    /// Somebody came to the video call or went.
    #[serde(rename_all = "camelCase")]
    Call {
        /// Who.
        client_id: Uuid,
        /// Their name.
        user: &'a str,
        /// The name is an account's.
        #[serde(skip_serializing_if = "Not::not")]
        verified: bool,
        /// Is in it now.
        in_call: bool,
    },
    /// A video pass.
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
    /// The store went away or came back.
    Status {
        /// `store_unavailable` or `store_available`.
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
    /// Laid by hand, after everything else.
    #[serde(skip)]
    history: Vec<Chat<'a>>,
    limits: LimitsDto,
    video: bool,
    timestamp: Timestamp,
}

/// What `welcome` says of its reader, beside the room itself.
#[derive(Clone, Copy, Debug)]
pub struct WelcomeParams<'a> {
    /// Who is welcomed.
    pub member: MemberId,
    /// Under which name.
    pub user: &'a Name,
    /// The proof of the seat.
    pub ticket: &'a str,
    /// The same member as before.
    pub resumed: bool,
    /// What the reader had before is void.
    pub reset: bool,
    /// The counter of the member's last message.
    pub last_n: u64,
    /// The room is a crowd, of whom at most so many are listed.
    pub crowd: Option<usize>,
    /// The server can mint video passes.
    pub video: bool,
    /// The server's time.
    pub now: Millis,
}

impl<'a> Welcome<'a> {
    /// Welcomes a reader into `room`, who is given `history`.
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

/// Whom a welcome lists: everybody, or of a crowd the reader, then who is in the call, then the others as they came.
fn listed<'a>(members: &'a [Member], arrival: WelcomeParams<'a>) -> Vec<MemberDto<'a>> {
    let Some(most) = arrival.crowd else { return members.iter().map(MemberDto::from).collect() };
    let rank = |member: &&Member| match member {
        member if member.id == arrival.member => 0,
        member if member.call.is_on() => 1,
        _ => 2,
    };
    let of = |at| members.iter().filter(move |member| rank(member) == at).map(MemberDto::from);
    // A reset may come from before the reader did, and of a crowd nobody tells that they came.
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
    /// The limits of rooms, and how long (ms) a lost link and a silent poller keep their seat.
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

/// Somebody in the room.
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

/// Goes over the wire as it is displayed.
#[derive(Clone, Copy, Debug)]
pub struct AsDisplay<T>(pub T);

impl<T: fmt::Display> Serialize for AsDisplay<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A time on the wire: RFC 3339, UTC, always with milliseconds, so that stamps sort as text.
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
