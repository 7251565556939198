//! A fingerprint of what a poller knows of a room beside its log: the members and the rules.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::room::{MemberId, Name};

/// XOR fingerprint of members and rules: equal if they are the same, and the members have the same names. In a large
/// room, of the number of members and the rules.
#[derive(Clone, Copy, Default)]
pub(super) struct MemberFingerprint {
    members: u64,
    rules: RulesMark,
    crowd: bool,
}

/// A mark of the rules, and one of the host.
#[derive(Clone, Copy, Default)]
pub(super) struct RulesMark {
    pub(super) rules: u64,
    pub(super) host: u64,
}

impl RulesMark {
    fn number(self) -> u64 {
        self.rules ^ self.host
    }
}

/// The members that a welcome tells of.
#[derive(Clone, Copy)]
pub(super) struct Members {
    pub(super) crowd: bool,
    pub(super) count: u64,
    /// XOR of the marks of those that are listed.
    pub(super) marks: u64,
    pub(super) rules: RulesMark,
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
    /// The rules, by their mark.
    Rules(u64),
    /// The host, by its mark.
    Host(u64),
}

/// A member's part of the fingerprint: the same for a join and a leave. It is the same at other nodes, too; where their
/// version hashes otherwise, a poll that moves there is answered at once.
pub(super) fn mark(member: MemberId, name: &Name) -> u64 {
    let mut hasher = DefaultHasher::new();
    (member, name).hash(&mut hasher);
    hasher.finish()
}

/// A mark of the rules, as JSON: 0 where the host has changed none.
pub(super) fn rules_mark(json: &[u8]) -> u64 {
    const UNCHANGED: &[u8] = br#"{"lock":"open","history":"all"}"#;
    if json == UNCHANGED {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    json.hash(&mut hasher);
    hasher.finish()
}

/// A mark of the host. It differs from that of a member.
pub(super) fn host_mark(host: MemberId) -> u64 {
    let mut hasher = DefaultHasher::new();
    ("host", host).hash(&mut hasher);
    hasher.finish()
}

impl Members {
    /// Whether they match the fingerprint `told`, be it of a node that names the members or one that counts them.
    pub(super) fn are_told(&self, told: u64) -> bool {
        let rules = self.rules.number();
        told == self.count ^ rules || told == self.marks ^ rules
    }
}

impl From<Members> for MemberFingerprint {
    fn from(Members { crowd, count, marks, rules }: Members) -> Self {
        Self { members: if crowd { count } else { marks }, rules, crowd }
    }
}

impl MemberFingerprint {
    /// The fingerprint as a number.
    pub(super) fn number(&self) -> u64 {
        self.members ^ self.rules.number()
    }

    /// Updates the fingerprint.
    pub(super) fn apply(&mut self, change: &Change) {
        match *change {
            Change::One { mark, .. } if !self.crowd => self.members ^= mark,
            Change::Renamed { mark } if !self.crowd => self.members ^= mark,
            Change::Renamed { .. } => {}
            Change::Listed(members) => *self = Self { rules: self.rules, ..members.into() },
            Change::One { count, .. } | Change::Counted(count) => {
                *self = Self { members: count, crowd: true, rules: self.rules }
            }
            Change::Rules(mark) => self.rules.rules = mark,
            Change::Host(mark) => self.rules.host = mark,
        }
    }
}
