//! The task that repairs one room of a node: it renews what a renewal of many rooms could not, and reads what was
//! missed. So sessions, subscription and stream are correct whatever happens to Redis.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    DEADLINE, Members, Shared, Want,
    admission::Return,
    codec::{JoinReply, garbled},
    hosting::AGAIN,
    repair_counts::count,
    replica::HeldSession,
    scripts,
    sessions::Join,
    spoiled,
    subscription::{GateState, RoomSubscription, TOGETHER},
};
use crate::{
    room::{EndCause, Joiner, MemberId, RoomEnd, RoomId},
    store::{Event, StoreError},
};

/// How soon a repair that failed is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// The longest wait before another repair of a room whose keys hold what no script of ours wrote.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// The subscription to a room, with its repair task.
pub(super) fn subscription(shared: &Arc<Shared>, room: &RoomId) -> Arc<RoomSubscription> {
    let subscription = Arc::new(RoomSubscription::new(shared, room));
    subscription.is_kept_by(
        tokio::spawn(keep(Arc::downgrade(shared), Arc::downgrade(&subscription))).abort_handle(),
    );
    subscription
}

/// Repairs the room as soon as something is wrong, which includes a renewal that failed together with the others'.
async fn keep(shared: Weak<Shared>, subscription: Weak<RoomSubscription>) {
    let mut rest = RETRY;
    loop {
        let Some(watched) = subscription.upgrade() else { return };
        let alarm = watched.replica().alarm();
        tokio::select! {
            () = watched.wake.notified() => {}
            () = sleep_until(alarm.unwrap_or_else(Instant::now)), if alarm.is_some() => {}
        }
        let Some(store) = shared.upgrade() else { return };
        let now = Instant::now();
        let overdue = watched.replica().overdue(now);
        if let Some(mark) = overdue {
            // Messages on their way come first: a busy node gets them late, and must not read whole rooms for that.
            // Boxed, as the repair below: one task a room waits here, and hardly any of them needs either.
            Box::pin(store.router.settle(watched.keys.slot())).await;
            if watched.replica().missed(mark) {
                count(&store.counts.late_messages);
            }
        }
        if now < watched.renewal() && !watched.replica().is_faulty() {
            continue;
        }
        let reconciled =
            store.spoiled.note(&watched.room, Box::pin(store.reconcile(&watched)).await);
        // The content of a room's keys does not repair itself: the room is tried ever more rarely.
        rest = if matches!(reconciled, Err(StoreError::Broken(_))) {
            (rest * 2).min(LONGEST_REST)
        } else {
            RETRY
        };
        if reconciled.is_err() {
            drop(store);
            sleep(rest).await;
            watched.renewed(Duration::ZERO);
            watched.wake();
        }
    }
}

impl Shared {
    /// Renews the lease of this node's members, and repairs what is wrong.
    pub(super) async fn reconcile(
        self: &Arc<Self>,
        subscription: &RoomSubscription,
    ) -> Result<(), StoreError> {
        let deadline = Instant::now() + DEADLINE;
        let Some(mut gate) = subscription.pass(deadline).await? else { return Ok(()) };
        if subscription.replica().sessions().is_empty() {
            self.part(subscription, &mut gate).await;
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
            count(&self.counts.resubscribes);
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
                if let Err(error) = self.rejoin_members(subscription, &mut gate, deadline).await {
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
        if subscription.replica().sessions().is_empty() {
            self.part(subscription, &mut gate).await;
        }
        subscription.renewed(self.period());
        Ok(())
    }

    /// Ends the subscription to a room whose last member here is gone.
    async fn part(&self, subscription: &RoomSubscription, gate: &mut GateState) {
        subscription.replica().tell_kicked(|_, _| false, &mut |event| {
            self.events.on_event(&subscription.room, event)
        });
        self.retire(subscription, gate).await;
    }

    /// Brings this node's members back. Those that have moved to another node meanwhile stay there.
    ///
    /// It subscribes anew first: where the room is gone, this node may have missed that it was ended. If it was, the node
    /// that ended it says so again.
    pub(super) async fn rejoin_members(
        &self,
        subscription: &RoomSubscription,
        gate: &mut GateState,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        gate.subscribed = Some(self.router.subscribe(&subscription.keys, deadline).await?);
        let (key, rules, sessions) = {
            let replica = subscription.replica();
            (replica.key(), Arc::clone(replica.rules()), replica.sessions().clone())
        };
        let (rules, insists) = (&rules, &AtomicBool::new(false));
        let began = Instant::now();
        let sits = |id: MemberId, tag| {
            subscription.replica().sessions().get(&id).is_some_and(|session| session.tag == tag)
        };
        let rejoin = |(id, session): (MemberId, HeldSession)| async move {
            if !sits(id, session.tag) {
                return Ok(());
            }
            let joiner = Joiner { address: session.address, ..Joiner::new(id, &session.name) };
            let join = Join { joiner, tag: session.tag, began, after: None };
            let ask = async || {
                let insists = insists.load(Ordering::Relaxed);
                let again = Return { session: &session, rules, insists };
                let args = self.join_args(&join, key, Ok(&again), false, false);
                let mut reply =
                    self.router.run(&scripts::JOIN, &subscription.keys, args, deadline).await?;
                Ok::<_, StoreError>((reply.word(), reply))
            };
            let (mut word, mut reply) = ask().await?;
            if word.as_deref() == Some("EOTHER") {
                // This room was ended, or lost and then created by a newcomer. If it was ended, the node that did it
                // says so again and again.
                sleep(AGAIN + RETRY).await;
                if !sits(id, session.tag) {
                    return Ok(());
                }
                insists.store(true, Ordering::Relaxed);
                (word, reply) = ask().await?;
            }
            match word.as_deref() {
                Some("OK") => {
                    let JoinReply { room_state, .. } =
                        JoinReply::read(reply).ok_or_else(|| garbled("join"))?;
                    count(&self.counts.rejoin);
                    if !subscription.replica().renew(id, session.tag, room_state.room.version) {
                        // Given up meanwhile.
                        self.schedule_cleanup(&subscription.room, id, session.tag);
                    }
                }
                Some("ETAKEN") => subscription.replica().lose(id, session.tag, &mut |event| {
                    self.events.on_event(&subscription.room, event)
                }),
                Some("EKICKED") => subscription.replica().kick(id, session.tag),
                Some("EENDED") => {
                    let end = Arc::new(expired(subscription));
                    subscription
                        .replica()
                        .end(&end, &mut |event| self.events.on_event(&subscription.room, event));
                }
                Some("EBROKEN") => return Err(spoiled::numbers()),
                _ => return Err(garbled("join")),
            }
            Ok(())
        };
        let mut sessions = sessions.into_iter();
        // The first may have to create the room; the others need not wait for each other.
        if let Some(first) = sessions.next() {
            rejoin(first).await?;
        }
        let mut rest = stream::iter(sessions.map(rejoin)).buffer_unordered(TOGETHER);
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
            let (epoch, seq) = replica.received();
            if replica.is_forked() { Want::All } else { Want::Since(epoch, seq) }
        };
        let Some((room_state, reaches)) =
            self.read(&subscription.keys, Members::All, want, deadline).await?
        else {
            subscription.replica().mark_evicted();
            return Err(StoreError::Unavailable);
        };
        count(&self.counts.resyncs);
        let forks = subscription.replica().forks(&room_state);
        if self.restore_bans(subscription, &room_state, deadline).await? || forks {
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

/// What is known of a room whose keys went by themselves.
fn expired(subscription: &RoomSubscription) -> RoomEnd {
    let (room, epoch) = (subscription.room.clone(), subscription.replica().received().0);
    let (cause, keys) = (EndCause::Expired, Vec::new());
    RoomEnd { room, epoch, cause, entries: 0, bytes: 0, members: 0, files: 0, keys, keys_left: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_room_carries_no_room_for_its_repair() {
        assert!(size_of_val(&keep(Weak::new(), Weak::new())) <= 512);
    }
}
