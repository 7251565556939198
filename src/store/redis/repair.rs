//! The task that repairs one room of a node: it renews what a renewal of many rooms could not, and reads what was missed.

use std::{sync::Weak, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::{Shared, repair_counts::count, subscription::RoomSubscription};
use crate::store::StoreError;

/// How soon a repair that failed is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// The longest wait before another repair of a room whose keys hold what no script of ours wrote.
const LONGEST_REST: Duration = Duration::from_secs(10);
/// Repairs the room as soon as something is wrong, which includes a renewal that failed together with the others'.
pub(super) async fn keep(shared: Weak<Shared>, subscription: Weak<RoomSubscription>) {
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
                count(&store.counts.heal);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_room_carries_no_room_for_its_repair() {
        assert!(size_of_val(&keep(Weak::new(), Weak::new())) <= 512);
    }
}
