//! Messages, and the answer to one's own. [`ServerMessage::write`](super::ServerMessage::write) does not
//! leave `chat` and `ack` to serde, which would take most of a message's cost outside the kernel; a test holds both to
//! the same bytes.

use serde::Serialize;
use uuid::fmt::Hyphenated;

use super::{
    amendment::Reactions,
    file::Files,
    scalar::{self, Timestamp, True},
};
use crate::room::{Cursor, Entry, Epoch, MemberId, Message, Name, RoomId, Seq};

/// A member sent a message.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "type", rename = "chat")]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, schemars(rename = "Chat"), ts(rename = "Chat", optional_fields))]
pub struct Chat<'a> {
    /// Its number in the log of the room.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub seq: Seq,
    /// The sender.
    pub from: MemberId,
    /// The sender's name.
    pub user: &'a Name,
    /// The name is an account's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<True>,
    /// The room.
    pub room: &'a RoomId,
    /// The `seq` of the message that it answers, which may be gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub reply_to: Option<Seq>,
    /// The text that it has now; empty where the message is only files. Of a deleted message none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(length(max = 4000)))]
    pub text: Option<&'a str>,
    /// When its text was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited: Option<Timestamp>,
    /// Its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        schemars(with = "Vec<super::file::FileDto>", length(min = 1, max = 10)),
        ts(as = "Option<Vec<super::file::FileDto>>")
    )]
    pub files: Option<Files<'a>>,
    /// Its sender has deleted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<True>,
    /// What has been put on it; in `history`, and where a node repeats what it has missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        schemars(with = "Vec<super::amendment::ReactionDto>"),
        ts(as = "Option<Vec<super::amendment::ReactionDto>>")
    )]
    pub reactions: Option<Reactions<'a>>,
    /// When the store took it.
    pub timestamp: Timestamp,
    /// The client's position after it.
    pub cursor: Cursor,
    /// The sender's own counter; only in what the sender gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "super::schema::Counter"))]
    pub n: Option<u64>,
}

impl<'a> Chat<'a> {
    /// An entry whose content is `message`; with the sender's counter if the subscriber is the sender.
    pub(super) fn new(
        room: &'a RoomId,
        epoch: Epoch,
        entry: &'a Entry,
        message: &Message<'a>,
        own: bool,
    ) -> Self {
        let Entry { seq, at, from, user, n, .. } = entry;
        Self {
            seq: *seq,
            from: *from,
            user,
            verified: True::when(user.is_verified()),
            room,
            reply_to: message.reply_to,
            text: (!message.deleted).then_some(message.text),
            edited: message.edited.map(Timestamp),
            files: Files::of(message),
            deleted: True::when(message.deleted),
            reactions: (!message.reactions.is_empty()).then_some(Reactions(message.reactions)),
            timestamp: Timestamp(*at),
            cursor: Cursor { epoch, seq: *seq },
            n: own.then_some(*n),
        }
    }

    /// Appends the frame as JSON text.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let Self { seq, from, user, verified, room, text, timestamp, cursor, n, .. } = *self;
        let (None, None, None, Some(text)) = (self.edited, self.files, self.reactions, text) else {
            // Writing to memory cannot fail.
            return drop(serde_json::to_writer(out, self));
        };
        out.reserve(CHAT + user.as_str().len() + room.as_str().len() + text.len());
        out.extend_from_slice(b"{\"type\":\"chat\",\"seq\":");
        number(seq, out);
        out.extend_from_slice(b",\"from\":\"");
        out.extend_from_slice(scalar::id_text(from.0, &mut [0; Hyphenated::LENGTH]).as_bytes());
        out.extend_from_slice(b"\",\"user\":");
        quote(user.as_str(), out);
        if verified.is_some() {
            out.extend_from_slice(b",\"verified\":true");
        }
        out.extend_from_slice(b",\"room\":");
        quote(room.as_str(), out);
        if let Some(reply_to) = self.reply_to {
            out.extend_from_slice(b",\"replyTo\":");
            number(reply_to, out);
        }
        out.extend_from_slice(b",\"text\":");
        quote(text, out);
        place(timestamp, Some(cursor), out);
        if let Some(n) = n {
            out.extend_from_slice(b",\"n\":");
            number(n, out);
        }
        out.push(b'}');
    }
}

/// The client's own message is entry `seq`, or its new name holds.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
pub struct Ack {
    /// The counter it was sent with; of a rename only if it had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "super::schema::Counter"))]
    pub n: Option<u64>,
    /// The number it got; a rename gets none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub seq: Option<Seq>,
    /// When the store took it.
    pub timestamp: Timestamp,
    /// The client's position now; not in the answer to a repeated message, which is outside the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// It had been published before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<True>,
}

impl Ack {
    /// Appends the frame as JSON text.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.reserve(ACK);
        out.extend_from_slice(b"{\"type\":\"ack\"");
        if let Some(n) = self.n {
            out.extend_from_slice(b",\"n\":");
            number(n, out);
        }
        if let Some(seq) = self.seq {
            out.extend_from_slice(b",\"seq\":");
            number(seq, out);
        }
        place(self.timestamp, self.cursor, out);
        if self.duplicate.is_some() {
            out.extend_from_slice(b",\"duplicate\":true");
        }
        out.push(b'}');
    }
}

/// Bytes for all of a chat but its texts.
const CHAT: usize = 288;
/// Bytes for all of an ack.
const ACK: usize = 192;

fn place(at: Timestamp, cursor: Option<Cursor>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"timestamp\":\"");
    out.extend_from_slice(&at.text());
    out.push(b'"');
    if let Some(cursor) = cursor {
        out.extend_from_slice(b",\"cursor\":\"");
        out.extend_from_slice(scalar::cursor_bytes(cursor, &mut [0; scalar::CURSOR]));
        out.push(b'"');
    }
}

fn number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn quote(text: &str, out: &mut Vec<u8>) {
    // Not `any`: without an early end it is done sixteen bytes at a time.
    let special = text
        .bytes()
        .fold(false, |found, byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\'));
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
    use uuid::Uuid;

    use super::*;
    use crate::{
        protocol::{EntryDto, ServerMessage},
        room::{Amendment, Reaction, Text},
    };

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
        let json = |own| {
            String::from_utf8(
                ServerMessage::Entry(EntryDto::new(&room, Epoch(255), &entry, own)).to_json(),
            )
            .unwrap()
        };
        let expected = r#"{"type":"chat","seq":3,"from":"00000000-0000-0000-0000-000000000000","user":"Ann","room":"general","text":"a \"b\"\n","timestamp":"2023-11-14T22:13:20.007Z","cursor":"ff-3""#;
        assert_eq!(json(false), format!("{expected}}}"));
        assert_eq!(json(true), format!("{expected},\"n\":2}}"));
        let entry = Entry {
            text: Amendment::React(Reaction { target: 1, emoji: "👍", on: true }).into(),
            ..entry
        };
        let json = |own| {
            String::from_utf8(
                ServerMessage::Entry(EntryDto::new(&room, Epoch(255), &entry, own)).to_json(),
            )
            .unwrap()
        };
        let expected = r#"{"type":"react","seq":3,"from":"00000000-0000-0000-0000-000000000000","user":"Ann","room":"general","target":1,"emoji":"👍","on":true,"timestamp":"2023-11-14T22:13:20.007Z","cursor":"ff-3""#;
        assert_eq!(json(false), format!("{expected}}}"));
        assert_eq!(json(true), format!("{expected},\"n\":2}}"));
    }

    proptest! {
        #[test]
        fn the_fast_encoder_writes_what_serde_writes(text in "\u{10}?.{1,300}", reply_to in proptest::option::of(1..9_u64), edited in proptest::option::of(1..9_u64), deleted: bool, name in "[a-z\"\\\\ Я]{1,20}", at: u64, n: u64, seq: u64, epoch: u64, mark: bool, own: bool) {
            let (Ok(_), Ok(user)) = (text.parse::<Text>(), name.parse::<Name>()) else { return Ok(()) };
            let message = Message { reply_to, edited, text: &text, ..Message::default() };
            let text = Text::from(if deleted { Message::DELETED } else { message });
            let user = if mark { user.verified() } else { user };
            let entry = Entry { seq, at, from: MemberId::random(), user, n, text };
            let room = "комната-7".parse().unwrap();
            let cursor = own.then_some(Cursor { epoch: Epoch(epoch), seq });
            let chat = EntryDto::new(&room, Epoch(epoch), &entry, own);
            let (n, seq) = ((!deleted).then_some(n), (!own).then_some(seq));
            let duplicate = True::when(mark);
            let ack = Ack { n, seq, timestamp: Timestamp(at), cursor, duplicate };
            for message in [ServerMessage::Entry(chat), ServerMessage::Ack(ack)] {
                let (fast, serde) = (message.to_json(), serde_json::to_vec(&message).unwrap());
                prop_assert_eq!(String::from_utf8(fast).unwrap(), String::from_utf8(serde).unwrap());
            }
        }
    }
}
