//! A member's session at this node. Dropping it counts as a lost connection: its typing ends, and it is held for the
//! grace, then freed. Leaving frees it at once.

use std::sync::Arc;

use smallvec::SmallVec;
use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Goodbye, Greeted, Hub, HubConfig, JoinOrigin, Place, SeenUpTo, Subscriber, goodbye::goodbye,
    kept::may_stand, known_rules::since, local::LocalRoom, typing,
};
use crate::{
    budget::{Kept, Reservation},
    protocol::{Ack, ApiError, HostRequest},
    room::{JoinResult, LeaveReason, MemberId, Name, NewEntry, PublishResult, RoomId, Snapshot},
    store::StoreError,
    ticket::Claims,
    video::LiveKitToken,
};

/// A member's session in a room, held by one connection.
pub struct Session {
    hub: Arc<Hub>,
    room: Arc<LocalRoom>,
    claims: Claims,
    tag: u64,
    /// What the client's address publishes into this room.
    kept: Option<Arc<Kept>>,
    /// Broadcasts the end of typing, when nothing else does.
    typing_timeout: Option<AbortHandle>,
    /// Not welcomed yet, and without an older ticket: if the connection is lost now, the member cannot come back.
    unjoined: bool,
    freed: bool,
}

impl Session {
    pub(super) fn new(
        hub: Arc<Hub>,
        room: Arc<LocalRoom>,
        claims: Claims,
        tag: u64,
        kept: Option<Arc<Kept>>,
        unjoined: bool,
    ) -> Self {
        Self { hub, room, claims, tag, kept, typing_timeout: None, unjoined, freed: false }
    }

    /// The member.
    pub fn member(&self) -> MemberId {
        self.claims.member
    }

    /// The member's name.
    pub fn name(&self) -> &Name {
        &self.claims.name
    }

    /// The room.
    pub fn room(&self) -> &RoomId {
        &self.room.id
    }

    /// Whether a ticket is this member's, though its room may have ended since.
    pub(super) fn is_of(&self, ticket: &str) -> bool {
        let (key, config) = (self.room.people.lock().key, self.hub.config());
        let claims =
            key.and_then(|key| config.signer.check(&key, &self.room.id, ticket, (config.clock)()));
        claims.is_some_and(|claims| claims.member == self.claims.member)
    }

    pub(super) fn config(&self) -> &HubConfig {
        self.hub.config()
    }

    /// See [`LocalRoom::call`].
    pub(super) async fn call<T>(&self, call: impl Future<Output = T> + Unpin) -> T {
        self.room.call(self.config(), call).await
    }

    /// Sends the welcome, and lets the subscriber follow from the snapshot on. False when a reset came between: join
    /// again.
    pub(super) fn follow(
        &mut self,
        snapshot: &Snapshot,
        subscriber: &Arc<dyn Subscriber>,
        JoinOrigin { cursor, resumed, exact, .. }: JoinOrigin,
        JoinResult { last_n, since: joined_at, .. }: JoinResult,
    ) -> Result<bool, ApiError> {
        if !self.is_held() {
            return Err(self.replaced());
        }
        self.room.note_call_participants(snapshot);
        let crowd = self.room.welcomes(snapshot);
        self.hub.rooms.follow_crowd(&self.room);
        self.hub.rooms.note_rules(&self.room, snapshot);
        let missed = match cursor {
            Some(cursor) if exact => snapshot.since(cursor),
            Some(_) => None,
            None => Some(&snapshot.history[..]),
        };
        // The store knows the name; that of the ticket may be an older one.
        let known = snapshot.members.iter().find(|member| member.id == self.claims.member);
        let renamed = known
            .filter(|known| known.name != self.claims.name)
            .map(|known| std::mem::replace(&mut self.claims.name, known.name.clone()));
        let Claims { member, name } = &self.claims;
        let after = cursor.filter(|_| missed.is_some()).map_or(0, |cursor| cursor.seq);
        let reset = missed.is_none();
        let since = since(snapshot, joined_at);
        let guest = Greeted { member: *member, name, resumed, reset, last_n, after, since, crowd };
        let history = missed.unwrap_or(&snapshot.history);
        let welcome = self.hub.config().welcome(
            &self.room.id,
            snapshot,
            history,
            guest,
            false,
            subscriber.encoder(),
        );

        let mut people = self.room.people.lock();
        let seen_up_to = SeenUpTo::of(snapshot);
        let Some(session) =
            people.sessions.get_mut(&self.claims.member).filter(|session| session.tag == self.tag)
        else {
            drop(people);
            return Err(self.replaced());
        };
        if let Place::Joining(joining) = &mut session.place
            && joining.reset.take().is_some_and(|anew| !seen_up_to.covers(anew))
        {
            return Ok(false);
        }
        self.unjoined = false;
        session.since = joined_at;
        session.older = Vec::new();
        // Unless the member has taken another name since the snapshot.
        if renamed.is_some_and(|before| before == session.name) {
            session.name = name.clone();
        }
        let place = std::mem::replace(
            &mut session.place,
            Place::Live { subscriber: Arc::clone(subscriber), seen_up_to },
        );
        people.key = Some(snapshot.key);
        subscriber.deliver(&[welcome]);
        if let Place::Joining(joining) = place {
            let missed: Vec<_> = joining
                .waiting
                .into_iter()
                .filter(|(order, _)| order.is_after(seen_up_to))
                .map(|(_, frame)| frame)
                .collect();
            if !missed.is_empty() {
                subscriber.deliver(&missed);
            }
        }
        Ok(true)
    }

    /// Whether this connection still has the session.
    fn is_held(&self) -> bool {
        self.room
            .people
            .lock()
            .sessions
            .get(&self.claims.member)
            .is_some_and(|session| session.tag == self.tag)
    }

    /// Another connection has the session, or had it.
    fn replaced(&mut self) -> ApiError {
        if !self.room.people.lock().sessions.contains_key(&self.claims.member) {
            // The connection that replaced this one has left already, and this join may have come after that.
            self.freed = true;
            self.hub.leave_with_retry(&self.room, self.claims.member, self.tag, LeaveReason::Left);
        }
        ApiError::Replaced
    }

    /// Publishes messages, in order, and calls `answer` with the result of each. The ack of a new one comes in the
    /// stream. When a budget refuses one, those behind it are refused, too.
    pub async fn publish(
        &mut self,
        entries: &[NewEntry],
        mut answer: impl FnMut(&NewEntry, Result<PublishResult, ApiError>),
    ) {
        let mut rest = entries;
        while !rest.is_empty() {
            let mut counted: SmallVec<[Reservation<'_>; 1]> = SmallVec::new();
            let mut refused = None;
            if let Some(kept) = &self.kept {
                for NewEntry { text, .. } in rest {
                    match kept.reserve(text.as_str().len()) {
                        Ok(reservation) => counted.push(reservation),
                        Err(error) => {
                            refused = Some(error);
                            break;
                        }
                    }
                }
            }
            let taken;
            match refused {
                None => (taken, rest) = (rest, &[]),
                Some(error) if counted.is_empty() => {
                    rest.iter().for_each(|entry| answer(entry, Err(error.clone())));
                    return;
                }
                // Repetitions give back what was reserved for them, so that the rest may fit.
                Some(_) => (taken, rest) = rest.split_at(counted.len()),
            }
            let publishing = self.hub.store.publish_all(&self.room.id, self.claims.member, taken);
            let results = self.call(publishing).await;
            let (mut counted, mut spoke) = (counted.into_iter(), false);
            for (i, entry) in taken.iter().enumerate() {
                let result = match &results {
                    Ok(results) => results[i].map_err(StoreError::Refused),
                    Err(error) => Err(error.clone()),
                };
                if let Some(reservation) = counted.next().filter(|_| may_stand(&result)) {
                    reservation.keep();
                }
                spoke |= result.is_ok();
                answer(entry, result.map_err(ApiError::from));
            }
            drop(counted);
            if spoke {
                // A message ends typing: clients know that by themselves.
                self.typing_timeout.take().inspect(AbortHandle::abort);
            }
        }
    }

    /// Tells the others that this member types or stopped.
    ///
    /// # Errors
    /// Why they could not be told.
    pub async fn typing(&mut self, typing: bool) -> Result<(), ApiError> {
        let began = Instant::now();
        self.typing_timeout.take().inspect(AbortHandle::abort);
        let (store, member) = (&self.hub.store, self.claims.member);
        store.typing(&self.room.id, member, typing, began).await?;
        if typing {
            self.typing_timeout = Some(typing::timeout(store, &self.room.id, member, || {}));
        }
        Ok(())
    }

    /// Gives this member another name.
    ///
    /// # Errors
    /// As [`Hub::rename`].
    pub async fn rename(&self, name: &Name) -> Result<Ack, ApiError> {
        let renaming = Box::pin(self.hub.rename(&self.room.id, &self.claims, name));
        self.call(renaming).await
    }

    /// A LiveKit token for this member.
    ///
    /// # Errors
    /// As [`Hub::livekit_token`].
    pub async fn livekit_token(&self) -> Result<LiveKitToken, ApiError> {
        self.hub.livekit_token(&self.room.id, self.claims.member).await
    }

    /// The page says that it unloads: if the connection ends now, the session is held for the reload grace.
    pub fn unload(&self) {
        let mut people = self.room.people.lock();
        if let Some(session) =
            people.sessions.get_mut(&self.claims.member).filter(|session| session.tag == self.tag)
        {
            session.unload();
        }
    }

    /// Carries out a request of the room's host.
    ///
    /// # Errors
    /// As [`Hub::host_request`].
    pub async fn host_request(&self, request: HostRequest) -> Result<Option<Ack>, ApiError> {
        let asking = Box::pin(self.hub.host_request(&self.room.id, self.claims.member, request));
        Ok(self.call(asking).await?.ack())
    }

    /// Leaves for good. The session is free when this returns, or soon after if the store is away.
    pub async fn leave(mut self) -> Goodbye {
        self.freed = true;
        let leaving =
            self.hub.leave_with_retry(&self.room, self.claims.member, self.tag, LeaveReason::Left);
        goodbye(leaving).await
    }

    /// Frees the session of a member that was lost long enough ago.
    pub(super) fn lose(self) {
        self.free(LeaveReason::Lost);
    }

    /// Leaves for good without waiting for it.
    pub fn quit(self) {
        self.free(LeaveReason::Left);
    }

    fn free(mut self, reason: LeaveReason) {
        self.freed = true;
        // If another connection has taken the session over, there is nothing to free. Nor is there without a runtime.
        if self.is_held() && tokio::runtime::Handle::try_current().is_ok() {
            self.hub.leave_with_retry(&self.room, self.claims.member, self.tag, reason);
        }
    }

    /// A newer connection at another node has the session: it is removed here.
    pub(super) fn void(mut self) {
        self.freed = true;
        self.hub.rooms.unregister(&self.room, self.claims.member, self.tag);
    }

    /// Gives up a session that the store refused. If an older connection's session stands behind it, that one is held
    /// for the grace.
    pub(super) fn give_up(mut self) {
        let older = self
            .room
            .people
            .lock()
            .sessions
            .get(&self.claims.member)
            .is_some_and(|session| !session.older.is_empty());
        if !older {
            self.freed = true;
            self.hub.rooms.unregister(&self.room, self.claims.member, self.tag);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let typing = self.typing_timeout.take().is_some_and(|typing_timeout| {
            typing_timeout.abort();
            !typing_timeout.is_finished()
        });
        // Without a runtime there is no node left to hold a session at.
        if self.freed || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let (hub, room, claims, tag) =
            (Arc::clone(&self.hub), Arc::clone(&self.room), self.claims.clone(), self.tag);
        let member = claims.member;
        if typing {
            // Sent for the connection that typed, and now: later it could be taken for a frame of the next
            // connection.
            let (store, room) = (Arc::clone(&hub.store), room.id.clone());
            tokio::spawn(async move { store.typing(&room, member, false, Instant::now()).await });
        }
        if self.unjoined {
            hub.leave_with_retry(&room, member, tag, LeaveReason::Lost);
            return;
        }
        let mut people = self.room.people.lock();
        let Some(session) = people.sessions.get_mut(&member).filter(|session| session.tag == tag)
        else {
            return;
        };
        if hub.is_stopping() && !hub.store.shared() {
            drop(people);
            hub.leave_with_retry(&room, member, tag, LeaveReason::Shutdown);
            return;
        }
        let (unload, config) = (Arc::new(Notify::new()), hub.config());
        // A page that lives long after it said so has come back, or did not mean this connection.
        if session.unloaded.is_some_and(|at| at.elapsed() < config.grace) {
            unload.notify_one();
        }
        let unloading = Arc::clone(&unload);
        let grace = tokio::spawn(async move {
            let config = hub.config();
            let _ = timeout(config.grace, async {
                unloading.notified().await;
                sleep(config.reload_grace).await;
            })
            .await;
            let lost =
                room.people.lock().sessions.get(&member).is_some_and(|session| session.tag == tag);
            if lost {
                hub.leave_with_retry(&room, member, tag, LeaveReason::Lost);
            }
        });
        let lost = std::mem::replace(
            &mut session.place,
            Place::Held { unload, _grace: AbortOnDropHandle::new(grace) },
        );
        drop(people);
        drop(lost);
    }
}
