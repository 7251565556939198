//! Frames of amendments: entries of the log that change an earlier message.

use serde::{Serialize, Serializer};

use super::scalar::{Timestamp, True};
use crate::room::{Cursor, MemberId, Message, Name, RoomId, Seq};

/// A member put an emoji on a message, or took it away.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "type", rename = "react")]
#[cfg_attr(test, schemars(rename = "React"), ts(rename = "React", optional_fields))]
pub struct React<'a> {
    /// Its number in the log of the room.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub seq: Seq,
    /// The member.
    pub from: MemberId,
    /// The member's name.
    pub user: &'a Name,
    /// The name is an account's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<True>,
    /// The room.
    pub room: &'a RoomId,
    /// The `seq` of the message.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub target: Seq,
    /// One emoji, or what a client sealed.
    #[cfg_attr(test, schemars(length(min = 1, max = 512)))]
    pub emoji: &'a str,
    /// Put there, or taken away. Of one member, one emoji and one message the last entry holds.
    pub on: bool,
    /// When the store took it.
    pub timestamp: Timestamp,
    /// The client's position after it.
    pub cursor: Cursor,
    /// The sender's own counter; only in what the sender gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "super::schema::Counter"))]
    pub n: Option<u64>,
}

/// The sender of a message changed its text.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "type", rename = "edit")]
#[cfg_attr(test, schemars(rename = "Edit"), ts(rename = "Edit", optional_fields))]
pub struct Edit<'a> {
    /// Its number in the log of the room.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub seq: Seq,
    /// The sender of the message.
    pub from: MemberId,
    /// The sender's name.
    pub user: &'a Name,
    /// The name is an account's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<True>,
    /// The room.
    pub room: &'a RoomId,
    /// The `seq` of the message.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub target: Seq,
    /// The text that the message has now.
    #[cfg_attr(test, schemars(with = "crate::room::Text"))]
    pub text: &'a str,
    /// When the store took it.
    pub timestamp: Timestamp,
    /// The client's position after it.
    pub cursor: Cursor,
    /// The sender's own counter; only in what the sender gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "super::schema::Counter"))]
    pub n: Option<u64>,
}

/// The sender of a message deleted it: its text is nowhere on the server.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "type", rename = "delete")]
#[cfg_attr(test, schemars(rename = "Delete"), ts(rename = "Delete", optional_fields))]
pub struct Delete<'a> {
    /// Its number in the log of the room.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub seq: Seq,
    /// The sender of the message.
    pub from: MemberId,
    /// The sender's name.
    pub user: &'a Name,
    /// The name is an account's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<True>,
    /// The room.
    pub room: &'a RoomId,
    /// The `seq` of the message.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub target: Seq,
    /// When the store took it.
    pub timestamp: Timestamp,
    /// The client's position after it.
    pub cursor: Cursor,
    /// The sender's own counter; only in what the sender gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "super::schema::Counter"))]
    pub n: Option<u64>,
}

/// The reactions of a message, as the log keeps them.
#[derive(Clone, Copy, Debug)]
pub struct Reactions<'a>(pub(super) &'a str);

impl<'a> Reactions<'a> {
    /// One after the other, in the order in which each emoji came first.
    pub fn list(&self) -> impl Iterator<Item = ReactionDto<'a>> {
        let message = Message { reactions: self.0, ..Message::default() };
        message.reactions().map(|(emoji, from)| ReactionDto { emoji, from: from.collect() })
    }
}

impl Serialize for Reactions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.list())
    }
}

/// One emoji on a message.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS))]
#[cfg_attr(test, schemars(rename = "Reaction"), ts(rename = "Reaction"))]
pub struct ReactionDto<'a> {
    /// One emoji, or what a client sealed.
    #[cfg_attr(test, schemars(length(min = 1, max = 512)))]
    pub emoji: &'a str,
    /// The members who put it there, in their order. Some may have left.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub from: Vec<MemberId>,
}
