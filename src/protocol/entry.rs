//! An entry of the log, as a frame and as an item of `history`.

use serde::Serialize;

use super::{
    amendment::{Delete, Edit, React},
    chat::Chat,
};
use crate::room::{Amendment, Content, Cursor, Entry, Epoch, Message, Reaction, RoomId};

/// An entry of the log, one variant for each kind; also the items of `history`.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema, ts_rs::TS),
    schemars(inline),
    ts(rename = "LogEntry")
)]
#[serde(untagged)]
pub enum EntryDto<'a> {
    /// A member sent a message.
    Chat(Chat<'a>),
    /// A member put an emoji on a message, or took it away.
    React(React<'a>),
    /// The sender of a message changed its text.
    Edit(Edit<'a>),
    /// The sender of a message deleted it.
    Delete(Delete<'a>),
}

impl<'a> EntryDto<'a> {
    /// An entry of `room`; with the sender's counter if the subscriber is the sender.
    pub fn new(room: &'a RoomId, epoch: Epoch, entry: &'a Entry, own: bool) -> Self {
        let head = |message: &Message<'a>| Chat::new(room, epoch, entry, message, own);
        match entry.text.content() {
            Content::Message(message) => Self::Chat(head(&message)),
            Content::Amendment(amendment) => Self::amendment(head(&Message::default()), amendment),
        }
    }

    fn amendment(head: Chat<'a>, amendment: Amendment<'a>) -> Self {
        let Chat { seq, from, user, verified, room, timestamp, cursor, n, .. } = head;
        match amendment {
            Amendment::React(Reaction { target, emoji, on }) => Self::React(React {
                seq,
                from,
                user,
                verified,
                room,
                target,
                emoji,
                on,
                timestamp,
                cursor,
                n,
            }),
            Amendment::Edit { target, text: Some(text) } => Self::Edit(Edit {
                seq,
                from,
                user,
                verified,
                room,
                target,
                text,
                timestamp,
                cursor,
                n,
            }),
            // An edit without its text is kept beside its message only, and no store returns it.
            Amendment::Edit { target, text: None } | Amendment::Delete { target } => {
                Self::Delete(Delete {
                    seq,
                    from,
                    user,
                    verified,
                    room,
                    target,
                    timestamp,
                    cursor,
                    n,
                })
            }
        }
    }

    /// The client's position after it.
    pub fn cursor(&self) -> Cursor {
        match self {
            Self::Chat(Chat { cursor, .. })
            | Self::React(React { cursor, .. })
            | Self::Edit(Edit { cursor, .. })
            | Self::Delete(Delete { cursor, .. }) => *cursor,
        }
    }

    /// Whether it makes text void that was sent before.
    pub fn replaces_text(&self) -> bool {
        matches!(self, Self::Edit(_) | Self::Delete(_))
    }

    /// Appends the frame as JSON text.
    pub fn write(&self, out: &mut Vec<u8>) {
        // Writing to memory cannot fail.
        match self {
            Self::Chat(chat) => chat.write(out),
            Self::React(react) => drop(serde_json::to_writer(out, react)),
            Self::Edit(edit) => drop(serde_json::to_writer(out, edit)),
            Self::Delete(delete) => drop(serde_json::to_writer(out, delete)),
        }
    }
}
