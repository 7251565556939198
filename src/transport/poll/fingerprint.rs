//! A fingerprint of the members that a poller knows.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::room::{MemberId, Name};

/// XOR fingerprint of members: equal if they are the same, under the same names. In a large room, the number of members.
#[derive(Clone, Copy, Default)]
pub(super) struct MemberFingerprint {
    pub(super) number: u64,
    crowd: bool,
}

/// The members that a welcome tells of.
#[derive(Clone, Copy)]
pub(super) struct Members {
    pub(super) crowd: bool,
    pub(super) count: u64,
    /// XOR of the marks of those that are listed.
    pub(super) marks: u64,
}

/// A change of the members.
pub(super) enum Change {
    /// One member joined or left.
    One { mark: u64, count: u64 },
    /// A member has another name: the marks of both.
    Renamed { mark: u64 },
    /// All members, listed.
    Listed(Members),
    /// Only how many there are.
    Counted(u64),
}

/// A member's part of the fingerprint: the same for a join and a leave. It is the same at other nodes, too; where their
/// version hashes otherwise, a poll that moves there is answered at once.
pub(super) fn mark(member: MemberId, name: &Name) -> u64 {
    let mut hasher = DefaultHasher::new();
    (member, name).hash(&mut hasher);
    hasher.finish()
}

impl Members {
    /// Whether they match the fingerprint `told`, be it of a node that names the members or one that counts them.
    pub(super) fn are_told(&self, told: u64) -> bool {
        told == self.count || told == self.marks
    }
}

impl From<Members> for MemberFingerprint {
    fn from(Members { crowd, count, marks }: Members) -> Self {
        Self { number: if crowd { count } else { marks }, crowd }
    }
}

impl MemberFingerprint {
    /// Updates the fingerprint.
    pub(super) fn apply(&mut self, change: &Change) {
        match *change {
            Change::One { mark, .. } if !self.crowd => self.number ^= mark,
            Change::Renamed { mark } if !self.crowd => self.number ^= mark,
            Change::Renamed { .. } => {}
            Change::Listed(members) => *self = members.into(),
            Change::One { count, .. } | Change::Counted(count) => {
                *self = Self { number: count, crowd: true }
            }
        }
    }
}
