//! Seats to be freed: those of joins that were given up but may have happened, or may still happen.

use std::{
    sync::{MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{DEADLINE, Shared, seats::LeaveOutcome};
use crate::{
    room::{LeaveReason, MemberId, RoomId},
    store::StoreError,
};

/// A seat that may have been taken for somebody who was told otherwise.
pub(super) struct PendingCleanup {
    room: RoomId,
    id: MemberId,
    tag: u64,
    /// Until then what took it may still be under way on a connection that was given up.
    due: Instant,
}

impl Shared {
    /// Takes note of a seat to be freed, if it was taken for somebody who was no member before.
    pub(super) fn schedule_cleanup(&self, room: &RoomId, id: MemberId, tag: u64) {
        let due = Instant::now() + Duration::from_millis(self.limits.lease);
        self.cleanups().push(PendingCleanup { room: room.clone(), id, tag, due });
    }

    fn cleanups(&self) -> MutexGuard<'_, Vec<PendingCleanup>> {
        self.cleanups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees the seats of joins that were given up but may have happened, or may still happen.
    pub(super) async fn pay(&self) {
        let cleanups = std::mem::take(&mut *self.cleanups());
        for debt in cleanups {
            let deadline = Instant::now() + DEADLINE;
            let paid = self.free_seat(&debt.room, debt.id, debt.tag, LeaveReason::Lost, true, deadline).await;
            // What a spoiled room keeps, its lease and its life end.
            if paid == Err(StoreError::Unavailable) || paid == Ok(LeaveOutcome::Nobody) && Instant::now() < debt.due {
                self.cleanups().push(debt);
            }
        }
    }
}

/// Pays what is owed, for as long as there is a node.
pub(super) async fn pay(shared: Weak<Shared>) {
    loop {
        sleep(Duration::from_millis(200)).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.pay().await;
    }
}
