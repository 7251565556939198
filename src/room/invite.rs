//! Invites: a way in for a number of people, for some time.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Millis, RoomError, length};

/// The id of an invite: 22 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InviteId(pub Uuid);

impl InviteId {
    /// A new random id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for InviteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0.as_bytes()))
    }
}

impl FromStr for InviteId {
    type Err = RoomError;

    fn from_str(given: &str) -> Result<Self, RoomError> {
        let bytes = BASE64.decode(given).map_err(|_| RoomError::BadInvite)?;
        Uuid::from_slice(&bytes).map(Self).map_err(|_| RoomError::BadInvite)
    }
}

impl Serialize for InviteId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for InviteId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An invite that a host has made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Invite {
    /// Its id.
    #[serde(rename = "i")]
    pub id: InviteId,
    /// When it ends.
    #[serde(rename = "t")]
    pub until: Millis,
    /// How many people it was made for.
    #[serde(rename = "n")]
    pub uses: u32,
    /// How many have not used it yet.
    #[serde(rename = "l")]
    pub left: u32,
    /// The name for a guest that gives none.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The host has taken it back.
    #[serde(rename = "x", default, skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
}

impl Invite {
    /// The most that a room has at once.
    pub const MOST: usize = length::INVITES;
    /// The longest that one is good, in minutes.
    pub const MOST_MINUTES: u64 = 7 * 24 * 60;
    /// The most people that one is for.
    pub const MOST_USES: u32 = 1000;

    /// Whether it lets one more person in.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, now: Millis) -> Result<(), RoomError> {
        if self.revoked {
            return Err(RoomError::InviteRevoked);
        }
        if self.until <= now {
            return Err(RoomError::InviteExpired);
        }
        if self.left == 0 { Err(RoomError::InviteSpent) } else { Ok(()) }
    }
}
