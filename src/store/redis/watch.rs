//! One room at one node: who of this node sits in it, and the care that keeps
//! seats, subscription and stream true whatever happens to Redis.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::{Mutex as Gate, Notify, OwnedMutexGuard},
    task::AbortHandle,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{
    DEADLINE, Shared, Want,
    counts::count,
    inbox::{Inbox, Seat},
    keys::Keys,
    link::Str,
    record::{self, News, Reply, number},
    scripts,
};
use crate::{
    room::{Departure, Epoch, Joined, MemberId, Millis, Name, Refusal, RoomId, RoomKey, Said, Snapshot, Text},
    store::StoreError,
};

/// How soon a repair that failed is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// Members brought back at once.
const TOGETHER: usize = 64;

/// A room that this node watches.
pub(super) struct Watch {
    pub(super) room: RoomId,
    pub(super) keys: Keys,
    /// Whoever changes seats or the subscription comes through here, one at a time.
    gate: Arc<Gate<Passage>>,
    inbox: Mutex<Inbox>,
    wake: Notify,
    keeper: OnceLock<AbortHandle>,
}

/// What only the holder of the gate may change.
#[derive(Default)]
struct Passage {
    subscribed: bool,
    /// No longer the watch of its room: look it up again.
    retired: bool,
}

/// A join on its way. Unless it is settled, what it may have done is undone.
struct Attempt<'a> {
    shared: &'a Arc<Shared>,
    room: &'a RoomId,
    id: MemberId,
    tag: u64,
    settled: bool,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.shared.owe(self.room, self.id, self.tag);
        }
    }
}

/// What a join gave.
struct Admission {
    joined: Joined,
    /// This node's lease was known: its other members still sit.
    leased: bool,
    now: Millis,
    room: Snapshot,
}

fn read_admission(mut reply: Reply) -> Option<Admission> {
    let (new, last_n, leased, now) = (reply.flag()?, reply.number()?, reply.flag()?, reply.number()?);
    Some(Admission { joined: Joined { new, last_n }, leased, now, room: reply.snapshot()? })
}

pub(super) fn garbled(script: &str) -> StoreError {
    StoreError::Broken(format!("the answer of {script} cannot be read"))
}

impl Watch {
    /// The watch over a room, with its keeper.
    pub(super) fn new(shared: &Arc<Shared>, room: &RoomId) -> Arc<Self> {
        let watch = Arc::new(Self {
            room: room.clone(),
            keys: shared.keys(room),
            gate: Arc::default(),
            inbox: Mutex::new(Inbox::new()),
            wake: Notify::new(),
            keeper: OnceLock::new(),
        });
        let keeper = tokio::spawn(keep(Arc::downgrade(shared), Arc::downgrade(&watch)));
        let _ = watch.keeper.set(keeper.abort_handle());
        watch
    }

    /// Stops caring.
    pub(super) fn abandon(&self) {
        if let Some(keeper) = self.keeper.get() {
            keeper.abort();
        }
    }

    /// The state machine. What it tells is told under this lock, so in order.
    pub(super) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the keeper look after the room now.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Takes news from the room's channel.
    pub(super) fn hear(&self, shared: &Shared, news: News) {
        let mut inbox = self.inbox();
        inbox.hear(news, &mut |event| shared.feed.tell(&self.room, event));
        if inbox.is_faulty() {
            self.wake();
        }
    }

    fn expect(&self, epoch: Epoch, seq: u64, version: u64) {
        if self.inbox().expect(epoch, seq, version, Instant::now()) {
            self.wake();
        }
    }

    /// Comes through the gate; `None` if the watch was retired meanwhile.
    async fn pass(&self, deadline: Instant) -> Result<Option<OwnedMutexGuard<Passage>>, StoreError> {
        let gate = timeout_at(deadline, Arc::clone(&self.gate).lock_owned()).await.map_err(|_| StoreError::Unavailable)?;
        Ok(if gate.retired { None } else { Some(gate) })
    }
}

impl Shared {
    /// See [`crate::store::Store::join`].
    pub(super) async fn join(
        self: &Arc<Self>,
        room: &RoomId,
        id: MemberId,
        name: &Name,
        tag: u64,
    ) -> Result<(Joined, Snapshot), StoreError> {
        let deadline = Instant::now() + DEADLINE;
        let (watch, mut gate) = loop {
            let watch = self.watch(room)?;
            if let Some(gate) = watch.pass(deadline).await? {
                break (watch, gate);
            }
        };
        let result = self.admit(&watch, &mut gate, id, name, tag, deadline).await;
        if result.is_err() && watch.inbox().seats().is_empty() {
            self.retire(&watch, &mut gate).await;
        }
        result
    }

    /// Listens first, then joins: what is said in between waits in the inbox.
    async fn admit(
        self: &Arc<Self>,
        watch: &Watch,
        gate: &mut Passage,
        id: MemberId,
        name: &Name,
        tag: u64,
        deadline: Instant,
    ) -> Result<(Joined, Snapshot), StoreError> {
        if !gate.subscribed {
            self.route(&watch.room).subscribe(watch.keys.channel(), deadline).await?;
            gate.subscribed = true;
        }
        let mut attempt = Attempt { shared: self, room: &watch.room, id, tag, settled: false };
        let args = self.join_args(id, tag, name, RoomKey::random(), None);
        let answer = self.route(&watch.room).run(&scripts::JOIN, &watch.keys, args, deadline).await;
        attempt.settled = !matches!(answer, Err(StoreError::Unavailable));
        let mut reply = answer?;
        match reply.word().as_deref() {
            Some("OK") => {}
            Some("EFULL") => return Err(Refusal::RoomFull.into()),
            _ => return Err(garbled("join")),
        }
        let Admission { joined, leased, now, room } = read_admission(reply).ok_or_else(|| garbled("join"))?;
        let joined_at = room.members.iter().find(|member| member.id == id).map_or(now, |member| member.joined_at);
        {
            let mut inbox = watch.inbox();
            let first = inbox.seats().is_empty();
            inbox.sit(id, Seat { tag, since: now, name: name.clone(), joined_at, version: room.version });
            if first {
                inbox.open(&room, joined.new.then_some(id), &mut |event| self.feed.tell(&watch.room, event));
            } else if !leased {
                inbox.unseat();
            }
            if inbox.is_faulty() {
                watch.wake();
            }
        }
        watch.expect(room.epoch, room.seq, room.version);
        Ok((joined, room))
    }

    fn join_args(&self, id: MemberId, tag: u64, name: &Name, key: RoomKey, again: Option<&Seat>) -> Vec<Str> {
        let (since, joined_at) = again.map_or_else(Default::default, |seat| (number(seat.since), number(seat.joined_at)));
        vec![
            record::id(id),
            self.node_word(),
            number(tag),
            Str::from(name.as_str()),
            record::epoch(Epoch::random()),
            record::key(&key),
            number(self.limits.members),
            number(self.limits.history_age),
            number(self.limits.lease),
            number(self.ttl.as_millis()),
            since,
            joined_at,
        ]
    }

    /// See [`crate::store::Store::leave`].
    pub(super) async fn leave(
        self: &Arc<Self>,
        room: &RoomId,
        id: MemberId,
        tag: u64,
        reason: Departure,
    ) -> Result<(), StoreError> {
        let deadline = Instant::now() + DEADLINE;
        let Some(watch) = self.watched(room) else { return self.vacate(room, id, tag, reason, deadline).await };
        let Some(mut gate) = watch.pass(deadline).await? else {
            return self.vacate(room, id, tag, reason, deadline).await;
        };
        let last = {
            let mut inbox = watch.inbox();
            let last = inbox.seats().len() == 1 && inbox.seats().get(&id).is_some_and(|seat| seat.tag == tag);
            if last {
                inbox.hold();
            }
            last
        };
        let result = self.vacate(room, id, tag, reason, deadline).await;
        let empty = {
            let mut inbox = watch.inbox();
            if result.is_ok() {
                inbox.rise(id, tag);
            }
            let empty = inbox.seats().is_empty();
            if last && !empty {
                inbox.release(&mut |event| self.feed.tell(room, event));
            }
            empty
        };
        if empty {
            self.retire(&watch, &mut gate).await;
        }
        result
    }

    /// Frees a seat in Redis. Whoever does not sit there has left already.
    pub(super) async fn vacate(
        &self,
        room: &RoomId,
        id: MemberId,
        tag: u64,
        reason: Departure,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        let (lease, period) = (number(self.limits.lease), number(self.period().as_millis()));
        let args = vec![record::id(id), self.node_word(), number(tag), Str::from(reason.as_str()), lease, period];
        self.route(room).run(&scripts::LEAVE, &self.keys(room), args, deadline).await.map(drop)
    }

    /// See [`crate::store::Store::say`].
    pub(super) async fn say(self: &Arc<Self>, room: &RoomId, from: MemberId, n: u64, text: &Text) -> Result<Said, StoreError> {
        let deadline = Instant::now() + DEADLINE;
        let watch = self.watched(room);
        let here = || watch.as_ref().filter(|watch| watch.inbox().seats().contains_key(&from));
        loop {
            let (epoch, seq) = watch.as_ref().map(|watch| watch.inbox().heard()).unzip();
            let args = vec![
                record::id(from),
                number(n),
                Str::from(text.as_str()),
                epoch.map(record::epoch).unwrap_or_default(),
                number(seq.unwrap_or_default()),
                record::epoch(Epoch::random()),
                number(self.limits.history_len),
                number(self.limits.history_age),
            ];
            let keys = watch.as_ref().map_or_else(|| self.keys(room), |watch| watch.keys.clone());
            let mut reply = self.route(room).run(&scripts::SAY, &keys, args, deadline).await?;
            match (reply.word().as_deref(), here()) {
                (Some("OK"), _) => {
                    let said = (|| Some((reply.epoch()?, reply.number()?, reply.number()?, reply.flag()?)))();
                    let (epoch, seq, at, repeated) = said.ok_or_else(|| garbled("say"))?;
                    if let Some(watch) = &watch {
                        watch.expect(epoch, seq, 0);
                    }
                    return Ok(Said { seq, at, repeated });
                }
                (Some("ENOMEMBER"), Some(watch)) => {
                    // It sits here, so Redis has lost it: bring it back, then say it again.
                    watch.inbox().unseat();
                    let (shared, watch) = (Arc::clone(self), Arc::clone(watch));
                    let mending = tokio::spawn(async move { shared.tend(&watch).await });
                    timeout_at(deadline, mending).await.map_err(|_| StoreError::Unavailable)?.unwrap_or(Ok(()))?;
                }
                (Some("ENOMEMBER"), None) => return Err(Refusal::NotMember.into()),
                (Some("ESTALE"), _) => return Err(Refusal::StaleN.into()),
                _ => return Err(garbled("say")),
            }
        }
    }

    /// At the end of this node: everybody it holds leaves the room.
    pub(super) async fn dissolve(self: &Arc<Self>, watch: &Watch) {
        watch.abandon();
        let deadline = Instant::now() + DEADLINE;
        let Ok(Some(mut gate)) = watch.pass(deadline).await else { return };
        let seats = watch.inbox().seats().clone();
        watch.inbox().hold();
        let goodbyes = seats.into_iter().map(|(id, seat)| self.vacate(&watch.room, id, seat.tag, Departure::Shutdown, deadline));
        stream::iter(goodbyes).buffer_unordered(TOGETHER).for_each(|_| async {}).await;
        gate.retired = true;
        self.forget(watch);
    }

    /// Ends the watch over a room in which nobody of this node sits any more.
    async fn retire(&self, watch: &Watch, gate: &mut Passage) {
        gate.retired = true;
        self.forget(watch);
        if std::mem::take(&mut gate.subscribed) {
            self.route(&watch.room).unsubscribe(watch.keys.channel()).await;
        }
        watch.wake();
    }

    /// Renews the lease of this node's members, and puts right whatever is not.
    async fn tend(self: &Arc<Self>, watch: &Watch) -> Result<(), StoreError> {
        let deadline = Instant::now() + DEADLINE;
        let Some(mut gate) = watch.pass(deadline).await? else { return Ok(()) };
        if watch.inbox().seats().is_empty() {
            self.retire(watch, &mut gate).await;
            return Ok(());
        }
        let link = self.route(&watch.room);
        let deaf = watch.inbox().take_deaf();
        if deaf || !gate.subscribed {
            gate.subscribed = false;
            if let Err(error) = link.subscribe(watch.keys.channel(), deadline).await {
                watch.inbox().deafen();
                return Err(error);
            }
            gate.subscribed = true;
            count(&self.counts.resub);
            watch.inbox().distrust();
        }
        let mut unseated = watch.inbox().take_unseated();
        if !unseated {
            match self.renew(watch, deadline).await? {
                Some((epoch, seq, version)) => watch.expect(epoch, seq, version),
                None => unseated = true,
            }
        }
        if unseated {
            if let Err(error) = self.bring_back(watch, deadline).await {
                watch.inbox().unseat();
                return Err(error);
            }
            watch.inbox().distrust();
        }
        while watch.inbox().is_filling() {
            self.fill(watch, deadline).await?;
        }
        Ok(())
    }

    /// A word from this node. `None` when the room or this node's lease is gone.
    async fn renew(&self, watch: &Watch, deadline: Instant) -> Result<Option<(Epoch, u64, u64)>, StoreError> {
        let (epoch, seq) = watch.inbox().heard();
        let args = vec![
            self.node_word(),
            number(self.limits.lease),
            number(self.ttl.as_millis()),
            number(self.period().as_millis()),
            number(self.limits.history_age),
            record::epoch(epoch),
            number(seq),
            record::epoch(Epoch::random()),
        ];
        let mut reply = self.route(&watch.room).run(&scripts::RENEW, &watch.keys, args, deadline).await?;
        match reply.word().as_deref() {
            Some("OK") => reply.place().map(Some).ok_or_else(|| garbled("renew")),
            Some("ENOROOM" | "ELEASE") => Ok(None),
            _ => Err(garbled("renew")),
        }
    }

    /// Takes the seats of this node's members again. Whoever has moved elsewhere meanwhile stays there.
    async fn bring_back(&self, watch: &Watch, deadline: Instant) -> Result<(), StoreError> {
        let (key, seats) = {
            let inbox = watch.inbox();
            (inbox.key(), inbox.seats().clone())
        };
        let rejoin = |(id, seat): (MemberId, Seat)| async move {
            let args = self.join_args(id, seat.tag, &seat.name, key, Some(&seat));
            let mut reply = self.route(&watch.room).run(&scripts::JOIN, &watch.keys, args, deadline).await?;
            match reply.word().as_deref() {
                Some("OK") => {
                    let Admission { room, .. } = read_admission(reply).ok_or_else(|| garbled("join"))?;
                    watch.inbox().sit(id, Seat { version: room.version, ..seat });
                    count(&self.counts.rejoin);
                }
                Some("ETAKEN") => watch.inbox().rise(id, seat.tag),
                _ => return Err(garbled("join")),
            }
            Ok(())
        };
        let mut seats = seats.into_iter();
        // The first may have to give birth to the room; the others need not wait for each other.
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
    async fn fill(&self, watch: &Watch, deadline: Instant) -> Result<(), StoreError> {
        let (epoch, seq) = {
            let mut inbox = watch.inbox();
            inbox.refill();
            inbox.heard()
        };
        let Some((room, reaches)) = self.read(&watch.keys, &watch.room, true, Want::Since(epoch, seq), deadline).await? else {
            watch.inbox().unseat();
            return Err(StoreError::Unavailable);
        };
        count(&self.counts.fill);
        if !watch.inbox().fill(room, reaches, &mut |event| self.feed.tell(&watch.room, event)) {
            count(&self.counts.reset);
        }
        Ok(())
    }
}

/// Renews three times a lease, and mends as soon as something is wrong.
async fn keep(shared: Weak<Shared>, watch: Weak<Watch>) {
    let mut renewal = match shared.upgrade() {
        Some(shared) => Instant::now() + shared.period(),
        None => return,
    };
    loop {
        let Some(watched) = watch.upgrade() else { return };
        let alarm = watched.inbox().alarm();
        let until = alarm.map_or(renewal, |alarm| alarm.min(renewal));
        tokio::select! {
            () = watched.wake.notified() => {}
            () = sleep_until(until) => {}
        }
        let Some(store) = shared.upgrade() else { return };
        if watched.gate.try_lock().is_ok_and(|gate| gate.retired) {
            return;
        }
        let now = Instant::now();
        if watched.inbox().overdue(now) {
            count(&store.counts.heal);
        }
        if now < renewal && !watched.inbox().is_faulty() {
            continue;
        }
        match store.tend(&watched).await {
            Ok(()) => renewal = Instant::now() + store.period(),
            Err(error) => {
                if !matches!(error, StoreError::Unavailable) {
                    tracing::warn!(room = %watched.room, %error, "a room cannot be kept in Redis");
                }
                sleep(RETRY).await;
                renewal = renewal.min(Instant::now());
                watched.wake();
            }
        }
    }
}
