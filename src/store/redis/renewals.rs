//! Renewal of a node's leases, for many rooms in one call.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::OwnedMutexGuard,
    time::{Instant, sleep},
};

use super::{
    Shared,
    client::TRY,
    codec::{self, Position, Reply, garbled, number},
    lanes::RENEWALS,
    subscription::{GateState, RoomSubscription},
};
use crate::{room::Epoch, shrink, store::StoreError};

/// How many times per period the rooms that are due are renewed.
const TURNS: u32 = 16;
/// Rooms in one call: Redis does nothing else meanwhile.
const TOGETHER: usize = 64;

/// Renews all rooms for as long as the node runs. A room whose renewal fails is left to its repair task.
pub(super) async fn renew_all(shared: Weak<Shared>) {
    loop {
        let Some(this) = shared.upgrade() else { return };
        let calls = this.calls().into_iter().map(|turns| this.renew_together(turns, this.lease()));
        stream::iter(calls).buffer_unordered(RENEWALS).for_each(|()| async {}).await;
        shrink::shrink(&this.rooms);
        let pause = this.period() / TURNS;
        drop(this);
        sleep(pause).await;
    }
}

impl Shared {
    /// The rooms that are due, as many in one call as a script can reach.
    pub(super) fn calls(&self) -> Vec<Vec<Arc<RoomSubscription>>> {
        let now = Instant::now();
        let due: Vec<Arc<RoomSubscription>> = self
            .rooms
            .iter()
            .filter(|subscription| subscription.renewal() <= now)
            .map(|subscription| Arc::clone(&subscription))
            .collect();
        let mut by_place: HashMap<Option<u16>, Vec<Vec<Arc<RoomSubscription>>>> = HashMap::new();
        for subscription in due {
            let slot = subscription.keys.slot();
            if self.router.is_away(slot) {
                // No other room may wait for the time that this takes.
                subscription.wake();
                continue;
            }
            // A script can use one slot of a Cluster.
            let calls = by_place.entry(self.router.is_cluster().then_some(slot)).or_default();
            match calls.last_mut() {
                Some(call) if call.len() < TOGETHER => call.push(subscription),
                _ => calls.push(vec![subscription]),
            }
        }
        by_place.into_values().flatten().collect()
    }

    pub(super) async fn renew_together(
        &self,
        subscriptions: Vec<Arc<RoomSubscription>>,
        lease: Duration,
    ) {
        // No other task changes their sessions meanwhile, and the gates are held no longer than that.
        let held: Vec<(&RoomSubscription, OwnedMutexGuard<GateState>)> = subscriptions
            .iter()
            .filter_map(|subscription| Some((&**subscription, self.take_turn(subscription)?)))
            .collect();
        let subscriptions: Vec<&RoomSubscription> =
            held.iter().map(|(subscription, _)| *subscription).collect();
        match self.renew(&subscriptions, lease, Instant::now() + TRY).await {
            Ok(marks) => {
                for (subscription, mark) in subscriptions.into_iter().zip(marks) {
                    match mark {
                        Ok(Some(mark)) => {
                            subscription.renewed(self.period());
                            subscription.expect(mark);
                        }
                        Ok(None) => {
                            subscription.replica().mark_evicted();
                            subscription.wake();
                        }
                        // Its repair task tries again, ever more rarely. Meanwhile the room is not renewed with the others.
                        Err(_) => {
                            subscription.replica().mark_gap();
                            subscription.wake();
                        }
                    }
                }
            }
            // Each room is renewed by itself.
            Err(_) => subscriptions.into_iter().for_each(RoomSubscription::wake),
        }
    }

    /// Takes a room's gate, if all is well there; otherwise the room is left to its repair task.
    fn take_turn(&self, subscription: &RoomSubscription) -> Option<OwnedMutexGuard<GateState>> {
        let Some(gate) = subscription.try_pass() else {
            // The holder of the gate may be done by the next turn. Where the gate is always taken, the repair task
            // queues for it.
            if subscription.renewal() + self.period() / 2 < Instant::now() {
                subscription.wake();
            }
            return None;
        };
        let sound =
            !subscription.replica().is_faulty() && !subscription.replica().sessions().is_empty();
        let listens = gate
            .subscribed
            .as_ref()
            .is_some_and(|connection| self.router.leads_to(subscription.keys.slot(), connection));
        if sound && listens {
            return Some(gate);
        }
        drop(gate);
        subscription.wake();
        None
    }

    /// Renews this node's lease in rooms that one script can reach. `None` where the room or this node's lease is gone,
    /// an error where the room is spoiled.
    pub(super) async fn renew(
        &self,
        subscriptions: &[&RoomSubscription],
        lease: Duration,
        deadline: Instant,
    ) -> Result<Vec<Renewal>, StoreError> {
        let Some(first) = subscriptions.first() else { return Ok(Vec::new()) };
        let mut args = vec![
            codec::node(self.node),
            number(lease.as_millis()),
            number(self.ttl.as_millis()),
            number(self.period().as_millis()),
            number(self.limits.history_age),
            codec::epoch(Epoch::random()),
        ];
        for subscription in subscriptions {
            args.push(codec::received(subscription.replica().received()));
        }
        let names = subscriptions.iter().flat_map(|subscription| subscription.keys.all()).collect();
        let mut reply =
            self.router.run_over(&self.renew, first.keys.slot(), names, args, deadline).await?;
        Ok(subscriptions
            .iter()
            .map(|_| read(&mut reply).unwrap_or_else(|| Err(garbled("renew"))))
            .collect())
    }
}

/// The result of one room's renewal.
type Renewal = Result<Option<Position>, StoreError>;

fn read(reply: &mut Reply) -> Option<Renewal> {
    match &*reply.word()? {
        "ENOROOM" | "ELEASE" => Some(Ok(None)),
        line => match line.strip_prefix("EBROKEN ") {
            Some(why) => Some(Err(StoreError::Broken(why.to_owned()))),
            None => codec::read_mark(line).map(|mark| Ok(Some(mark))),
        },
    }
}
