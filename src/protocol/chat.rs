//! The two frames of every message. They are written by hand, because serde would take most of a message's cost
//! outside the kernel.

use std::cell::Cell;

use uuid::{Uuid, fmt::Hyphenated};

use super::{Timestamp, server_message::LATEST};
use crate::room::{Cursor, Entry, Epoch, RoomId, Seq};

/// An entry of the log.
#[derive(Clone, Debug)]
pub struct Chat<'a> {
    entry: &'a Entry,
    room: &'a RoomId,
    epoch: Epoch,
    own: bool,
}

impl<'a> Chat<'a> {
    /// An entry of `room`; with the sender's counter if the subscriber is the sender.
    pub fn new(room: &'a RoomId, epoch: Epoch, entry: &'a Entry, own: bool) -> Self {
        Self { entry, room, epoch, own }
    }

    /// Appends the frame as JSON text.
    pub(super) fn lay(&self, out: &mut Vec<u8>) {
        let Entry { seq, at, from, user, n, text } = self.entry;
        out.reserve(ROOM + user.as_str().len() + self.room.as_str().len() + text.as_str().len());
        out.extend_from_slice(b"{\"type\":\"chat\",\"seq\":");
        number(*seq, out);
        out.extend_from_slice(b",\"from\":\"");
        id(from.0, out);
        out.extend_from_slice(b"\",\"user\":");
        quote(user.as_str(), out);
        if user.is_verified() {
            out.extend_from_slice(b",\"verified\":true");
        }
        out.extend_from_slice(b",\"room\":");
        quote(self.room.as_str(), out);
        out.extend_from_slice(b",\"text\":");
        quote(text.as_str(), out);
        moment(Timestamp(*at), Some(Cursor { epoch: self.epoch, seq: *seq }), out);
        if self.own {
            out.extend_from_slice(b",\"n\":");
            number(*n, out);
        }
        out.push(b'}');
    }
}

/// The client's own message is entry `seq`.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    /// The counter it was sent with.
    pub n: u64,
    /// The number it got.
    pub seq: Seq,
    /// When the store took it.
    pub timestamp: Timestamp,
    /// The client's position now; not in the answer to a repeated message, which is outside the stream.
    pub cursor: Option<Cursor>,
    /// It had been published before.
    pub duplicate: bool,
}

impl Ack {
    /// Appends the frame as JSON text.
    pub(super) fn lay(&self, out: &mut Vec<u8>) {
        out.reserve(ACK);
        out.extend_from_slice(b"{\"type\":\"ack\",\"n\":");
        number(self.n, out);
        out.extend_from_slice(b",\"seq\":");
        number(self.seq, out);
        moment(self.timestamp, self.cursor, out);
        if self.duplicate {
            out.extend_from_slice(b",\"duplicate\":true");
        }
        out.push(b'}');
    }
}

/// Bytes for all of a chat but its texts.
const ROOM: usize = 288;
/// Bytes for all of an ack.
const ACK: usize = 192;

fn moment(at: Timestamp, cursor: Option<Cursor>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"timestamp\":\"");
    stamp(at, out);
    out.push(b'"');
    if let Some(Cursor { epoch, seq }) = cursor {
        out.extend_from_slice(b",\"cursor\":\"");
        hex(epoch.0, out);
        out.push(b'-');
        number(seq, out);
        out.push(b'"');
    }
}

/// As [`Timestamp`] displays. All timestamps of a second differ only in the end, so the rest is cached.
fn stamp(at: Timestamp, out: &mut Vec<u8>) {
    type Second = [u8; "2026-01-01T00:00:00".len()];
    thread_local! {
        static LAST: Cell<(u64, Second)> = const { Cell::new((u64::MAX, [0; _])) };
    }
    let at = at.0.min(LATEST);
    let (second, millis) = (at / 1000, at % 1000);
    let (mut of, mut text) = LAST.get();
    if of != second {
        of = second;
        text.copy_from_slice(&Timestamp(at).to_string().as_bytes()[..size_of::<Second>()]);
        LAST.set((of, text));
    }
    out.extend_from_slice(&text);
    let digit = |of: u64| b'0' + (of % 10) as u8;
    out.extend_from_slice(&[b'.', digit(millis / 100), digit(millis / 10), digit(millis), b'Z']);
}

fn hex(number: u64, out: &mut Vec<u8>) {
    let mut text = [0; 16];
    for (i, digit) in text.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (60 - 4 * i)) as usize & 15];
    }
    let zeros = number.leading_zeros() as usize / 4;
    out.extend_from_slice(&text[zeros.min(15)..]);
}

fn number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn id(id: Uuid, out: &mut Vec<u8>) {
    let mut text = [0; Hyphenated::LENGTH];
    out.extend_from_slice(id.hyphenated().encode_lower(&mut text).as_bytes());
}

fn quote(text: &str, out: &mut Vec<u8>) {
    // Not `any`: without an early end it is done sixteen bytes at a time.
    let special = text.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\'));
    if special {
        let _ = serde_json::to_writer(out, text);
    } else {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{protocol::ServerMessage, room::MemberId};

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
        let json = |own| String::from_utf8(ServerMessage::Chat(Chat::new(&room, Epoch(255), &entry, own)).to_json()).unwrap();
        let expected = r#"{"type":"chat","seq":3,"from":"00000000-0000-0000-0000-000000000000","user":"Ann","room":"general","text":"a \"b\"\n","timestamp":"2023-11-14T22:13:20.007Z","cursor":"ff-3""#;
        assert_eq!(json(false), format!("{expected}}}"));
        assert_eq!(json(true), format!("{expected},\"n\":2}}"));
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_json_and_comes_out_as_it_went_in(text in ".{1,300}", name in "[a-z\"\\\\ Я]{1,20}", at: u64, n: u64, seq: u64, epoch: u64, verified: bool) {
            let (Ok(text), Ok(user)) = (text.parse(), name.parse::<crate::room::Name>()) else { return Ok(()) };
            let user = if verified { user.verified() } else { user };
            let entry = Entry { seq, at, from: MemberId::random(), user, n, text };
            let room = "комната-7".parse().unwrap();
            let read: Value = serde_json::from_slice(&ServerMessage::Chat(Chat::new(&room, Epoch(epoch), &entry, true)).to_json()).unwrap();
            let cursor = Cursor { epoch: Epoch(epoch), seq };
            let mut expected = json!({
                "type": "chat", "seq": seq, "from": entry.from.0, "user": entry.user.as_str(), "room": "комната-7",
                "text": entry.text.as_str(), "timestamp": Timestamp(at), "cursor": cursor.to_string(), "n": n,
            });
            if verified {
                expected["verified"] = true.into();
            }
            prop_assert_eq!(read, expected);
            let ack = Ack { n, seq, timestamp: Timestamp(at), cursor: Some(cursor), duplicate: verified };
            let read: Value = serde_json::from_slice(&ServerMessage::Ack(ack).to_json()).unwrap();
            let mut expected =
                json!({ "type": "ack", "n": n, "seq": seq, "timestamp": Timestamp(at), "cursor": cursor.to_string() });
            if verified {
                expected["duplicate"] = true.into();
            }
            prop_assert_eq!(read, expected);
        }
    }
}
