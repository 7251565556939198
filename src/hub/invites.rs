//! Invites: who made which, and whether one that a client shows is good.

use super::{Hub, ticket_ops::has};
use crate::{
    protocol::ApiError,
    room::{HostAction, Invite, InviteId, MemberId, Millis, Name, RoomError, RoomId},
    ticket::Claims,
};

impl Hub {
    /// Makes an invite of the room's host. Returns its signed text.
    ///
    /// # Errors
    /// [`RoomError::NotHost`], [`RoomError::InvitesFull`], [`ApiError::NameTaken`] by an account, or the store's.
    pub async fn make_invite(
        &self,
        room: &RoomId,
        by: MemberId,
        (life, uses): (Millis, u32),
        name: Option<&Name>,
    ) -> Result<(Invite, String), ApiError> {
        let there = self.store.find(room, None).await?.ok_or(RoomError::NotMember)?;
        if let Some(name) = name
            && self.is_taken(name).await?
        {
            return Err(ApiError::NameTaken);
        }
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
    async fn check_invite(
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
        // An account may have taken the name since.
        let name = match name {
            Some(name) if !self.is_taken(&name).await? => Some(name),
            _ => None,
        };
        Ok((Some(id), name))
    }

    /// As [`Self::check_invite`] for a client with this ticket: a member that is there needs no invite, though the
    /// address of its page may have one.
    ///
    /// # Errors
    /// As [`Self::check_invite`].
    pub(super) async fn invite_of(
        &self,
        room: &RoomId,
        text: &str,
        ticket: Option<&Claims>,
    ) -> Result<(Option<InviteId>, Option<Name>), ApiError> {
        let checked = self.check_invite(room, text).await;
        if let (Err(ApiError::Refused(_)), Some(Claims { member, .. })) = (&checked, ticket)
            && self.store.find(room, Some(*member)).await?.is_some_and(|room| has(&room, *member))
        {
            return Ok((None, None));
        }
        checked
    }

    /// Whether an account has this name, or one that looks like it.
    pub(super) async fn is_taken(&self, name: &Name) -> Result<bool, ApiError> {
        match &self.config().accounts {
            Some(accounts) => Ok(accounts.is_taken(name).await?),
            None => Ok(false),
        }
    }
}
