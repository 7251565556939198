//! What a room may hold.

use super::{Millis, length};

/// What a room may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Members in a room.
    pub members: usize,
    /// A welcome lists no more members than this, and those in the call.
    pub listed: usize,
    /// Entries kept.
    pub history_len: usize,
    /// Bytes of text kept, but the newest entry in any case: a welcome carries all of it.
    pub history_bytes: usize,
    /// How long an entry is kept, even if no other entry follows.
    pub history_age: Millis,
    /// How long after a message its sender may change its text.
    pub edit_age: Millis,
    /// How long a node's members stay without a renewal from the node.
    pub lease: Millis,
    /// The largest file, in bytes; 0 where there are no files.
    pub file_bytes: u64,
    /// Bytes of all files of a room, those included that are still on their way.
    pub room_file_bytes: u64,
    /// A file is uploaded, kept and read in pieces of so many bytes. The same at every node.
    pub file_chunk: usize,
    /// How long an upload is kept without news of it.
    pub upload_age: Millis,
    /// The first member of a room is its host.
    pub hosts: bool,
    /// The shortest and the longest time after which a host may end a room.
    pub min_life: Millis,
    /// See `min_life`.
    pub max_life: Millis,
    /// The shortest time for which a host may keep messages.
    pub min_message_age: Millis,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            members: 500,
            listed: 100,
            history_len: 200,
            history_bytes: 256 * 1024,
            history_age: 30 * 60 * 1000,
            edit_age: length::EDIT_MINUTES * 60 * 1000,
            lease: 15_000,
            file_bytes: 10 << 20,
            room_file_bytes: 50 << 20,
            file_chunk: 256 << 10,
            upload_age: 10 * 60 * 1000,
            hosts: true,
            min_life: 10 * 60 * 1000,
            max_life: 7 * 24 * 60 * 60 * 1000,
            min_message_age: 60_000,
        }
    }
}
