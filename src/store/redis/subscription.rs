//! One room at one node: the members of this node, and the repairs that keep their sessions, the subscription and
//! the stream correct whatever happens to Redis.

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::Ordering},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::{Mutex as Gate, Notify, OwnedMutexGuard},
    task::AbortHandle,
    time::{Instant, timeout_at},
};

use super::{
    DEADLINE, Members, Shared, Want,
    codec::{BrokerMessage, JoinReply, Position, garbled},
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
    inbox: Mutex<RoomReplica>,
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
        let watch = Arc::new(Self {
            room: room.clone(),
            keys: shared.keys(room),
            gate: Arc::default(),
            queue: Queue::default(),
            inbox: Mutex::new(RoomReplica::new(shared.node)),
            wake: Notify::new(),
            news: Notify::new(),
            away: Mutex::new(false),
            renewal: Mutex::new(Instant::now() + shared.period()),
            reconciler: OnceLock::new(),
        });
        let reconciler = tokio::spawn(repair::keep(Arc::downgrade(shared), Arc::downgrade(&watch)));
        let _ = watch.reconciler.set(reconciler.abort_handle());
        watch
    }

    /// Stops the repair task.
    pub(super) fn abandon(&self) {
        if let Some(reconciler) = self.reconciler.get() {
            reconciler.abort();
        }
    }

    /// The state machine. Its events are passed on under this lock, so in order.
    pub(super) fn inbox(&self) -> MutexGuard<'_, RoomReplica> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the lease is to be renewed.
    pub(super) fn renewal(&self) -> Instant {
        *self.renewal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lease has been renewed; again after `period`.
    pub(super) fn renewed(&self, period: Duration) {
        *self.renewal.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + period;
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
        let mut inbox = self.inbox();
        inbox.hear(news, &mut |event| shared.feed.tell(&self.room, event));
        if inbox.is_faulty() {
            self.wake();
        }
        drop(inbox);
        if !said {
            self.notify();
        }
    }

    pub(super) fn expect(&self, mark: Position) {
        if self.inbox().expect(mark, Instant::now()) {
            self.wake();
        }
    }

    /// Tells the handler whether the room is in reach, if that has changed.
    pub(super) fn tell_reach(&self, shared: &Shared) {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        let is_away = shared.links.is_away(self.keys.slot());
        if std::mem::replace(&mut *away, is_away) != is_away {
            shared.feed.link(&self.room, !is_away);
        }
    }

    /// Takes the gate; `None` if the subscription was retired meanwhile.
    pub(super) async fn pass(&self, deadline: Instant) -> Result<Option<OwnedMutexGuard<GateState>>, StoreError> {
        let gate = timeout_at(deadline, Arc::clone(&self.gate).lock_owned()).await.map_err(|_| StoreError::Unavailable)?;
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
        watch: &RoomSubscription,
        (id, tag): (MemberId, u64),
        mut room: Snapshot,
        deadline: Instant,
    ) -> Result<Snapshot, StoreError> {
        let mut seen = watch.inbox().fills();
        loop {
            let mut news = pin!(watch.news.notified());
            news.as_mut().enable();
            if self.closed.load(Ordering::Relaxed) {
                return Err(StoreError::Unavailable);
            }
            let again = {
                let mut inbox = watch.inbox();
                // A session that another connection or node has taken finds that out by itself.
                let gone = inbox.seats().get(&id).is_none_or(|seat| seat.tag != tag);
                if gone || inbox.reaches(&room) {
                    return Ok(inbox.shown_to(id, self.limits.listed, room));
                }
                let strange = room.epoch != inbox.heard().0;
                let again = strange && inbox.fills() != seen;
                if strange && !again {
                    inbox.mark_gap();
                    watch.wake();
                }
                seen = inbox.fills();
                again
            };
            if !again {
                timeout_at(deadline, news).await.map_err(|_| StoreError::Unavailable)?;
                continue;
            }
            let read = self.read(&watch.keys, Members::Counted, Want::All, deadline).await?;
            let (picture, _) = read.ok_or(StoreError::Unavailable)?;
            watch.expect(picture.mark());
            room = picture.room;
        }
    }

    /// Ends the subscription to a room in which this node has no members any more.
    pub(super) async fn retire(&self, watch: &RoomSubscription, gate: &mut GateState) {
        // Before the room is forgotten: the next subscription must not be ended by this one.
        // Also where none is known: one that was given up may have happened, or may still happen.
        if let Some(link) = gate.subscribed.take().or_else(|| self.links.route(watch.keys.slot())) {
            link.unsubscribe(watch.keys.channel()).await;
        }
        gate.retired = true;
        self.forget(watch);
        watch.notify();
        // Where its repair task does this, it ends at its next wait.
        watch.abandon();
    }

    /// Renews the lease of this node's members, and repairs what is wrong.
    pub(super) async fn reconcile(self: &Arc<Self>, watch: &RoomSubscription) -> Result<(), StoreError> {
        let deadline = Instant::now() + DEADLINE;
        let Some(mut gate) = watch.pass(deadline).await? else { return Ok(()) };
        if watch.inbox().seats().is_empty() {
            self.retire(watch, &mut gate).await;
            return Ok(());
        }
        let unsubscribed = watch.inbox().take_unsubscribed();
        let listens = gate.subscribed.as_ref().is_some_and(|link| self.links.leads_to(watch.keys.slot(), link));
        if unsubscribed || !listens {
            gate.subscribed = None;
            match self.links.subscribe(&watch.keys, deadline).await {
                Ok(link) => gate.subscribed = Some(link),
                Err(error) => {
                    watch.inbox().mark_unsubscribed();
                    return Err(error);
                }
            }
            count(&self.counts.resub);
            watch.inbox().mark_gap();
        }
        let mut evicted = watch.inbox().take_evicted();
        if !evicted {
            match self.renew(&[watch], self.lease(), deadline).await?.pop().transpose()?.flatten() {
                Some(mark) => watch.expect(mark),
                None => evicted = true,
            }
        }
        loop {
            if evicted {
                if let Err(error) = self.rejoin_members(watch, deadline).await {
                    watch.inbox().mark_evicted();
                    return Err(error);
                }
                watch.inbox().mark_gap();
            }
            if !watch.inbox().is_filling() {
                break;
            }
            self.fill(watch, deadline).await?;
            // The room as read may show that a failover has lost sessions: they come back before any event is passed on.
            evicted = watch.inbox().take_evicted();
        }
        if watch.inbox().seats().is_empty() {
            self.retire(watch, &mut gate).await;
        }
        watch.renewed(self.period());
        Ok(())
    }

    /// Brings this node's members back. Those that have moved to another node meanwhile stay there.
    async fn rejoin_members(&self, watch: &RoomSubscription, deadline: Instant) -> Result<(), StoreError> {
        let (key, seats) = {
            let inbox = watch.inbox();
            (inbox.key(), inbox.seats().clone())
        };
        let began = Instant::now();
        let sits = |id: MemberId, tag| watch.inbox().seats().get(&id).is_some_and(|seat| seat.tag == tag);
        let rejoin = |(id, seat): (MemberId, Seat)| async move {
            if !sits(id, seat.tag) {
                return Ok(());
            }
            let joiner = Joiner { id, name: &seat.name, tag: seat.tag, began, after: None };
            let args = self.join_args(&joiner, key, Some(&seat), false);
            let mut reply = self.links.run(&scripts::JOIN, &watch.keys, args, deadline).await?;
            match reply.word().as_deref() {
                Some("OK") => {
                    let JoinReply { picture, .. } = JoinReply::read(reply).ok_or_else(|| garbled("join"))?;
                    count(&self.counts.rejoin);
                    if !watch.inbox().renew(id, seat.tag, picture.room.version) {
                        // Given up meanwhile.
                        self.schedule_cleanup(&watch.room, id, seat.tag);
                    }
                }
                Some("ETAKEN") => watch.inbox().lose(id, seat.tag, &mut |event| self.feed.tell(&watch.room, event)),
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
    async fn fill(&self, watch: &RoomSubscription, deadline: Instant) -> Result<(), StoreError> {
        let want = {
            let mut inbox = watch.inbox();
            inbox.refill();
            let (epoch, seq) = inbox.heard();
            if inbox.is_forked() { Want::All } else { Want::Since(epoch, seq) }
        };
        let Some((picture, reaches)) = self.read(&watch.keys, Members::All, want, deadline).await? else {
            watch.inbox().mark_evicted();
            return Err(StoreError::Unavailable);
        };
        count(&self.counts.fill);
        if watch.inbox().forks(&picture) {
            // The room is read again from the beginning: events that were passed on cannot be taken back.
            return Ok(());
        }
        watch.inbox().fill(picture, reaches, &mut |event| {
            if matches!(event, Event::Reset(_)) {
                count(&self.counts.reset);
            }
            self.feed.tell(&watch.room, event);
        });
        watch.notify();
        Ok(())
    }
}
