//! Members in the order in which they joined, and which of many a welcome lists.

use std::collections::{BTreeSet, HashSet};

use ahash::RandomState;

use super::{Member, MemberId, Millis};

/// The order in which members joined, and which of them have a mark of the call.
#[derive(Clone, Debug, Default)]
pub struct JoinOrder {
    order: BTreeSet<(Millis, MemberId)>,
    callers: HashSet<MemberId, RandomState>,
}

impl JoinOrder {
    /// Adds a member.
    pub fn insert(&mut self, member: &Member) {
        self.order.insert((member.joined_at, member.id));
        if member.call != super::CallMark::default() {
            self.callers.insert(member.id);
        }
    }

    /// Removes a member.
    pub fn remove(&mut self, member: &Member) {
        self.order.remove(&(member.joined_at, member.id));
        self.callers.remove(&member.id);
    }

    /// Records that a member has a mark of the call.
    pub fn call(&mut self, id: MemberId) {
        self.callers.insert(id);
    }

    /// All members, in order.
    pub fn iter(&self) -> impl Iterator<Item = MemberId> {
        self.order.iter().map(|(_, id)| *id)
    }

    /// The members that `reader` is told of, in order, in a room of more than `most`. They are the first who joined,
    /// and also the reader and the members with a mark of the call. What a join costs does not grow with the room.
    /// `joined_at` returns when a member joined.
    pub fn listed(
        &self,
        most: usize,
        reader: MemberId,
        joined_at: impl Fn(MemberId) -> Option<Millis>,
    ) -> Vec<MemberId> {
        let first = self.order.iter().take(most).copied();
        let beside =
            self.callers.iter().chain([&reader]).filter_map(|id| Some((joined_at(*id)?, *id)));
        let listed: BTreeSet<(Millis, MemberId)> = first.chain(beside).collect();
        listed.into_iter().map(|(_, id)| id).collect()
    }
}
