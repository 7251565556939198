//! A crowd's count at this node: when it is broadcast, and when the complete list ends it.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::{frame::Content, local::LocalRoom};
use crate::{room::Snapshot, store::Store};

/// The shortest time between two counts, and the time for each thousand subscribers. Without it, a rush into a room
/// of many thousands would broadcast counts more often than they are worth.
const PACE: Duration = Duration::from_secs(1);
const PACE_OF_THOUSAND: Duration = Duration::from_millis(500);

/// How long after one count the next is broadcast, if there is one.
fn pace(announced: usize) -> Duration {
    let thousands = u32::try_from(announced / 1000).unwrap_or(u32::MAX);
    PACE_OF_THOUSAND.saturating_mul(thousands).clamp(PACE, 10 * PACE)
}

impl LocalRoom {
    /// Whether the welcome with this snapshot says `crowd`.
    pub(super) fn welcomes(&self, room: &Snapshot) -> bool {
        self.pending.lock().crowd.welcome(room)
    }

    /// Whether a task must start to count this room.
    pub(super) fn is_uncounted(&self) -> bool {
        self.pending.lock().crowd.is_uncounted()
    }

    /// Broadcasts the member count, if it was not broadcast yet.
    fn tell_count(&self) {
        let mut pending = self.pending.lock();
        if let Some((order, count)) = pending.crowd.count() {
            pending.push(order, Content::Count { count }, &self.id);
            self.start_flush(pending);
        }
    }

    /// Broadcasts the member list if that ends crowd mode. Says whether it does.
    fn tell_all(&self, snapshot: &Snapshot, calls: u64) -> bool {
        let mut pending = self.pending.lock();
        let Some(order) = pending.crowd.end(snapshot, calls) else { return false };
        pending.push(
            order,
            Content::Listing {
                members: snapshot.members.clone(),
                rules: Arc::clone(&snapshot.rules),
            },
            &self.id,
        );
        self.start_flush(pending);
        true
    }
}

/// Broadcasts the count of a crowd for as long as it is one and has sessions here.
pub(super) async fn follow(room: Weak<LocalRoom>, store: Weak<dyn Store>) {
    loop {
        // The room is not kept alive while the store is asked, or until the next count: its last session may end meanwhile.
        let Some((id, over, calls)) = room.upgrade().and_then(|room| {
            let (over, calls) = room.pending.lock().crowd.is_over()?;
            Some((room.id.clone(), over, calls))
        }) else {
            return;
        };
        let snapshot = match store.upgrade().filter(|_| over) {
            Some(store) => store.snapshot(&id, false).await.ok().flatten(),
            None => None,
        };
        let Some(here) = room.upgrade() else { return };
        if snapshot.is_some_and(|snapshot| here.tell_all(&snapshot, calls)) {
            return;
        }
        here.tell_count();
        let announced = here.people.lock().sessions.len();
        drop(here);
        tokio::time::sleep(pace(announced)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_thousands_are_told_the_count_less_often() {
        for (announced, seconds) in [
            (0, 1),
            (101, 1),
            (2000, 1),
            (2999, 1),
            (4000, 2),
            (16_000, 8),
            (20_000, 10),
            (100_000, 10),
        ] {
            assert_eq!(pace(announced).as_secs(), seconds, "{announced}");
        }
    }
}
