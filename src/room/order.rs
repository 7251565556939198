//! Members in the order in which they joined, and whom somebody who joins a room of many is told of.

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
    /// Takes a member in.
    pub fn insert(&mut self, member: &Member) {
        self.order.insert((member.joined_at, member.id));
        if member.call != super::CallMark::default() {
            self.callers.insert(member.id);
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, member: &Member) {
        self.order.remove(&(member.joined_at, member.id));
        self.callers.remove(&member.id);
    }

    /// A member has a mark of the call.
    pub fn call(&mut self, id: MemberId) {
        self.callers.insert(id);
    }

    /// Everybody, in order.
    pub fn iter(&self) -> impl Iterator<Item = MemberId> {
        self.order.iter().map(|(_, id)| *id)
    }

    /// Those whom a reader of a room of more than `most` is told of, in order: those who came first, and beside them the
    /// reader and who is in the call. What a join costs does not grow with the room. `joined_at` knows when a member joined.
    pub fn listed(&self, most: usize, reader: MemberId, joined_at: impl Fn(MemberId) -> Option<Millis>) -> Vec<MemberId> {
        let first = self.order.iter().take(most).copied();
        let beside = self.callers.iter().chain([&reader]).filter_map(|id| Some((joined_at(*id)?, *id)));
        let listed: BTreeSet<(Millis, MemberId)> = first.chain(beside).collect();
        listed.into_iter().map(|(_, id)| id).collect()
    }
}
