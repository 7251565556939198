//! One room at one node: its subscription, the gate that changes it, and the welcome of a new member.

use std::{
    pin::pin,
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::{Mutex as Gate, Notify, OwnedMutexGuard},
    task::AbortHandle,
    time::{Instant, timeout_at},
};

use super::{
    Members, Shared, Want, broker_message::BrokerMessage, codec::Position,
    connection::RedisConnection, keys::Keys, queue::Queue, replica::RoomReplica,
};
use crate::{
    room::{MemberId, RoomId, Snapshot},
    store::StoreError,
};

/// Members brought back, or taken leave of, at once.
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
    message: Notify,
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
    /// The subscription to a room, without its repair task.
    pub(super) fn new(shared: &Shared, room: &RoomId) -> Self {
        Self {
            room: room.clone(),
            keys: shared.keys(room),
            gate: Arc::default(),
            queue: Queue::default(),
            replica: Mutex::new(RoomReplica::new(shared.node)),
            wake: Notify::new(),
            message: Notify::new(),
            away: Mutex::new(false),
            renewal: Mutex::new(Instant::now() + shared.period()),
            reconciler: OnceLock::new(),
        }
    }

    /// The repair task runs.
    pub(super) fn is_kept_by(&self, reconciler: AbortHandle) {
        let _ = self.reconciler.set(reconciler);
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
        self.message.notify_waiters();
    }

    /// Wakes the repair task.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Takes a message from the room's channel.
    pub(super) fn receive(&self, shared: &Shared, message: BrokerMessage) {
        let said = matches!(message, BrokerMessage::Said { .. });
        let mut replica = self.replica();
        replica.receive(message, &mut |event| shared.events.on_event(&self.room, event));
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
            let mut message = pin!(subscription.message.notified());
            message.as_mut().enable();
            if self.closed.load(Ordering::Relaxed) {
                return Err(StoreError::Unavailable);
            }
            let again = {
                let mut replica = subscription.replica();
                // A session that another connection or node has taken finds that out by itself.
                let gone = replica.sessions().get(&id).is_none_or(|session| session.tag != tag);
                if gone && replica.has_ended(&room.key) {
                    return Err(StoreError::Unavailable);
                }
                if gone || replica.reaches(&room) {
                    return Ok(replica.shown_to(id, self.limits.listed, room));
                }
                let strange = room.epoch != replica.received().0;
                let again = strange && replica.resyncs() != seen;
                if strange && !again {
                    replica.mark_gap();
                    subscription.wake();
                }
                seen = replica.resyncs();
                again
            };
            if !again {
                timeout_at(deadline, message).await.map_err(|_| StoreError::Unavailable)?;
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
}
