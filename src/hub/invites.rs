//! Invites: who made which, and whether one that a client shows is good.

use super::Hub;
use crate::{
    protocol::ApiError,
    room::{HostAction, Invite, InviteId, MemberId, Millis, Name, RoomError, RoomId},
};

impl Hub {
    /// Makes an invite of the room's host. Returns its signed text.
    ///
    /// # Errors
    /// [`RoomError::NotHost`], [`RoomError::InvitesFull`], or the store's.
    pub async fn make_invite(
        &self,
        room: &RoomId,
        by: MemberId,
        (life, uses): (Millis, u32),
        name: Option<&Name>,
    ) -> Result<(Invite, String), ApiError> {
        let there = self.store.find(room, None).await?.ok_or(RoomError::NotMember)?;
        let until = (self.config().clock)() + life;
        let name = name.map(|name| name.as_str().to_owned());
        let invite =
            Invite { id: InviteId::random(), until, uses, left: uses, name, revoked: false };
        self.store.decide(room, by, &HostAction::Invite(invite.clone())).await?;
        let text = self.config().signer.sign_invite(&there.key, room, invite.id, until);
        Ok((invite, text))
    }

    /// The invites of a room that have not ended, for its host.
    ///
    /// # Errors
    /// [`RoomError::NotHost`], or the store's.
    pub async fn invites(&self, room: &RoomId, by: MemberId) -> Result<Vec<Invite>, ApiError> {
        let there = self.hosted_by(room, by).await?;
        let now = (self.config().clock)();
        let good = there.rules.invites.iter().filter(|invite| invite.check(now).is_ok());
        Ok(good.cloned().collect())
    }

    /// An invite that a client shows, and the name that it gives a guest.
    ///
    /// # Errors
    /// [`RoomError::BadInvite`] for what is no invite, [`RoomError::InviteExpired`] where its time or its room is over.
    pub(super) async fn check_invite(
        &self,
        room: &RoomId,
        text: &str,
    ) -> Result<(Option<InviteId>, Option<Name>), ApiError> {
        let signer = &self.config().signer;
        signer.read_invite(text).ok_or(RoomError::BadInvite)?;
        // An invite to an ended room must not make that room anew.
        let there = self.store.find(room, None).await?.ok_or(RoomError::InviteExpired)?;
        let id = signer.check_invite(&there.key, room, text, (self.config().clock)())?;
        let known = there.rules.invites.iter().find(|invite| invite.id == id);
        let name = known.and_then(|invite| invite.name.as_ref()?.parse().ok());
        Ok((Some(id), name))
    }
}
