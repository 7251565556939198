//! What is told of a room before a person joins, and of invites to it.

use serde::Serialize;

use super::scalar::{Timestamp, True};
use crate::room::{HistoryRule, Invite, InviteId, Lock, RoomId, RoomRules};

/// A room as a person sees it who has not joined: no name of a member, and nothing of what was said.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema, ts_rs::TS),
    schemars(rename = "Door"),
    ts(rename = "Door", optional_fields)
)]
#[serde(rename_all = "camelCase")]
pub struct DoorDto<'a> {
    /// The room.
    room: &'a RoomId,
    /// Members now.
    members: usize,
    /// Whether new members may join, or wait to be admitted.
    lock: Lock,
    /// How much of the log new members get.
    history: HistoryRule,
    /// When the room ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<Timestamp>,
    /// New members need an invite.
    #[serde(skip_serializing_if = "Option::is_none")]
    invite_only: Option<True>,
}

impl<'a> DoorDto<'a> {
    /// A room with so many members and these rules.
    pub fn new(room: &'a RoomId, members: usize, rules: &RoomRules) -> Self {
        Self {
            room,
            members,
            lock: rules.lock,
            history: rules.history,
            ends_at: rules.ends_at.map(Timestamp),
            invite_only: True::when(rules.invite_only),
        }
    }
}

/// A new invite.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema, ts_rs::TS),
    schemars(rename = "NewInvite"),
    ts(rename = "NewInvite")
)]
#[serde(rename_all = "camelCase")]
pub struct NewInviteDto {
    /// The invite, as the parameter `invite` of a join takes it.
    invite: String,
    /// The room's address with it. Of a room with a key, the key is not in it.
    url: String,
    /// When it ends.
    expires_at: Timestamp,
    /// How many people it is for.
    uses: u32,
}

impl NewInviteDto {
    /// An invite to a room at the server's public address.
    pub fn new(base: &str, room: &RoomId, invite: &Invite, text: &str) -> Self {
        let (expires_at, uses) = (Timestamp(invite.until), invite.uses);
        let path = percent_encoding::utf8_percent_encode(
            room.as_str(),
            percent_encoding::NON_ALPHANUMERIC,
        );
        Self {
            invite: text.to_owned(),
            url: format!("{base}/r/{path}?invite={text}"),
            expires_at,
            uses,
        }
    }
}

/// An invite that is still good.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema, ts_rs::TS),
    schemars(rename = "Invite"),
    ts(rename = "Invite", optional_fields)
)]
#[serde(rename_all = "camelCase")]
pub struct InviteDto<'a> {
    /// Its id: what stands before the first dot of the invite.
    #[cfg_attr(test, schemars(with = "String"), ts(type = "string"))]
    id: InviteId,
    /// When it ends.
    expires_at: Timestamp,
    /// How many may still use it.
    left: u32,
    /// How many people it was made for.
    uses: u32,
    /// The name for a guest that gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl<'a> From<&'a Invite> for InviteDto<'a> {
    fn from(invite: &'a Invite) -> Self {
        let Invite { id, until, uses, left, ref name, .. } = *invite;
        Self { id, expires_at: Timestamp(until), left, uses, name: name.as_deref() }
    }
}

/// The invites of a room.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema, ts_rs::TS),
    schemars(rename = "Invites"),
    ts(rename = "Invites")
)]
pub struct InvitesDto<'a> {
    /// Those that are still good, the oldest first.
    pub invites: Vec<InviteDto<'a>>,
}
