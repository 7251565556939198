//! Requests with a ticket, which need no connection of their own. They work on any node, wherever the session is.

use std::sync::Arc;

use bytes::Bytes;
use tokio::{task::AbortHandle, time::Instant};

use super::{
    Encoder, Hub, JoinOrigin, ResumeFrom, Session, Subscriber, goodbye::goodbye, kept::may_stand,
    typing,
};
use crate::{
    budget::{Resource, Usage},
    protocol::ApiError,
    room::{LeaveReason, MemberId, NewEntry, PublishResult, RoomEnd, RoomError, RoomId, Snapshot},
    store::StoreError,
    ticket::{Claims, Signer},
};

impl Hub {
    /// The member whose ticket this is.
    ///
    /// # Errors
    /// [`ApiError::BadTicket`] if the ticket is not valid, [`RoomError::NotMember`] if the room is gone, or the
    /// store's.
    pub async fn ticket_holder(&self, room: &RoomId, ticket: &str) -> Result<Claims, ApiError> {
        let known = self.rooms.find(room).and_then(|room| {
            let people = room.people.lock();
            Some((people.key?, people.rules.get()))
        });
        match known {
            Some((key, rules)) => {
                let (signer, now) = (&self.config().signer, (self.config().clock)());
                let claims = signer.check(&key, room, ticket, now).ok_or(ApiError::BadTicket)?;
                if rules.has_kicked(claims.member) {
                    return Err(RoomError::Kicked.into());
                }
                Ok(claims)
            }
            None => Ok(self.seated(room, ticket).await?.0),
        }
    }

    /// A new ticket for a member with a session here, when more than half the time of the old one is over.
    pub fn fresh_ticket(&self, room: &RoomId, ticket: &str, who: &Claims) -> Option<String> {
        let now = (self.config().clock)();
        if !Signer::is_aging(room, ticket, now) {
            return None;
        }
        let room_here = self.rooms.find(room)?;
        let people = room_here.people.lock();
        // The member may have taken another name since the old ticket.
        let name = people.sessions.get(&who.member).map_or(&who.name, |session| &session.name);
        let claims = Claims { member: who.member, name: name.clone() };
        Some(self.config().signer.sign(&people.key?, room, &claims, now))
    }

    /// The member whose ticket this is, and whether they have a session in the room.
    pub(super) async fn seated(
        &self,
        room: &RoomId,
        ticket: &str,
    ) -> Result<(Claims, bool), ApiError> {
        let claimed = Signer::claimed(room, ticket).ok_or(ApiError::BadTicket)?;
        // A deleted room has no key left, and no members.
        let snapshot = self.store.find(room, Some(claimed)).await?.ok_or(RoomError::NotMember)?;
        let claims = self
            .config()
            .signer
            .check(&snapshot.key, room, ticket, (self.config().clock)())
            .ok_or(ApiError::BadTicket)?;
        if snapshot.rules.has_kicked(claimed) {
            return Err(RoomError::Kicked.into());
        }
        Ok((claims, has(&snapshot, claimed)))
    }

    /// The claims of a ticket for this room, if it is valid.
    pub(super) async fn claims(
        &self,
        room: &RoomId,
        ticket: &str,
    ) -> Result<Option<Claims>, ApiError> {
        let local = self.rooms.find(room).and_then(|room| room.people.lock().key);
        let key = match local {
            Some(key) => Some(key),
            None => self.store.find(room, None).await?.map(|room| room.key),
        };
        Ok(key.and_then(|key| {
            self.config().signer.check(&key, room, ticket, (self.config().clock)())
        }))
    }

    /// Resumes a member's session, wherever it is; creates no new member. `subscriber` gets the welcome as its first
    /// frame.
    ///
    /// # Errors
    /// As [`Self::ticket_holder`], [`RoomError::NotMember`], or as [`Self::enter`].
    pub async fn resume(
        self: &Arc<Self>,
        room: &RoomId,
        ticket: &str,
        ResumeFrom { cursor, exact, began }: ResumeFrom,
        usage: Option<&Arc<Usage>>,
        subscriber: Arc<dyn Subscriber>,
    ) -> Result<Session, ApiError> {
        if self.is_stopping() {
            return Err(self.come_back());
        }
        usage.map_or(Ok(()), |usage| usage.join())?;
        let (claims, seated) = self.seated(room, ticket).await?;
        if !seated {
            return Err(RoomError::NotMember.into());
        }
        self.sit(
            room,
            claims,
            JoinOrigin { cursor, resumed: true, exact, joins: false, began, invite: None },
            usage,
            subscriber,
        )
        .await
    }

    /// Publishes a message of a member; without a counter of its own it gets the next one.
    ///
    /// # Errors
    /// Why it was not published.
    pub async fn publish(
        &self,
        room: &RoomId,
        who: &Claims,
        entry: NewEntry,
        usage: &Arc<Usage>,
    ) -> Result<PublishResult, ApiError> {
        let kept = self.rooms.kept_of(Resource::Text, room, usage);
        let counted = kept.reserve(entry.text.as_str().len())?;
        let said = self.store.publish(room, who.member, entry).await;
        if may_stand(&said) {
            counted.keep();
        }
        let said = match said {
            Err(error) => return Err(self.refusal(room, who.member, error).await),
            Ok(said) => said,
        };
        // A message ends typing: clients know that by themselves.
        self.set_typing_timeout(who.member, None);
        Ok(said)
    }

    /// Why the store refused a member. This node may not have heard yet that the host has removed it.
    pub(super) async fn refusal(
        &self,
        room: &RoomId,
        member: MemberId,
        error: StoreError,
    ) -> ApiError {
        if error == StoreError::Refused(RoomError::NotMember)
            && let Ok(Some(there)) = self.store.find(room, None).await
            && there.rules.has_kicked(member)
        {
            return RoomError::Kicked.into();
        }
        error.into()
    }

    /// Tells the others that a member types or stopped. `began` is when the request came.
    ///
    /// # Errors
    /// Why they could not be told.
    pub async fn typing(
        self: &Arc<Self>,
        room: &RoomId,
        who: &Claims,
        typing: bool,
        began: Instant,
    ) -> Result<(), ApiError> {
        self.set_typing_timeout(who.member, None);
        self.store.typing(room, who.member, typing, began).await?;
        if typing {
            let (hub, member) = (Arc::clone(self), who.member);
            let timeout = typing::timeout(&self.store, room, member, move || {
                drop(hub.typing_timeouts.remove(&member))
            });
            self.set_typing_timeout(member, Some(timeout));
        }
        Ok(())
    }

    /// Replaces the task that ends a member's typing, or cancels it.
    fn set_typing_timeout(&self, member: MemberId, later: Option<AbortHandle>) {
        let before = match later {
            Some(later) => self.typing_timeouts.insert(member, later),
            None => self.typing_timeouts.remove(&member).map(|(_, before)| before),
        };
        before.inspect(AbortHandle::abort);
    }

    /// A page says that it unloads, and may only be reloading. The node of the session holds it for the reload grace
    /// once it has no connection. A connection that lives on is not affected.
    ///
    /// # Errors
    /// [`ApiError::BadTicket`], or the store's.
    pub async fn unload(&self, room: &RoomId, ticket: &str) -> Result<(), ApiError> {
        let unloaded = async {
            let member = self.ticket_holder(room, ticket).await?.member;
            if self.rooms.find(room).is_some_and(|room| room.unload(member)) {
                return Ok(());
            }
            Ok(self.store.unload(room, member).await?)
        };
        match unloaded.await {
            Err(ApiError::Refused(RoomError::NotMember)) => Ok(()),
            unloaded => unloaded,
        }
    }

    /// Leaves for a member, whichever connection holds the session: it is free when this returns, or soon after if
    /// the store is away. A member who has left already is not affected, nor is a connection that came after the
    /// request `began`. Returns what was removed, if the member was the last.
    ///
    /// # Errors
    /// [`ApiError::BadTicket`], or the store's.
    pub async fn leave_by_ticket(
        self: &Arc<Self>,
        room: &RoomId,
        ticket: &str,
        began: Instant,
    ) -> Result<Option<RoomEnd>, ApiError> {
        let mut end = None;
        let (claims, mut seated) = match self.seated(room, ticket).await {
            Err(ApiError::Refused(RoomError::NotMember)) => return Ok(None),
            seated => seated?,
        };
        self.set_typing_timeout(claims.member, None);
        let local = self.rooms.find(room).and_then(|room| {
            let people = room.people.lock();
            let session =
                people.sessions.get(&claims.member).filter(|session| session.began <= began)?;
            if let Some(subscriber) = session.place.subscriber() {
                subscriber.close(&ApiError::Left);
            }
            let tag = session.tag;
            drop(people);
            Some((room, tag))
        });
        if let Some((local, tag)) = local {
            let leaving = self.leave_with_retry(&local, claims.member, tag, LeaveReason::Left);
            end = goodbye(leaving).await.end;
            // The session may have moved to another node without this one knowing yet: then that leave was void.
            seated = match self.seated(room, ticket).await {
                Err(ApiError::Refused(RoomError::NotMember)) => false,
                seated => seated?.1,
            };
        }
        if seated {
            // The session is at another node: take it over, then leave.
            let (cursor, invite) = (None, None);
            let from =
                JoinOrigin { cursor, resumed: true, exact: true, joins: false, began, invite };
            let member = claims.member;
            // Not counted: a member that leaves frees what it holds.
            match self.sit(room, claims, from, None, Arc::new(NullSubscriber)).await {
                Ok(session) => end = session.leave().await.end,
                // Another request was quicker.
                Err(ApiError::Refused(RoomError::NotMember)) => {}
                // The member has come back since.
                Err(ApiError::Replaced) => return Ok(None),
                Err(error) => return Err(error),
            }
            // Only that node knows whether the member had a token.
            self.remove_from_call(room, member, false);
        }
        Ok(end)
    }
}

pub(super) fn has(snapshot: &Snapshot, member: MemberId) -> bool {
    snapshot.members.iter().any(|known| known.id == member)
}

/// Drops every frame, for a session that is held only for a moment.
pub struct NullSubscriber;

static SILENCE: Encoder = Encoder { frame: |_, _| {}, echo: false };

impl Subscriber for NullSubscriber {
    fn encoder(&self) -> &'static Encoder {
        &SILENCE
    }

    fn deliver(&self, _: &[Bytes]) {}

    fn close(&self, _: &ApiError) {}
}
