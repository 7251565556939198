//! How a room ended, and what was removed.

use super::{Epoch, RoomId};

/// Why a room ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndCause {
    /// The last member left.
    Left,
    /// The host ended it.
    Burned,
    /// Its time was over.
    Expired,
}

impl EndCause {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Burned => "burned",
            Self::Expired => "expired",
        }
    }

    /// The cause with this name on the wire.
    pub fn decode(word: &str) -> Option<Self> {
        [Self::Left, Self::Burned, Self::Expired].into_iter().find(|cause| cause.as_str() == word)
    }
}

/// What was removed in the step in which a room ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoomEnd {
    /// The room.
    pub room: RoomId,
    /// Its epoch.
    pub epoch: Epoch,
    /// Why it ended.
    pub cause: EndCause,
    /// Entries of the log: messages and amendments.
    pub entries: u64,
    /// Bytes of their texts, and of files.
    pub bytes: u64,
    /// Members that were there.
    pub members: u64,
    /// Files, uploads included.
    pub files: u64,
    /// Keys that were found and removed, by kind. In memory a room is one.
    pub keys: Vec<(&'static str, u64)>,
    /// Keys that a second look found. 0, unless the store is broken.
    pub keys_left: u64,
}
