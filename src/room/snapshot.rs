//! A room at one instant, as the store gives it out.

use super::{Cursor, Entry, Epoch, Member, MemberId, RoomKey, Seq};

/// A room at one instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Which life.
    pub epoch: Epoch,
    /// What signs this room's tickets.
    pub key: RoomKey,
    /// The newest entry's number, 0 before the first.
    pub seq: Seq,
    /// Counts joins and leaves.
    pub version: u64,
    /// The members, in the order they joined; only some of many in the answer to a join, and no more than were asked for.
    pub members: Vec<Member>,
    /// How many there are beside those.
    pub unlisted: usize,
    /// The log as far as it is kept, oldest first; in the answer to a join, at least what its reader has missed.
    pub history: Vec<Entry>,
}

impl Snapshot {
    /// How many people are there.
    pub fn count(&self) -> usize {
        self.members.len() + self.unlisted
    }

    /// Where a reader of all this stands.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch, seq: self.seq }
    }

    /// Exactly what a reader at `cursor` has missed, or `None` when the log
    /// no longer reaches back to it (or it belongs to another life).
    pub fn since(&self, cursor: Cursor) -> Option<&[Entry]> {
        if cursor.epoch != self.epoch || cursor.seq > self.seq {
            return None;
        }
        let missed = usize::try_from(self.seq - cursor.seq).ok()?;
        let start = self.history.len().checked_sub(missed)?;
        Some(&self.history[start..])
    }

    /// The counter of a member's newest entry in the log, or 0.
    pub fn last_n(&self, id: MemberId) -> u64 {
        self.history.iter().rev().find(|entry| entry.from == id).map_or(0, |entry| entry.n)
    }
}
