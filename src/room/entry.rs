//! The log: numbered entries.

use super::{MemberId, Millis, Name, Seq, Text};

/// An entry that is not numbered yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEntry {
    /// The sender's own counter; without it the entry gets the one that follows the sender's last.
    pub n: Option<u64>,
    /// What it says.
    pub text: Text,
}

/// One numbered entry of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its number.
    pub seq: Seq,
    /// When the store took it.
    pub at: Millis,
    /// The sender.
    pub from: MemberId,
    /// The sender's name at that time; the sender may have left since.
    pub user: Name,
    /// The sender's own counter: with `from` it identifies the entry, however often it is sent.
    pub n: u64,
    /// What it says.
    pub text: Text,
}
