//! A fingerprint of the members that a poller knows.

use crate::room::MemberId;

/// XOR fingerprint of member ids: equal if the members are the same. In a large room, the number of members.
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
    /// All members, listed.
    Listed(Members),
    /// Only how many there are.
    Counted(u64),
}

/// A member's part of the fingerprint: the same for a join and a leave.
pub(super) fn mark(member: MemberId) -> u64 {
    member.0.as_u64_pair().1
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
            Change::Listed(members) => *self = members.into(),
            Change::One { count, .. } | Change::Counted(count) => {
                *self = Self { number: count, crowd: true }
            }
        }
    }
}
