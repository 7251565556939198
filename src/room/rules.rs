//! Who decides in a room, and what was decided: one value, changed in one step.

use serde::{Deserialize, Serialize};

use super::{
    Invite, Member, MemberId, Millis,
    ban::{AddressMark, Ban},
    length,
};

/// Whether new members may join.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    /// All may join.
    #[default]
    Open,
    /// No new member joins.
    Locked,
    /// New members wait until the host admits them.
    Knock,
}

/// How much of the log a new member gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum HistoryRule {
    /// All that is kept.
    #[default]
    All,
    /// What was sent since the member joined.
    SinceJoin,
}

/// A person who waits until the host admits them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Knock {
    /// The id under which the person will be a member.
    #[serde(rename = "i")]
    pub id: MemberId,
    /// The encoded name.
    #[serde(rename = "u")]
    pub name: String,
    /// The mark of the address.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub address: Option<AddressMark>,
    /// When the person was last known to wait.
    #[serde(rename = "t")]
    pub at: Millis,
    /// The host has admitted the person, who has not joined yet.
    #[serde(rename = "y", default, skip_serializing_if = "is_false")]
    pub admitted: bool,
}

impl Knock {
    /// The most that wait at once.
    pub const MOST: usize = length::KNOCKS;
    /// How long a knock stands without being renewed, in milliseconds.
    pub const AGE: Millis = 15_000;
    /// A younger knock need not be renewed.
    pub const FRESH: Millis = 5_000;
}

/// The title of a room; sealed by clients in a room with a key. Empty where there is none.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Title(String);

impl Title {
    /// The title as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::str::FromStr for Title {
    type Err = super::RoomError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let given = given.trim();
        let bad = given.len() > length::TITLE || given.chars().any(super::member::is_unwelcome);
        if bad { Err(super::RoomError::BadTitle) } else { Ok(Self(given.to_owned())) }
    }
}

/// Who decides in a room, and what was decided. Counted as a version of the room when it changes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomRules {
    /// The member that decides. None in a room without hosts.
    #[serde(skip)]
    pub host: Option<MemberId>,
    /// Whether new members may join.
    #[serde(rename = "l", skip_serializing_if = "is_default")]
    pub lock: Lock,
    /// How much of the log a new member gets.
    #[serde(rename = "h", skip_serializing_if = "is_default")]
    pub history: HistoryRule,
    /// When the room ends.
    #[serde(skip)]
    pub ends_at: Option<Millis>,
    /// How long a message is kept, if not as long as the operator allows.
    #[serde(skip)]
    pub message_age: Option<Millis>,
    /// New members need an invite.
    #[serde(rename = "o", skip_serializing_if = "is_false")]
    pub invite_only: bool,
    /// The room's title.
    #[serde(rename = "t", skip_serializing_if = "Title::is_empty")]
    pub title: Title,
    /// Who may not join.
    #[serde(rename = "b", skip_serializing_if = "Vec::is_empty")]
    pub bans: Vec<Ban>,
    /// Who waits to be admitted, and who was.
    #[serde(rename = "k", skip_serializing_if = "Vec::is_empty")]
    pub knocks: Vec<Knock>,
    /// Members that may not send messages.
    #[serde(rename = "m", skip_serializing_if = "Vec::is_empty")]
    pub muted: Vec<MemberId>,
    /// Invites that have been made.
    #[serde(rename = "i", skip_serializing_if = "Vec::is_empty")]
    pub invites: Vec<Invite>,
}

impl RoomRules {
    /// Whether a join has to be checked: a member that was not there before may be refused.
    pub fn gated(&self) -> bool {
        self.lock != Lock::Open
            || self.invite_only
            || !self.bans.is_empty()
            || !self.knocks.is_empty()
            || !self.invites.is_empty()
    }

    /// Checks that a member is the host.
    ///
    /// # Errors
    /// [`NotHost`](super::RoomError::NotHost).
    pub fn check_host(&self, by: MemberId) -> Result<(), super::RoomError> {
        if self.host == Some(by) { Ok(()) } else { Err(super::RoomError::NotHost) }
    }

    /// These rules with the bans of `known` that they lack: a store that has lost writes may lack some. Bans for some time
    /// go by themselves, and do not count. None where none is lacking.
    pub fn with_bans_of(&self, known: &Self) -> Option<Self> {
        let lost = known.bans.iter().filter(|ban| ban.lasts() && !self.bans.contains(ban));
        let lost: Vec<_> = lost.cloned().collect();
        if lost.is_empty() {
            return None;
        }
        let mut rules = self.clone();
        rules.bans.extend(lost);
        Some(rules)
    }

    /// Whether a member was removed by the host, whatever it comes with.
    pub fn has_kicked(&self, id: MemberId) -> bool {
        self.bans.iter().any(|ban| ban.is_of(id))
    }

    /// Those who wait to be admitted.
    pub fn waiting(&self) -> impl Iterator<Item = &Knock> {
        self.knocks.iter().filter(|knock| !knock.admitted)
    }

    /// Whether the time of the room is over.
    pub fn is_over(&self, now: Millis) -> bool {
        self.ends_at.is_some_and(|ends| ends <= now)
    }

    /// Forgets knocks that were not renewed.
    pub fn sweep(&mut self, now: Millis) {
        self.knocks.retain(|knock| knock.at + Knock::AGE > now);
    }

    /// Members that left: the host's right passes to the first of those that remain, in the order in which they joined.
    pub fn forget(&mut self, gone: &[Member], mut remain: impl Iterator<Item = MemberId>) {
        let is_gone = |id: MemberId| gone.iter().any(|member| member.id == id);
        self.muted.retain(|id| !is_gone(*id));
        if self.host.is_some_and(is_gone) {
            self.host = remain.next();
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ban_that_was_lost_is_restored_and_one_for_some_time_is_not() {
        let [kept, lost] = [(); 2].map(|()| Ban::member(MemberId::random()));
        let with = |bans: &[&Ban]| RoomRules {
            bans: bans.iter().map(|ban| (*ban).clone()).collect(),
            ..RoomRules::default()
        };
        let known = with(&[&kept, &lost]);
        assert_eq!(with(&[&kept]).with_bans_of(&known), Some(known.clone()));
        assert_eq!(known.with_bans_of(&with(&[&kept])), None);
        let pause = Ban::pause(&AddressMark::new("0123456789abcdef"), 5);
        assert_eq!(with(&[&kept]).with_bans_of(&with(&[&kept, &pause])), None);
    }
}
