//! Who may not join a room again.

use serde::{Deserialize, Serialize};

use super::{MemberId, Millis, Name};

/// The address of a client: IPv4 as IPv4-mapped, of IPv6 the /64 network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Address(pub [u8; 16]);

/// A hash of an address and of the room's key: it means nothing in another room, nor after this one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AddressMark(String);

impl AddressMark {
    /// The mark that a store has computed: 16 hexadecimal digits.
    pub fn new(digits: &str) -> Self {
        Self(digits.to_owned())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who may not join: `!<member id>`, `@<account>`, `#<address mark>`, or until a time `~<address mark> <millis>`.
///
/// The scripts of the Redis store look for the first of these when a node brings a member back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ban(String);

impl Ban {
    /// All tickets of a member.
    pub fn member(id: MemberId) -> Self {
        Self(format!("!{id}"))
    }

    /// An account, if the name is an account's.
    pub fn account(name: &Name) -> Option<Self> {
        name.is_verified().then(|| Self(format!("@{}", name.as_str())))
    }

    /// An address.
    pub fn address(mark: &AddressMark) -> Self {
        Self(format!("#{}", mark.as_str()))
    }

    /// An address for some time.
    pub fn pause(mark: &AddressMark, until: Millis) -> Self {
        Self(format!("~{} {until}", mark.as_str()))
    }

    /// Whether it names this member.
    pub fn is_of(&self, id: MemberId) -> bool {
        self.0.strip_prefix('!').is_some_and(|banned| banned == id.to_string())
    }

    /// Whether it lasts as long as the room.
    pub fn lasts(&self) -> bool {
        self.paused().is_none()
    }

    /// Whether it is for some time, and that is over.
    pub fn is_over(&self, now: Millis) -> bool {
        self.paused().is_some_and(|(_, until)| until <= now)
    }

    /// Whether it is an address's for some time.
    pub fn pauses(&self, mark: &AddressMark, now: Millis) -> bool {
        self.paused().is_some_and(|(paused, until)| paused == mark.as_str() && now < until)
    }

    fn paused(&self) -> Option<(&str, Millis)> {
        let (mark, until) = self.0.strip_prefix('~')?.split_once(' ')?;
        Some((mark, until.parse().ok()?))
    }
}
