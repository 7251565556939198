//! Sessions to be ended: those of joins that were given up but may have happened, or may still happen.

use std::{sync::Weak, time::Duration};

use parking_lot::MutexGuard;
use tokio::time::{Instant, sleep};

use super::{DEADLINE, Shared, sessions::Freed};
use crate::{
    room::{LeaveReason, MemberId, RoomId},
    store::StoreError,
};

/// A session that Redis may have, although the member's client was told that the join failed.
pub(super) struct PendingCleanup {
    room: RoomId,
    id: MemberId,
    tag: u64,
    /// Until then, the join may still be under way on a connection that was given up.
    due: Instant,
}

impl Shared {
    /// Schedules the end of a session, if its join was the member's first.
    pub(super) fn schedule_cleanup(&self, room: &RoomId, id: MemberId, tag: u64) {
        let due = Instant::now() + Duration::from_millis(self.limits.lease);
        self.cleanups().push(PendingCleanup { room: room.clone(), id, tag, due });
    }

    fn cleanups(&self) -> MutexGuard<'_, Vec<PendingCleanup>> {
        self.cleanups.lock()
    }

    /// Ends the sessions of joins that were given up but may have happened, or may still happen.
    pub(super) async fn pay(&self) {
        let cleanups = std::mem::take(&mut *self.cleanups());
        for debt in cleanups {
            let deadline = Instant::now() + DEADLINE;
            let paid = self
                .free_session(&debt.room, debt.id, debt.tag, LeaveReason::Lost, true, deadline)
                .await;
            // What a spoiled room keeps ends with its lease and its keys.
            if paid == Err(StoreError::Unavailable)
                || paid == Ok(Freed::NotMember) && Instant::now() < debt.due
            {
                self.cleanups().push(debt);
            }
        }
    }
}

/// Ends pending sessions for as long as the node runs.
pub(super) async fn pay(shared: Weak<Shared>) {
    loop {
        sleep(Duration::from_millis(200)).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.pay().await;
    }
}
