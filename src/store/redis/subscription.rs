//! One room at one node: the members of this node, and the repairs that keep their sessions, the subscription and
//! the stream correct whatever happens to Redis.

use std::{
    pin::pin,
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::{Mutex as Gate, Notify, OwnedMutexGuard},
    task::AbortHandle,
    time::{Instant, timeout_at},
};

use super::{
    DEADLINE, Members, Shared, Want,
    broker_message::BrokerMessage,
    codec::{JoinReply, Position, garbled},
    connection::RedisConnection,
    keys::Keys,
    queue::Queue,
    repair,
    repair_counts::count,
    replica::{RoomReplica, Seat},
    scripts,
    seats::Joiner,
    spoiled,
};
use crate::{
    room::{MemberId, RoomId, Snapshot},
    store::{Event, StoreError},
};

/// Members brought back at once.
pub(super) const TOGETHER: usize = 64;

/// A room to which this node is subscribed.
pub(super) struct RoomSubscription {
    pub(super) room: RoomId,
    pub(super) keys: Keys,
    /// Each task that changes sessions or the subscription takes this lock, one at a time.
    gate: Arc<Gate<GateState>>,
    /// The joins among them.
    queue: Queue,
    replica: Mutex<RoomReplica>,
    pub(super) wake: Notify,
    /// Notified by an event other than a message, or by the loss of a session: a join that waits for its welcome looks again.
    news: Notify,
    /// Whether the node was told that the room is out of reach.
    away: Mutex<bool>,
    /// When the lease of this node's members is to be renewed.
    renewal: Mutex<Instant>,
    reconciler: OnceLock<AbortHandle>,
}

/// What only the holder of the gate may change.
#[derive(Default)]
pub(super) struct GateState {
    /// The connection on which the room's messages come.
    pub(super) subscribed: Option<Arc<RedisConnection>>,
    /// No longer the subscription of its room: look it up again.
    pub(super) retired: bool,
}

impl RoomSubscription {
    /// The subscription to a room, with its repair task.
    pub(super) fn new(shared: &Arc<Shared>, room: &RoomId) -> Arc<Self> {
        let subscription = Arc::new(Self {
            room: room.clone(),
            keys: shared.keys(room),
            gate: Arc::default(),
            queue: Queue::default(),
            replica: Mutex::new(RoomReplica::new(shared.node)),
            wake: Notify::new(),
            news: Notify::new(),
            away: Mutex::new(false),
            renewal: Mutex::new(Instant::now() + shared.period()),
            reconciler: OnceLock::new(),
        });
        let reconciler =
            tokio::spawn(repair::keep(Arc::downgrade(shared), Arc::downgrade(&subscription)));
        let _ = subscription.reconciler.set(reconciler.abort_handle());
        subscription
    }

    /// Stops the repair task.
    pub(super) fn abandon(&self) {
        if let Some(reconciler) = self.reconciler.get() {
            reconciler.abort();
        }
    }

    /// The state machine. Its events are passed on under this lock, so in order.
    pub(super) fn replica(&self) -> MutexGuard<'_, RoomReplica> {
        self.replica.lock()
    }

    /// When the lease is to be renewed.
    pub(super) fn renewal(&self) -> Instant {
        *self.renewal.lock()
    }

    /// The lease has been renewed; again after `period`.
    pub(super) fn renewed(&self, period: Duration) {
        *self.renewal.lock() = Instant::now() + period;
    }

    /// Wakes the joins that wait for their welcome.
    pub(super) fn notify(&self) {
        self.news.notify_waiters();
    }

    /// Wakes the repair task.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Takes a message from the room's channel.
    pub(super) fn hear(&self, shared: &Shared, news: BrokerMessage) {
        let said = matches!(news, BrokerMessage::Said { .. });
        let mut replica = self.replica();
        replica.hear(news, &mut |event| shared.events.on_event(&self.room, event));
        if replica.is_faulty() {
            self.wake();
        }
        drop(replica);
        if !said {
            self.notify();
        }
    }

    pub(super) fn expect(&self, position: Position) {
        if self.replica().expect(position, Instant::now()) {
            self.wake();
        }
    }

    /// Tells the handler whether the room is in reach, if that has changed.
    pub(super) fn tell_reach(&self, shared: &Shared) {
        let mut away = self.away.lock();
        let is_away = shared.router.is_away(self.keys.slot());
        if std::mem::replace(&mut *away, is_away) != is_away {
            shared.events.on_availability(&self.room, !is_away);
        }
    }

    /// Takes the gate; `None` if the subscription was retired meanwhile.
    pub(super) async fn pass(
        &self,
        deadline: Instant,
    ) -> Result<Option<OwnedMutexGuard<GateState>>, StoreError> {
        let gate = timeout_at(deadline, Arc::clone(&self.gate).lock_owned())
            .await
            .map_err(|_| StoreError::Unavailable)?;
        Ok(if gate.retired { None } else { Some(gate) })
    }

    /// Takes the gate to join. Where that takes too long and Redis `answers`, the error says when to come back.
    pub(super) async fn pass_to_join(
        &self,
        answers: impl Fn() -> bool,
        deadline: Instant,
    ) -> Result<Option<OwnedMutexGuard<GateState>>, StoreError> {
        if let Some(gate) = self.try_pass() {
            return Ok(Some(gate));
        }
        if answers() {
            self.queue.admit().map_err(StoreError::Busy)?;
        }
        let place = self.queue.enter();
        match self.pass(deadline).await {
            Err(StoreError::Unavailable) if answers() => Err(StoreError::Busy(self.queue.book())),
            passed => passed.inspect(|_| place.served()),
        }
    }

    /// Takes the gate if it is free and the subscription is not retired.
    pub(super) fn try_pass(&self) -> Option<OwnedMutexGuard<GateState>> {
        Arc::clone(&self.gate).try_lock_owned().ok().filter(|gate| !gate.retired)
    }
}

impl Shared {
    /// Waits until this node's stream has reached the snapshot of a join, and adds the members that this node was told of.
    /// So Redis need not list them, and nothing lies between the snapshot and the next event.
    /// Where the room was read again and has another epoch, its log is read again, too.
    pub(super) async fn welcome(
        &self,
        subscription: &RoomSubscription,
        (id, tag): (MemberId, u64),
        mut room: Snapshot,
        deadline: Instant,
    ) -> Result<Snapshot, StoreError> {
        let mut seen = subscription.replica().resyncs();
        loop {
            let mut news = pin!(subscription.news.notified());
            news.as_mut().enable();
            if self.closed.load(Ordering::Relaxed) {
                return Err(StoreError::Unavailable);
            }
            let again = {
                let mut replica = subscription.replica();
                // A session that another connection or node has taken finds that out by itself.
                let gone = replica.seats().get(&id).is_none_or(|seat| seat.tag != tag);
                if gone || replica.reaches(&room) {
                    return Ok(replica.shown_to(id, self.limits.listed, room));
                }
                let strange = room.epoch != replica.heard().0;
                let again = strange && replica.resyncs() != seen;
                if strange && !again {
                    replica.mark_gap();
                    subscription.wake();
                }
                seen = replica.resyncs();
                again
            };
            if !again {
                timeout_at(deadline, news).await.map_err(|_| StoreError::Unavailable)?;
                continue;
            }
            let read = self.read(&subscription.keys, Members::Counted, Want::All, deadline).await?;
            let (room_state, _) = read.ok_or(StoreError::Unavailable)?;
            subscription.expect(room_state.position());
            room = room_state.room;
        }
    }

    /// Ends the subscription to a room in which this node has no members any more.
    pub(super) async fn retire(&self, subscription: &RoomSubscription, gate: &mut GateState) {
        // Before the room is forgotten: the next subscription must not be ended by this one.
        // Also where none is known: one that was given up may have happened, or may still happen.
        if let Some(connection) =
            gate.subscribed.take().or_else(|| self.router.route(subscription.keys.slot()))
        {
            connection.unsubscribe(subscription.keys.channel()).await;
        }
        gate.retired = true;
        self.forget(subscription);
        subscription.notify();
        // Where its repair task does this, it ends at its next wait.
        subscription.abandon();
    }

    /// Renews the lease of this node's members, and repairs what is wrong.
    pub(super) async fn reconcile(
        self: &Arc<Self>,
        subscription: &RoomSubscription,
    ) -> Result<(), StoreError> {
        let deadline = Instant::now() + DEADLINE;
        let Some(mut gate) = subscription.pass(deadline).await? else { return Ok(()) };
        if subscription.replica().seats().is_empty() {
            self.retire(subscription, &mut gate).await;
            return Ok(());
        }
        let unsubscribed = subscription.replica().take_unsubscribed();
        let listens = gate
            .subscribed
            .as_ref()
            .is_some_and(|connection| self.router.leads_to(subscription.keys.slot(), connection));
        if unsubscribed || !listens {
            gate.subscribed = None;
            match self.router.subscribe(&subscription.keys, deadline).await {
                Ok(connection) => gate.subscribed = Some(connection),
                Err(error) => {
                    subscription.replica().mark_unsubscribed();
                    return Err(error);
                }
            }
            count(&self.counts.resub);
            subscription.replica().mark_gap();
        }
        let mut evicted = subscription.replica().take_evicted();
        if !evicted {
            match self
                .renew(&[subscription], self.lease(), deadline)
                .await?
                .pop()
                .transpose()?
                .flatten()
            {
                Some(position) => subscription.expect(position),
                None => evicted = true,
            }
        }
        loop {
            if evicted {
                if let Err(error) = self.rejoin_members(subscription, deadline).await {
                    subscription.replica().mark_evicted();
                    return Err(error);
                }
                subscription.replica().mark_gap();
            }
            if !subscription.replica().is_filling() {
                break;
            }
            self.fill(subscription, deadline).await?;
            // The room as read may show that a failover has lost sessions: they come back before any event is passed on.
            evicted = subscription.replica().take_evicted();
        }
        if subscription.replica().seats().is_empty() {
            self.retire(subscription, &mut gate).await;
        }
        subscription.renewed(self.period());
        Ok(())
    }

    /// Brings this node's members back. Those that have moved to another node meanwhile stay there.
    async fn rejoin_members(
        &self,
        subscription: &RoomSubscription,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        let (key, seats) = {
            let replica = subscription.replica();
            (replica.key(), replica.seats().clone())
        };
        let began = Instant::now();
        let sits = |id: MemberId, tag| {
            subscription.replica().seats().get(&id).is_some_and(|seat| seat.tag == tag)
        };
        let rejoin = |(id, seat): (MemberId, Seat)| async move {
            if !sits(id, seat.tag) {
                return Ok(());
            }
            let joiner = Joiner { id, name: &seat.name, tag: seat.tag, began, after: None };
            let args = self.join_args(&joiner, key, Some(&seat), false);
            let mut reply =
                self.router.run(&scripts::JOIN, &subscription.keys, args, deadline).await?;
            match reply.word().as_deref() {
                Some("OK") => {
                    let JoinReply { room_state, .. } =
                        JoinReply::read(reply).ok_or_else(|| garbled("join"))?;
                    count(&self.counts.rejoin);
                    if !subscription.replica().renew(id, seat.tag, room_state.room.version) {
                        // Given up meanwhile.
                        self.schedule_cleanup(&subscription.room, id, seat.tag);
                    }
                }
                Some("ETAKEN") => subscription.replica().lose(id, seat.tag, &mut |event| {
                    self.events.on_event(&subscription.room, event)
                }),
                Some("EBROKEN") => return Err(spoiled::numbers()),
                _ => return Err(garbled("join")),
            }
            Ok(())
        };
        let mut seats = seats.into_iter();
        // The first may have to create the room; the others need not wait for each other.
        if let Some(first) = seats.next() {
            rejoin(first).await?;
        }
        let mut rest = stream::iter(seats.map(rejoin)).buffer_unordered(TOGETHER);
        while let Some(result) = rest.next().await {
            result?;
        }
        Ok(())
    }

    /// Reads the room again and tells what was missed.
    async fn fill(
        &self,
        subscription: &RoomSubscription,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        let want = {
            let mut replica = subscription.replica();
            replica.refill();
            let (epoch, seq) = replica.heard();
            if replica.is_forked() { Want::All } else { Want::Since(epoch, seq) }
        };
        let Some((room_state, reaches)) =
            self.read(&subscription.keys, Members::All, want, deadline).await?
        else {
            subscription.replica().mark_evicted();
            return Err(StoreError::Unavailable);
        };
        count(&self.counts.fill);
        if subscription.replica().forks(&room_state) {
            // The room is read again from the beginning: events that were passed on cannot be taken back.
            return Ok(());
        }
        subscription.replica().fill(room_state, reaches, &mut |event| {
            if matches!(event, Event::Reset(_)) {
                count(&self.counts.reset);
            }
            self.events.on_event(&subscription.room, event);
        });
        subscription.notify();
        Ok(())
    }
}
