//! What a client may ask for.

use super::HostRequest;
use crate::room::{Amendment, Cursor, FileId, Message, Name, NewEntry, Reaction, Seq, Text};

/// A request of a client, as clients should write it. [`ClientFrame::parse`](super::ClientFrame::parse) also understands older shapes.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[cfg_attr(test, serde(tag = "type", rename_all = "kebab-case"))]
pub enum ClientMessage {
    /// Send a message. A repeated `n` gets the first answer again and publishes nothing twice.
    Chat {
        /// The text; with files it may be left out.
        text: Option<Text>,
        /// The sender's own counter: it grows with each new message, also across a resume.
        #[cfg_attr(test, schemars(with = "Option<super::schema::Counter>"))]
        n: Option<u64>,
        /// The `seq` of the message that it answers.
        #[cfg_attr(
            test,
            schemars(with = "Option<super::schema::Counter>"),
            serde(rename = "replyTo")
        )]
        reply_to: Option<Seq>,
        /// Uploads of the sender that are complete and belong to no message yet, each once.
        #[cfg_attr(
            test,
            schemars(with = "Option<Vec<FileId>>", length(min = 1, max = 10)),
            ts(as = "Option<Vec<FileId>>")
        )]
        files: Box<[FileId]>,
    },
    /// Put an emoji on a message, or take it away. Counted and repeated like a message.
    React {
        /// The `seq` of the message.
        #[cfg_attr(test, schemars(with = "super::schema::Counter"))]
        target: Seq,
        /// One emoji; in a room with a key, sealed.
        #[cfg_attr(test, schemars(length(min = 1, max = 512)))]
        emoji: String,
        /// Put it there, or take it away.
        on: bool,
        /// The sender's own counter, the same as that of messages.
        #[cfg_attr(test, schemars(with = "Option<super::schema::Counter>"))]
        n: Option<u64>,
    },
    /// Change the text of the client's own message, within the `editAge` of the welcome. Counted and repeated like a
    /// message.
    Edit {
        /// The `seq` of the message.
        #[cfg_attr(test, schemars(with = "super::schema::Counter"))]
        target: Seq,
        /// The new text.
        text: Text,
        /// The sender's own counter, the same as that of messages.
        #[cfg_attr(test, schemars(with = "Option<super::schema::Counter>"))]
        n: Option<u64>,
    },
    /// Delete the client's own message. Counted and repeated like a message.
    Delete {
        /// The `seq` of the message.
        #[cfg_attr(test, schemars(with = "super::schema::Counter"))]
        target: Seq,
        /// The sender's own counter, the same as that of messages.
        #[cfg_attr(test, schemars(with = "Option<super::schema::Counter>"))]
        n: Option<u64>,
    },
    /// Take another name.
    Rename {
        /// The new name.
        user: Name,
        /// Returned in the answer. No counter of a message: it need not grow.
        #[cfg_attr(test, schemars(with = "Option<super::schema::Counter>"))]
        n: Option<u64>,
    },
    /// Started or stopped typing; `false` follows by itself after 6 s.
    Typing {
        /// Started or stopped.
        typing: bool,
    },
    /// Ask for a LiveKit token.
    LivekitToken,
    /// Ask for a `pong`.
    Ping,
    /// A request of the room's host. Each is a type of its own.
    #[cfg_attr(test, serde(skip))]
    Host {
        /// What the host asks for. Boxed: a message should not be moved with room for it.
        request: Box<HostRequest>,
        /// Returned in the answer.
        n: Option<u64>,
    },
    /// Leave for good: the session is free, and the server closes with 1000.
    Leave,
    /// Resume a session: as the first frame only, after `resume=1`, within 10 s.
    Resume {
        /// The ticket of the newest `welcome`. With one that is void the client joins as a new member.
        ticket: String,
        /// The newest cursor the client has, if it still has what lies before it.
        cursor: Option<Cursor>,
    },
}

impl ClientMessage {
    /// The new entry of the log, or the request itself if it is no entry.
    pub fn entry(self) -> Result<NewEntry, Self> {
        let entry = |n, amendment: Amendment| Ok(NewEntry { n, text: amendment.into() });
        match self {
            Self::Chat { text: Some(text), n, reply_to: None, files } if files.is_empty() => {
                Ok(NewEntry { n, text })
            }
            Self::Chat { text, n, reply_to, files } if text.is_some() || !files.is_empty() => {
                let (text, files) =
                    (text.as_ref().map_or("", Text::shown), Message::words_of(&files));
                let message = Message { reply_to, files: &files, text, ..Message::default() };
                Ok(NewEntry { n, text: message.into() })
            }
            Self::React { target, emoji, on, n } => {
                entry(n, Amendment::React(Reaction { target, emoji: &emoji, on }))
            }
            Self::Edit { target, text, n } => {
                entry(n, Amendment::Edit { target, text: Some(text.shown()) })
            }
            Self::Delete { target, n } => entry(n, Amendment::Delete { target }),
            other => Err(other),
        }
    }

    /// The counter of a new entry.
    pub fn counter(&self) -> Option<u64> {
        match self {
            Self::Chat { n, .. }
            | Self::React { n, .. }
            | Self::Edit { n, .. }
            | Self::Delete { n, .. } => *n,
            _ => None,
        }
    }
}
