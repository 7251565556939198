//! The rules of a room, as clients see them.

use serde::Serialize;

use super::scalar::{Timestamp, True};
use crate::room::{HistoryRule, Knock, Lock, MemberId, Name, RoomRules};

/// What the host of a room has decided, as far as it concerns its members.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema, ts_rs::TS),
    schemars(rename = "RoomRules"),
    ts(rename = "Rules", optional_fields)
)]
#[serde(rename_all = "camelCase")]
pub struct RulesDto<'a> {
    /// Whether new members may join, or wait to be admitted.
    pub lock: Lock,
    /// How much of the log new members get.
    pub history: HistoryRule,
    /// When the room ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// Whole seconds for which a message is kept, if that is less than `limits.historyAge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_age: Option<u64>,
    /// New members need an invite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite_only: Option<True>,
    /// The title; in a room with a key, sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<&'a str>,
}

impl<'a> From<&'a RoomRules> for RulesDto<'a> {
    fn from(rules: &'a RoomRules) -> Self {
        Self {
            lock: rules.lock,
            history: rules.history,
            ends_at: rules.ends_at.map(Timestamp),
            message_age: rules.message_age.map(|age| age / 1000),
            invite_only: True::when(rules.invite_only),
            title: Some(rules.title.as_str()).filter(|title| !title.is_empty()),
        }
    }
}

/// A person who waits to be admitted.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema, ts_rs::TS),
    schemars(rename = "PendingKnock"),
    ts(rename = "Knock", optional_fields)
)]
#[serde(rename_all = "camelCase")]
pub struct KnockDto {
    /// The id under which the person will be a member.
    pub client_id: MemberId,
    /// The person's name.
    pub user: Name,
    /// The name is an account's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<True>,
}

impl KnockDto {
    /// A knock, unless its name cannot be read.
    pub fn of(knock: &Knock) -> Option<Self> {
        let user = Name::decode(&knock.name)?;
        let verified = True::when(user.is_verified());
        Some(Self { client_id: knock.id, user, verified })
    }
}
