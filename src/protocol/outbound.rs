//! What the server says: one serde value a frame, `type` first.

use std::{fmt, ops::Not};

use serde::{Serialize, Serializer};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use uuid::Uuid;

use super::Problem;
use crate::room::{Cursor, Entry, Epoch, Limits, Member, MemberId, Millis, Name, RoomId, Snapshot, Text};

/// One frame to a client. Field by field in `docs/protocol.md`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Outbound<'a> {
    /// The first frame.
    Welcome(Welcome<'a>),
    /// Continuity broke: the same fields.
    Reset(Welcome<'a>),
    /// Somebody said something.
    Chat(Chat<'a>),
    /// Your own message is entry `seq`.
    Ack {
        /// The counter it was sent with.
        n: u64,
        /// The number it got.
        seq: u64,
        /// When it was taken.
        timestamp: Stamp,
        /// Where the reader stands now; not in a repeated answer, which stands outside the stream.
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<Shown<Cursor>>,
        /// Only ever true.
        #[serde(skip_serializing_if = "Not::not")]
        duplicate: bool,
    },
    /// Somebody came.
    #[serde(rename_all = "camelCase")]
    Joined {
        /// Who.
        #[serde(flatten)]
        person: Person<'a>,
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
    Closing(Problem),
    /// Something was refused.
    Error(Problem),
}

impl Outbound<'_> {
    /// Appends the frame as JSON text.
    pub fn write(&self, out: &mut Vec<u8>) {
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
    cursor: Shown<Cursor>,
    resumed: bool,
    reset: bool,
    last_n: u64,
    members: Vec<Person<'a>>,
    history: Vec<Outbound<'a>>,
    limits: Allowed,
    video: bool,
    timestamp: Stamp,
}

/// What `welcome` says of its reader, beside the room itself.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
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
    /// The server can mint video passes.
    pub video: bool,
    /// The server's time.
    pub now: Millis,
}

impl<'a> Welcome<'a> {
    /// Welcomes a reader into `room`, who is given `history`.
    pub fn new(room: &'a RoomId, snapshot: &'a Snapshot, history: &'a [Entry], arrival: Arrival<'a>, allowed: Allowed) -> Self {
        let own = |entry: &Entry| entry.from == arrival.member;
        Self {
            client_id: arrival.member.0,
            room_id: room.as_str(),
            user: arrival.user.as_str(),
            verified: arrival.user.is_verified(),
            ticket: arrival.ticket,
            cursor: Shown(snapshot.cursor()),
            resumed: arrival.resumed,
            reset: arrival.reset,
            last_n: arrival.last_n,
            members: snapshot.members.iter().map(Person::from).collect(),
            history: history.iter().map(|entry| Outbound::Chat(Chat::new(room, snapshot.epoch, entry, own(entry)))).collect(),
            limits: allowed,
            video: arrival.video,
            timestamp: Stamp(arrival.now),
        }
    }
}

/// What a room allows, as clients are told.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowed {
    text_length: usize,
    history_length: usize,
    history_age: u64,
    grace: u64,
    poll: u64,
    members: usize,
}

impl Allowed {
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
pub struct Person<'a> {
    client_id: Uuid,
    user: &'a str,
    #[serde(skip_serializing_if = "Not::not")]
    verified: bool,
    joined_at: Stamp,
    /// Only ever true.
    #[serde(skip_serializing_if = "Not::not")]
    in_call: bool,
}

impl<'a> From<&'a Member> for Person<'a> {
    fn from(member: &'a Member) -> Self {
        Self {
            client_id: member.id.0,
            user: member.name.as_str(),
            verified: member.name.is_verified(),
            joined_at: Stamp(member.joined_at),
            in_call: member.call.is_on(),
        }
    }
}

/// An entry of the log.
#[derive(Clone, Debug, Serialize)]
pub struct Chat<'a> {
    seq: u64,
    from: Uuid,
    user: &'a str,
    #[serde(skip_serializing_if = "Not::not")]
    verified: bool,
    room: &'a str,
    text: &'a str,
    timestamp: Stamp,
    cursor: Shown<Cursor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
}

impl<'a> Chat<'a> {
    /// An entry of `room`; with the sender's counter if the reader is the sender.
    pub fn new(room: &'a RoomId, epoch: Epoch, entry: &'a Entry, own: bool) -> Self {
        Self {
            seq: entry.seq,
            from: entry.from.0,
            user: entry.user.as_str(),
            verified: entry.user.is_verified(),
            room: room.as_str(),
            text: entry.text.as_str(),
            timestamp: Stamp(entry.at),
            cursor: Shown(Cursor { epoch, seq: entry.seq }),
            n: own.then_some(entry.n),
        }
    }
}

/// Goes over the wire as it is displayed.
#[derive(Clone, Copy, Debug)]
pub struct Shown<T>(pub T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A time on the wire: RFC 3339, UTC, always with milliseconds, so that stamps sort as text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp(pub Millis);

const RFC3339_MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let when =
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let mut text = [0_u8; 32];
        let mut rest = &mut text[..];
        when.format_into(&mut rest, RFC3339_MILLIS).map_err(serde::ser::Error::custom)?;
        let length = 32 - rest.len();
        serializer.serialize_str(std::str::from_utf8(&text[..length]).map_err(serde::ser::Error::custom)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_goes_out_as_the_contract_says() {
        let entry = Entry {
            seq: 3,
            at: 1_700_000_000_007,
            from: MemberId(Uuid::nil()),
            user: "Ann".parse().unwrap(),
            n: 2,
            text: "a \"b\"\n".parse().unwrap(),
        };
        let room = "general".parse().unwrap();
        let json = |own| String::from_utf8(Outbound::Chat(Chat::new(&room, Epoch(255), &entry, own)).to_json()).unwrap();
        let expected = r#"{"type":"chat","seq":3,"from":"00000000-0000-0000-0000-000000000000","user":"Ann","room":"general","text":"a \"b\"\n","timestamp":"2023-11-14T22:13:20.007Z","cursor":"ff-3""#;
        assert_eq!(json(false), format!("{expected}}}"));
        assert_eq!(json(true), format!("{expected},\"n\":2}}"));
    }
}
