//! A room at one instant, as the store returns it.

use super::{Cursor, Entry, Epoch, Member, MemberId, RoomKey, Seq};

/// A room at one instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The epoch of the room.
    pub epoch: Epoch,
    /// The key that signs this room's tickets.
    pub key: RoomKey,
    /// The newest entry's number, 0 before the first.
    pub seq: Seq,
    /// Counts joins, leaves and new names.
    pub version: u64,
    /// The members, in the order they joined. In the answer to a join it lists only some of many; a lookup lists only
    /// those asked for.
    pub members: Vec<Member>,
    /// How many there are beside those.
    pub unlisted: usize,
    /// The log as far as it is kept, oldest first: messages as they are now, and amendments. In the answer to a join, at
    /// least what its client has missed.
    pub history: Vec<Entry>,
}

impl Snapshot {
    /// How many members there are.
    pub fn count(&self) -> usize {
        self.members.len() + self.unlisted
    }

    /// The position of a client that has read all this.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch, seq: self.seq }
    }

    /// Exactly what a client at `cursor` has missed. `None` when the log no longer reaches back to it, or it belongs
    /// to another epoch.
    pub fn since(&self, cursor: Cursor) -> Option<&[Entry]> {
        if cursor.epoch != self.epoch {
            return None;
        }
        Some(&self.history[start(&self.history, cursor.seq, self.seq)?..])
    }

    /// The counter of a member's newest entry in the log, or 0.
    pub fn last_n(&self, id: MemberId) -> u64 {
        self.history.iter().rev().find(|entry| entry.from == id).map_or(0, |entry| entry.n)
    }
}

/// Where in `entries` begins what a client at `after` has missed, if all of it up to `newest` is there.
pub(super) fn start(entries: &[Entry], after: Seq, newest: Seq) -> Option<usize> {
    let missed = usize::try_from(newest.checked_sub(after)?).ok()?;
    let start = entries.partition_point(|entry| entry.seq <= after);
    (entries.len() - start == missed).then_some(start)
}
