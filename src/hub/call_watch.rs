//! Rooms in whose calls a former member may still appear: a LiveKit token outlives the membership.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use crate::{room::RoomId, video::TOKEN_USABLE};

/// How many rooms a node watches. When there are more, it gives up the one whose tokens end first.
const MOST: usize = 4_096;

/// How many of them it reconciles every second; the others wait for the next round of all.
const MOST_OFTEN: usize = 64;

/// The rooms that a node watches, whether or not it has sessions there or the rooms still exist.
#[derive(Default)]
pub(super) struct CallWatch {
    rooms: Mutex<HashMap<RoomId, Watched>>,
    found: Notify,
}

struct Watched {
    /// When the last known token ends.
    until: Instant,
    /// A former member was found in the call: the node reconciles every second until its new token ends.
    often: bool,
}

impl CallWatch {
    /// A member with a LiveKit token has left the room.
    pub(super) fn member_left(&self, room: &RoomId) {
        self.note(room, false);
    }

    /// A former member was found in the call. LiveKit gave it a new token when it joined.
    pub(super) fn former_member_found(&self, room: &RoomId) {
        self.note(room, true);
        self.found.notify_one();
    }

    fn note(&self, room: &RoomId, former_member: bool) {
        let mut rooms = self.rooms.lock();
        let now = Instant::now();
        if rooms.len() >= MOST && !rooms.contains_key(room) {
            rooms.retain(|_, watched| watched.until > now);
            let first = rooms.iter().min_by_key(|(_, watched)| watched.until);
            let first = first.filter(|_| rooms.len() >= MOST).map(|(room, _)| room.clone());
            first.map(|room| rooms.remove(&room));
        }
        let free = || rooms.values().filter(|watched| watched.often).count() < MOST_OFTEN;
        let often = match rooms.get(room) {
            Some(Watched { often: true, .. }) => true,
            _ => former_member && free(),
        };
        rooms.insert(room.clone(), Watched { until: now + TOKEN_USABLE, often });
    }

    /// All watched rooms.
    pub(super) fn rooms(&self) -> Vec<RoomId> {
        self.current(|_| true)
    }

    /// Those to reconcile every second.
    pub(super) fn often(&self) -> Vec<RoomId> {
        self.current(|watched| watched.often)
    }

    fn current(&self, which: impl Fn(&Watched) -> bool) -> Vec<RoomId> {
        let mut rooms = self.rooms.lock();
        let now = Instant::now();
        rooms.retain(|_, watched| watched.until > now);
        let wanted = rooms.iter().filter(|(_, watched)| which(watched));
        wanted.map(|(room, _)| room.clone()).collect()
    }

    /// Waits until a former member is found in a call, but no longer than `most`.
    pub(super) async fn found_within(&self, most: Duration) {
        let _ = timeout(most, self.found.notified()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> RoomId {
        name.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_is_watched_until_the_last_token_has_ended() {
        let watch = CallWatch::default();
        watch.member_left(&room("a"));
        tokio::time::advance(TOKEN_USABLE / 2).await;
        watch.member_left(&room("a"));
        watch.member_left(&room("b"));
        watch.former_member_found(&room("b"));
        assert_eq!(watch.often(), [room("b")]);
        tokio::time::advance(TOKEN_USABLE / 2).await;
        assert_eq!(watch.rooms().len(), 2, "a member left later, with a newer token");
        watch.former_member_found(&room("b"));
        tokio::time::advance(TOKEN_USABLE / 2).await;
        assert_eq!((watch.rooms(), watch.often()), (vec![room("b")], vec![room("b")]));
        tokio::time::advance(TOKEN_USABLE / 2).await;
        assert!(watch.rooms().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_leave_does_not_make_the_rounds_rarer() {
        let watch = CallWatch::default();
        watch.former_member_found(&room("a"));
        watch.member_left(&room("a"));
        assert_eq!(watch.often(), [room("a")]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_watch_is_bounded_and_keeps_the_newest() {
        let watch = CallWatch::default();
        for number in 0..MOST + 10 {
            watch.member_left(&room(&format!("r{number}")));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let rooms = watch.rooms();
        assert_eq!(rooms.len(), MOST);
        assert!(!rooms.contains(&room("r9")) && rooms.contains(&room("r10")));
        for number in 100..100 + MOST_OFTEN * 2 {
            watch.former_member_found(&room(&format!("r{number}")));
        }
        assert_eq!((watch.often().len(), watch.rooms().len()), (MOST_OFTEN, MOST));
    }

    #[tokio::test(start_paused = true)]
    async fn a_former_member_ends_the_wait_at_once() {
        let watch = CallWatch::default();
        let began = Instant::now();
        watch.former_member_found(&room("a"));
        watch.found_within(Duration::from_secs(10)).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        watch.found_within(Duration::from_secs(10)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(10));
    }
}
