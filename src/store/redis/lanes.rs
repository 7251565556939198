//! How many calls of each kind may be under way to one server. Redis works through one connection in order, so that a
//! call that waits there delays every later message. Calls wait here instead, and each kind has a lane of its own.

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use super::queue::Queue;

/// Which calls a script waits with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lane {
    /// What members send and do: never behind more than a few of the others.
    Messages,
    /// Scripts that end sessions.
    Leaves,
    /// Renewals of a node's leases, each for many rooms.
    Renewals,
    /// Joins, and other calls that are answered with a whole room.
    Rooms,
    /// Pieces of files, each as large as a thousand messages.
    Files,
}

/// Messages under way at once. More than there ever are, so that no message waits for another.
const MESSAGES: usize = 4096;
/// Leaves: enough to keep Redis busy where an answer takes a millisecond, and less than a millisecond of its time.
const LEAVES: usize = 32;
/// Renewals, each of up to 64 rooms.
pub(super) const RENEWALS: usize = 16;
/// Answers with a whole room. Redis closes a subscribed connection when its unsent output exceeds
/// `client-output-buffer-limit pubsub`, which is 32 MB.
const ROOMS: usize = 16;

/// Pieces of files: together no more than a megabyte, behind which a message waits some milliseconds.
const FILES: usize = 4;

/// The lanes to one server.
pub(super) struct Lanes {
    messages: Semaphore,
    leaves: Semaphore,
    renewals: Semaphore,
    rooms: Semaphore,
    files: Semaphore,
    /// The calls that wait for a turn in the lane of rooms.
    pub(super) queue: Queue,
}

impl Lanes {
    pub(super) fn new() -> Self {
        Self {
            messages: Semaphore::new(MESSAGES),
            leaves: Semaphore::new(LEAVES),
            renewals: Semaphore::new(RENEWALS),
            rooms: Semaphore::new(ROOMS),
            files: Semaphore::new(FILES),
            queue: Queue::default(),
        }
    }

    /// A turn, held for as long as the call is under way; `None` where none came before the deadline.
    pub(super) async fn turn(&self, lane: Lane, deadline: Instant) -> Option<SemaphorePermit<'_>> {
        let turns = match lane {
            Lane::Messages => &self.messages,
            Lane::Leaves => &self.leaves,
            Lane::Renewals => &self.renewals,
            Lane::Rooms => &self.rooms,
            Lane::Files => &self.files,
        };
        // A free turn overtakes no other call, because turns go to waiting calls first.
        if let Ok(turn) = turns.try_acquire() {
            return Some(turn);
        }
        let place = (lane == Lane::Rooms).then(|| self.queue.enter());
        let turn = timeout_at(deadline, turns.acquire()).await.ok()?.ok()?;
        place.inspect(|place| place.served());
        Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;

    const ALL: [(Lane, usize); 5] = [
        (Lane::Messages, MESSAGES),
        (Lane::Leaves, LEAVES),
        (Lane::Renewals, RENEWALS),
        (Lane::Rooms, ROOMS),
        (Lane::Files, FILES),
    ];

    #[tokio::test(start_paused = true)]
    async fn a_lane_that_is_full_holds_up_no_other() {
        for (full, turns) in ALL {
            let lanes = Lanes::new();
            let soon = Instant::now() + Duration::from_secs(1);
            let mut held = Vec::new();
            for _ in 0..turns {
                held.push(lanes.turn(full, soon).await.expect("a turn"));
            }
            for (lane, _) in ALL {
                assert_eq!(
                    lanes.turn(lane, soon).await.is_some(),
                    lane != full,
                    "{lane:?} beside {full:?}"
                );
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_in_order_and_only_rooms_are_counted() {
        for (lane, counted) in [(Lane::Leaves, 0), (Lane::Rooms, 3)] {
            let lanes = Arc::new(Lanes::new());
            let late = Instant::now() + Duration::from_secs(60);
            let mut held = Vec::new();
            while let Some(turn) = lanes.turn(lane, Instant::now()).await {
                held.push(turn);
            }
            let order = Arc::new(parking_lot::Mutex::new(Vec::new()));
            let waiting: Vec<_> = (0..3)
                .map(|number| {
                    let (lanes, order) = (Arc::clone(&lanes), Arc::clone(&order));
                    tokio::spawn(async move {
                        let _turn = lanes.turn(lane, late).await.expect("a turn");
                        order.lock().push(number);
                    })
                })
                .collect();
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert_eq!(lanes.queue.waiting(), counted, "{lane:?}");
            held.pop();
            for task in waiting {
                task.await.unwrap();
            }
            assert_eq!((&**order.lock(), lanes.queue.waiting()), (&[0, 1, 2][..], 0), "{lane:?}");
        }
    }
}
