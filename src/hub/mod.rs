//! This node: broadcasts the store's events to every subscriber of its rooms. Owns lifetimes: sessions, the grace of
//! a lost connection, and the shutdown of the node.

mod batch;
mod call;
mod call_rounds;
mod call_watch;
mod config;
mod connection_test;
mod count;
mod crowd;
mod files;
mod frame;
mod frame_order;
mod goodbye;
mod hosting;
mod invites;
mod join_origin;
mod kept;
mod knocking;
mod known_rules;
mod local;
mod people;
mod poll_session;
mod registry;
mod rename;
mod rules;
mod session;
mod shutdown;
mod spread;
mod subscriber;
mod ticket_ops;
mod typing;

use std::sync::{Arc, atomic::AtomicU64};

use dashmap::DashMap;
use tokio::{sync::watch, task::AbortHandle, time::Instant};
use tokio_util::task::TaskTracker;

pub use self::registry::RoomRegistry;
use self::{
    call_watch::CallWatch,
    config::Greeted,
    connection_test::ConnectionTests,
    frame_order::SeenUpTo,
    join_origin::{JoinOrigin, same_account},
    local::LocalRoom,
    people::Place,
    spread::Spread,
};
pub use self::{
    config::HubConfig,
    frame::Frame,
    goodbye::Goodbye,
    hosting::HostAnswer,
    join_origin::ResumeFrom,
    poll_session::{KeepAlive, PollSession},
    session::Session,
    subscriber::{Encoder, Subscriber},
    ticket_ops::NullSubscriber,
};
use crate::{
    budget::{Count, Resource, Usage},
    protocol::ApiError,
    room::{Address, Cursor, Joiner, MemberId, Name, RoomError, RoomId, RoomRules},
    store::{Store, StoreError},
    ticket::Claims,
};

/// How many tries a join has when a reset comes between.
const JOINS: usize = 3;

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(RoomError::Overtaken) => Self::Replaced,
            StoreError::Refused(refusal) => Self::Refused(refusal),
            StoreError::Full => Self::StoreFull,
            StoreError::Busy(wait) => Self::ServerFull { what: "joins under way", wait },
            StoreError::Unavailable => Self::StoreUnavailable,
            // The operator may repair it; until then this room is out of reach, and no other.
            StoreError::Broken(_) => Self::StoreUnavailable,
        }
    }
}

/// A request to join a room.
pub struct JoinRequest {
    /// The room.
    pub room: RoomId,
    /// The name that the client gives, if any; verified if it is logged in.
    pub name: Option<Name>,
    /// The ticket of an earlier session, if any.
    pub ticket: Option<String>,
    /// The last position the client has read, if any.
    pub cursor: Option<Cursor>,
    /// What the client's address holds and does; without it nothing is counted.
    pub usage: Option<Arc<Usage>>,
    /// The invite that the client shows, if any.
    pub invite: Option<String>,
    /// The client may be kept waiting until the host admits it. Else it is told to ask again.
    pub waits: bool,
}

/// This node.
pub struct Hub {
    rooms: Arc<RoomRegistry>,
    store: Arc<dyn Store>,
    tags: AtomicU64,
    /// When members are to come back, once the shutdown has begun.
    stopping: watch::Sender<Option<Spread>>,
    departures: TaskTracker,
    call_watch: Arc<CallWatch>,
    connection_tests: ConnectionTests,
    /// Ends the typing of members who type by requests with a ticket, when nothing else does.
    typing_timeouts: DashMap<MemberId, AbortHandle>,
}

impl Hub {
    /// A node that serves the rooms of `store`, whose events go to `rooms`.
    pub fn new(rooms: Arc<RoomRegistry>, store: Arc<dyn Store>) -> Arc<Self> {
        // Connection ids must never repeat on a node, and a node may restart under the same id one day: start at
        // random.
        let tags = AtomicU64::new(fastrand::u64(..) >> 16);
        // A registry has one hub: the store was not set before.
        let _ = rooms.store.set(Arc::downgrade(&store));
        let hub = Arc::new(Self {
            rooms,
            store,
            tags,
            stopping: watch::Sender::new(None),
            departures: TaskTracker::new(),
            call_watch: Arc::default(),
            connection_tests: ConnectionTests::default(),
            typing_timeouts: DashMap::new(),
        });
        hub.follow_calls();
        hub.rooms.follow_budgets(Arc::downgrade(&hub.store));
        hub
    }

    /// The hub's configuration.
    pub fn config(&self) -> &HubConfig {
        &self.rooms.config
    }

    /// Whether members can join: the store is reachable and the node is not stopping.
    pub fn ready(&self) -> bool {
        !self.is_stopping() && self.store.ready()
    }

    /// What the store had to repair; see [`Store::repair_counts`].
    pub fn repair_counts(&self) -> Vec<(&'static str, &'static str, u64)> {
        self.store.repair_counts()
    }

    /// Whether a room has sessions at this node.
    pub fn serves(&self, room: &RoomId) -> bool {
        self.rooms.find(room).is_some()
    }

    /// What the operator should repair; see [`Store::warnings`].
    pub fn warnings(&self) -> Vec<String> {
        self.store.warnings()
    }

    /// (rooms, sessions) at this node.
    pub fn counts(&self) -> (usize, usize) {
        (
            self.rooms.rooms.len(),
            self.rooms.rooms.iter().map(|room| room.people.lock().sessions.len()).sum(),
        )
    }

    /// Joins a room: registers for events, takes a snapshot, sends the welcome, then follows. `subscriber` gets the
    /// welcome first.
    ///
    /// # Errors
    /// Why not; the subscriber got nothing then.
    pub async fn enter(
        self: &Arc<Self>,
        join_request: JoinRequest,
        subscriber: Arc<dyn Subscriber>,
    ) -> Result<Session, ApiError> {
        let began = Instant::now();
        if self.is_stopping() {
            return Err(self.come_back());
        }
        let JoinRequest { room, name, ticket, cursor, usage, invite, waits } = join_request;
        // Before the store is asked for anything.
        usage.as_deref().map_or(Ok(()), Usage::join)?;
        let claims = match &ticket {
            Some(ticket) => self.verify_ticket(&room, ticket, name.as_ref()).await?,
            None => None,
        };
        let (invite, invited) = match invite {
            Some(invite) => self.invite_of(&room, &invite, claims.as_ref()).await?,
            None => (None, None),
        };
        let resumed = claims.is_some();
        let name = name.or(invited);
        let claims = match (claims, name) {
            // Where the session is free by now, the member joins under the name that it wants.
            (Some(Claims { member, .. }), Some(name)) => Claims { member, name },
            (Some(claims), None) => claims,
            (None, name) => {
                let member = MemberId::random();
                Claims { member, name: name.unwrap_or_else(|| Name::guest(member)) }
            }
        };
        // A client whose ticket did not resume its session must learn that it has a new one: its welcome says `reset`.
        let exact = resumed || ticket.is_none();
        let from = JoinOrigin { cursor, resumed, exact, joins: true, began, invite };
        let joining =
            self.sit(&room, claims.clone(), from, usage.as_ref(), Arc::clone(&subscriber));
        match joining.await {
            Err(ApiError::Refused(RoomError::Knocking)) => {
                Box::pin(self.wait_at_the_door(
                    &room,
                    claims,
                    from,
                    usage.as_ref(),
                    subscriber,
                    waits,
                ))
                .await
            }
            joined => joined,
        }
    }

    /// The claims of a ticket, if it is valid for a client that joins as `name`.
    async fn verify_ticket(
        &self,
        room: &RoomId,
        ticket: &str,
        name: Option<&Name>,
    ) -> Result<Option<Claims>, ApiError> {
        let claims =
            self.claims(room, ticket).await?.filter(|claims| same_account(&claims.name, name));
        match (claims, &self.config().accounts) {
            // The ticket's name may have been registered since; the name in the request has been checked.
            (Some(Claims { name: had, .. }), Some(accounts))
                if !had.is_verified() && name != Some(&had) && accounts.is_taken(&had).await? =>
            {
                Ok(None)
            }
            (claims, _) => Ok(claims),
        }
    }

    /// Opens a session for a member whose claims are verified.
    async fn sit(
        self: &Arc<Self>,
        room: &RoomId,
        claims: Claims,
        from: JoinOrigin,
        usage: Option<&Arc<Usage>>,
        subscriber: Arc<dyn Subscriber>,
    ) -> Result<Session, ApiError> {
        let count = usage.map_or(Count::Free, Count::Limited);
        let place = |count| {
            let subscriber = Arc::clone(&subscriber);
            self.rooms.place(room, &claims, from.began, &self.tags, count, subscriber)
        };
        let placed = match place(count) {
            // The member's session is at another node, which may be stopping: it was counted when the member joined.
            Err(full @ (ApiError::AddressLimit { .. } | ApiError::ServerFull { .. }))
                if from.resumed =>
            {
                let seated = self
                    .store
                    .find(room, Some(claims.member))
                    .await?
                    .is_some_and(|room| ticket_ops::has(&room, claims.member));
                let count = usage.filter(|_| seated).map(Count::Anyway).ok_or(full)?;
                place(count)
            }
            placed => placed,
        };
        let (local, tag) = placed?;
        let kept = usage.map(|usage| local.kept_of(Resource::Text, usage));
        // From here on, dropping the session frees it: the connection may close while the store is asked.
        let mut session = Session::new(Arc::clone(self), local, claims, tag, kept, !from.resumed);
        // Asked again: a shutdown that begins after this finds the subscriber in its session.
        if self.is_stopping() {
            session.give_up();
            return Err(self.come_back());
        }
        let after = from.cursor.filter(|_| from.exact);
        for _ in 0..JOINS {
            let address = usage.and_then(|usage| usage.address().bytes()).map(Address);
            let (id, name, invite) = (session.member(), session.name(), from.invite);
            let joiner = Joiner { id, name, address, invite };
            let joining = self.store.join(room, &joiner, tag, from.began, after);
            let (joined, snapshot) = match session.call(joining).await {
                Ok(joined) => joined,
                Err(error) => {
                    match error {
                        StoreError::Refused(RoomError::Overtaken) => session.void(),
                        StoreError::Refused(_) | StoreError::Full | StoreError::Busy(_) => {
                            session.give_up()
                        }
                        StoreError::Unavailable | StoreError::Broken(_) => {}
                    }
                    return Err(error.into());
                }
            };
            if joined.new && !from.joins {
                // The member left, or was lost, since the check that it was a member.
                session.leave().await;
                return Err(RoomError::NotMember.into());
            }
            if session.follow(&snapshot, &subscriber, from, joined)? {
                return Ok(session);
            }
        }
        Err(ApiError::StoreUnavailable)
    }

    /// What is told of a room before a person joins: how many members it has, and its rules.
    ///
    /// # Errors
    /// The store's.
    pub async fn door(&self, room: &RoomId) -> Result<(usize, Arc<RoomRules>), ApiError> {
        let room = self.store.find(room, None).await?;
        Ok(room.map_or_else(Default::default, |room| (room.count(), room.rules)))
    }

    /// How many members a room has.
    ///
    /// # Errors
    /// The store's.
    pub async fn count(&self, room: &RoomId) -> Result<usize, ApiError> {
        Ok(self.store.find(room, None).await?.map_or(0, |room| room.count()))
    }
}
