//! Rooms in Redis, shared by any number of nodes.
//!
//! A room is three keys in one slot, and one more while it has files:
//! - the set of its members,
//! - a hash with its facts, its sessions and the leases of the nodes that have them,
//! - the list of its entries,
//! - a hash with its files, in pieces.
//!
//! Every call is one script and so one atomic step. Each script publishes its changes on the room's channel.
//! The scripts repeat [`crate::room`].
//!
//! The rules that a host has made are one field of that hash. Which rules follow from which decision is said in
//! [`crate::room`] alone: a node computes them, and the script takes them if nothing has changed in between. Scripts
//! know four things of the rules: who the host is and to whom that passes, whether a new member has to be checked, when
//! the room ends, and how long messages are kept.
//!
//! A room that is ended leaves nothing behind, not even a mark that it was. So the node that ended it says so for two
//! leases, by a hash of the room's key: a node that has missed it brings its members back under the same key, and is
//! told. A room with another key is a new one.
//!
//! A node subscribes before it joins. From then on each room has two parts. A replica puts broker messages in order
//! and notices what is missing. A repair task renews the lease and repairs what broke: subscriptions, gaps in
//! the stream, sessions that Redis has lost, rooms that moved to another server.

mod address;
mod admission;
mod broker_message;
mod cleanup;
mod client;
mod clock;
mod codec;
mod connection;
mod error_action;
mod events;
mod files;
mod hosting;
mod keys;
mod lanes;
mod messages;
mod names;
mod presence;
mod probe;
mod pulse;
mod queue;
mod renewals;
mod repair;
mod repair_counts;
mod replica;
mod role;
mod routed_request;
mod router;
mod scripts;
mod sentinels;
mod sessions;
mod slot_map;
mod spoiled;
mod store;
mod subscription;
mod written_rules;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::{task::AbortHandle, time::Instant};

pub use address::RedisConfigError;
pub use repair_counts::RepairCounts;

use self::{
    address::Address,
    cleanup::{PendingCleanup, pay},
    codec::{RoomState, Str, number},
    connection::ConnectionEvents,
    files::FileScripts,
    hosting::Read,
    keys::Keys,
    presence::Presence,
    router::RedisRouter,
    scripts::Script,
    spoiled::Spoiled,
    subscription::RoomSubscription,
};
use super::{EventHandler, StoreError};
use crate::room::{Epoch, Limits, MemberId, Moment, NodeId, RoomError, RoomId, Seq, Snapshot};

/// The timeout of a call, with all its tries.
const DEADLINE: Duration = Duration::from_secs(3);

/// Rooms in Redis, as one node sees them.
///
/// Dropping it is like pulling the plug: the node's members are lost when its lease runs out.
/// [`Store::close`](super::Store::close) makes them leave.
pub struct Redis {
    shared: Arc<Shared>,
    tasks: [AbortHandle; 2],
    attending: AbortHandle,
}

impl Redis {
    /// Begins to connect to the server, the Cluster or the master of the Sentinels at `url`.
    /// It does not wait: [`Store::ready`](super::Store::ready) tells when the connection is up.
    /// `ttl` is how long a room outlives the last renewal by any node, less a lease at most; it is at least four leases.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the URL cannot be used; the error does not show it.
    pub fn connect(
        url: &str,
        node: NodeId,
        limits: Limits,
        ttl: Duration,
        events: Arc<dyn EventHandler>,
    ) -> Result<Arc<Self>, RedisConfigError> {
        let address = Address::read(url)?;
        let database = address.database();
        let counts = Arc::new(RepairCounts::default());
        let router = RedisRouter::new(address, Arc::clone(&counts))?;
        let shared = Arc::new(Shared {
            node,
            limits,
            publish: Script::publish(&limits),
            amend: Script::amend(&limits),
            delete: Script::delete(&limits),
            leave: Script::leave(&limits),
            renew: Script::renew(&limits),
            rules: Script::rules(&limits),
            files: FileScripts::new(&limits),
            ttl: ttl.max(Duration::from_millis(limits.lease * 4)),
            database,
            events,
            router,
            presence: Arc::new(Presence::new(database)),
            rooms: DashMap::new(),
            counts,
            spoiled: Spoiled::default(),
            cleanups: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let connection_events: Arc<dyn ConnectionEvents> = Arc::<Shared>::clone(&shared);
        shared.router.start(Arc::downgrade(&connection_events))?;
        let paying = tokio::spawn(pay(Arc::downgrade(&shared)));
        let renewing = tokio::spawn(renewals::renew_all(Arc::downgrade(&shared)));
        let attending = tokio::spawn(presence::attend(Arc::downgrade(&shared)));
        let (tasks, attending) =
            ([paying.abort_handle(), renewing.abort_handle()], attending.abort_handle());
        Ok(Arc::new(Self { shared, tasks, attending }))
    }

    /// The repairs so far.
    pub fn counts(&self) -> &RepairCounts {
        &self.shared.counts
    }

    async fn look_at(
        &self,
        room: &RoomId,
        members: Members,
        history: Want,
    ) -> Result<Option<Snapshot>, StoreError> {
        self.shared.router.admit(Keys::slot_of(room))?;
        let read = self
            .shared
            .read(&self.shared.keys(room), members, history, Instant::now() + DEADLINE)
            .await;
        self.shared
            .spoiled
            .note_failure(room, read.map(|read| read.map(|(room_state, _)| room_state.room)))
    }

    fn stop(&self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.shared.rooms.retain(|_, subscription| {
            subscription.abandon();
            false
        });
        self.shared.router.stop();
        self.attending.abort();
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("node", &self.shared.node)
            .field("rooms", &self.shared.rooms.len())
            .finish_non_exhaustive()
    }
}

/// What the store and its tasks share.
struct Shared {
    node: NodeId,
    limits: Limits,
    publish: Script,
    amend: Script,
    delete: Script,
    leave: Script,
    renew: Script,
    rules: Script,
    files: FileScripts,
    ttl: Duration,
    database: u8,
    events: Arc<dyn EventHandler>,
    router: Arc<RedisRouter>,
    presence: Arc<Presence>,
    /// The rooms in which this node has members, by their id.
    rooms: DashMap<Box<str>, Arc<RoomSubscription>>,
    counts: Arc<RepairCounts>,
    spoiled: Spoiled,
    /// Sessions to be ended.
    cleanups: Mutex<Vec<PendingCleanup>>,
    closed: AtomicBool,
}

impl Shared {
    fn keys(&self, room: &RoomId) -> Keys {
        Keys::new(room, self.database)
    }

    /// When something began, by the clock of the server that has a room, as far as that is known.
    fn moment(&self, keys: &Keys, began: Instant) -> Option<Moment> {
        self.router.route(keys.slot())?.moment(began)
    }

    fn lease(&self) -> Duration {
        Duration::from_millis(self.limits.lease)
    }

    /// The time between two renewals.
    fn period(&self) -> Duration {
        Duration::from_millis((self.limits.lease / 3).max(1))
    }

    fn watched(&self, room: &RoomId) -> Option<Arc<RoomSubscription>> {
        self.rooms.get(room.as_str()).map(|subscription| Arc::clone(&subscription))
    }

    /// Why Redis does not know a member. Where its session is here, Redis has lost it: it is brought back before the
    /// next try.
    fn unknown(&self, room: &RoomId, member: MemberId) -> StoreError {
        let is_here =
            |room: &Arc<RoomSubscription>| room.replica().sessions().contains_key(&member);
        let Some(subscription) = self.watched(room).filter(is_here) else {
            return RoomError::NotMember.into();
        };
        subscription.replica().mark_evicted();
        subscription.wake();
        StoreError::Unavailable
    }

    /// The subscription to a room, new if need be.
    fn subscription(self: &Arc<Self>, room: &RoomId) -> Result<Arc<RoomSubscription>, StoreError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable);
        }
        if let Some(subscription) = self.watched(room) {
            return Ok(subscription);
        }
        Ok(Arc::clone(
            &self
                .rooms
                .entry(room.as_str().into())
                .or_insert_with(|| repair::subscription(self, room)),
        ))
    }

    fn forget(&self, subscription: &RoomSubscription) {
        self.rooms
            .remove_if(subscription.room.as_str(), |_, known| std::ptr::eq(&**known, subscription));
    }

    /// The subscriptions to rooms whose slot is picked.
    fn subscriptions(&self, pick: impl Fn(u16) -> bool) -> Vec<Arc<RoomSubscription>> {
        self.rooms
            .iter()
            .filter(|subscription| pick(subscription.keys.slot()))
            .map(|subscription| Arc::clone(&subscription))
            .collect()
    }

    fn mark_unsubscribed(&self, subscriptions: &[Arc<RoomSubscription>]) {
        for subscription in subscriptions {
            subscription.replica().mark_unsubscribed();
            subscription.wake();
        }
    }

    /// Runs a script that returns no more than that it is done.
    async fn mark(&self, script: &Script, room: &RoomId, args: Vec<Str>) -> Result<(), StoreError> {
        let mut reply =
            self.router.run(script, &self.keys(room), args, Instant::now() + DEADLINE).await?;
        match reply.word().as_deref() {
            Some("OK") => Ok(()),
            Some("ENOMEMBER") => Err(RoomError::NotMember.into()),
            _ => Err(codec::garbled("a script")),
        }
    }

    /// Reads a room, whole or for a subscriber at a cursor. Returns also whether the history reaches back to that cursor.
    async fn read(
        &self,
        keys: &Keys,
        members: Members,
        history: Want,
        deadline: Instant,
    ) -> Result<Option<(RoomState, bool)>, StoreError> {
        let read = self.look(keys, members, history, None, deadline).await?;
        Ok(read.map(|read| (read.room_state, read.reaches)))
    }

    /// The same with the time, and the mark of a member's address.
    async fn look(
        &self,
        keys: &Keys,
        members: Members,
        history: Want,
        marked: Option<MemberId>,
        deadline: Instant,
    ) -> Result<Option<Read>, StoreError> {
        let (epoch, after) = match history {
            Want::Nothing => (Str::new(), Str::from_static("none")),
            Want::All => (Str::new(), Str::from_static("all")),
            Want::Since(epoch, seq) => (codec::epoch(epoch), number(seq)),
        };
        let members = match members {
            Members::All => Str::from_static("1"),
            Members::One(id) => codec::id(id),
            Members::Counted => Str::new(),
        };
        let args = vec![
            number(self.limits.lease),
            number(self.limits.history_age),
            members,
            epoch,
            after,
            marked.map(codec::id).unwrap_or_default(),
        ];
        let mut reply = self.router.run(&scripts::LOOK, keys, args, deadline).await?;
        let read = match reply.word().as_deref() {
            Some("OK") => Read::of(reply),
            Some("ENOROOM") => return Ok(None),
            _ => None,
        };
        read.map(Some).ok_or_else(|| codec::garbled("look"))
    }
}

/// Which members to list; the others are counted.
#[derive(Clone, Copy)]
enum Members {
    /// All of them.
    All,
    /// This one, if it is a member.
    One(MemberId),
    /// None of them.
    Counted,
}

/// How much of a room's log to read.
#[derive(Clone, Copy)]
enum Want {
    /// None of it.
    Nothing,
    /// What is kept.
    All,
    /// What a subscriber at this cursor has missed, and the last entry before that, if it is kept.
    Since(Epoch, Seq),
}
