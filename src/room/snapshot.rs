//! A room at one instant, as the store returns it.

use std::sync::Arc;

use super::{
    Cursor, Entry, Epoch, Limits, Member, MemberId, Millis, Room, RoomKey, RoomRules, Seq, Text,
};

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
    /// Who decides, and what was decided.
    pub rules: Arc<RoomRules>,
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

impl Room {
    /// The whole room as it is now.
    pub fn snapshot(&mut self, now: Millis, limits: &Limits) -> Snapshot {
        self.trim(now, limits);
        Snapshot { history: self.log.entries(), ..self.facts() }
    }

    /// The room for a member who joins. Of many members it lists only some (see [`JoinOrder::listed`]). Of the log it
    /// has only what a client at `after` has missed, if it reaches back so far.
    pub fn snapshot_for(
        &mut self,
        now: Millis,
        limits: &Limits,
        reader: MemberId,
        after: Option<Cursor>,
    ) -> Snapshot {
        self.trim(now, limits);
        let facts = if self.seats.len() <= limits.listed {
            self.facts()
        } else {
            let joined_at = |id| Some(self.member(id).ok()?.joined_at);
            self.listing(self.order.listed(limits.listed, reader, joined_at).into_iter())
        };
        Snapshot { history: self.missed(after), ..facts }
    }

    fn missed(&self, after: Option<Cursor>) -> Vec<Entry> {
        let after = after.filter(|after| after.epoch == self.epoch).map(|after| after.seq);
        self.log.missed(after, self.seq)
    }

    /// The room without its log.
    pub fn facts(&self) -> Snapshot {
        self.listing(self.order.iter())
    }

    /// The same with no more than one of its members.
    pub fn facts_about(&self, id: Option<MemberId>) -> Snapshot {
        self.listing(id.into_iter())
    }

    fn listing(&self, listed: impl Iterator<Item = MemberId>) -> Snapshot {
        let members: Vec<Member> = listed.filter_map(|id| self.member(id).ok()).cloned().collect();
        let unlisted = self.seats.len() - members.len();
        let Self { epoch, key, seq, version, .. } = *self;
        let rules = Arc::clone(&self.rules);
        Snapshot { epoch, key, seq, version, members, unlisted, history: Vec::new(), rules }
    }

    /// The text of a message as it is kept now, if the log has it.
    pub fn text_of(&self, seq: Seq) -> Option<&Text> {
        self.log.text_of(seq)
    }
}
