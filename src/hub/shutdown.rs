//! Leaving: a member's, which frees the session, and the shutdown of the node.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::join_all};
use tokio::time::Instant;

use super::{Hub, LocalRoom, goodbye::Leaving, spread::Spread};
use crate::{
    protocol::ApiError,
    room::{LeaveReason, MemberId, RoomEnd},
    store::StoreError,
};

/// How long a stopping node waits for its members to reach another one, if there may be one.
const MOVING: Duration = Duration::from_secs(6);

/// It waits on while a member has moved within this time: other nodes may be slow under thousands.
const STILL_MOVING: Duration = Duration::from_secs(2);

/// It never waits longer than this.
const MOVED: Duration = Duration::from_secs(25);

/// How long a stopping node may take to end its calls.
const HANGING_UP: Duration = Duration::from_secs(2);

/// How long leaves under way may take to end when sessions are left to the lease.
const SETTLING: Duration = Duration::from_millis(300);

impl Hub {
    /// Whether the shutdown has begun.
    pub fn is_stopping(&self) -> bool {
        self.stopping.borrow().is_some()
    }

    /// Waits until the shutdown begins. Returns the error for clients that have no session yet.
    pub async fn stops(&self) -> ApiError {
        // The sender lives as long as the hub.
        let _ = self.stopping.subscribe().wait_for(Option::is_some).await;
        self.come_back()
    }

    /// Frees a session, whatever it takes: the leave is repeated while the store is away. The task ends when the
    /// session is free; there is none where it is free already.
    pub(super) fn leave_with_retry(
        self: &Arc<Self>,
        room: &Arc<LocalRoom>,
        member: MemberId,
        tag: u64,
        reason: LeaveReason,
    ) -> Leaving {
        let tags = self.rooms.unregister(room, member, tag);
        let mut leaving = Box::pin(leave(Arc::clone(self), Arc::clone(room), member, tags, reason));
        // A store in this process frees the session at once: a task for that would cost as much as the leave.
        let left = {
            let _publishing = room.begin_publish(self.config());
            leaving.as_mut().now_or_never()
        };
        match left {
            Some(end) => Leaving::Done(end),
            None => Leaving::UnderWay(self.departures.spawn(leaving)),
        }
    }

    /// The error for clients while the node is stopping: when to come back, each at a moment of its own.
    pub fn come_back(&self) -> ApiError {
        let spread = *self.stopping.borrow();
        ApiError::Restarting(spread.unwrap_or_else(|| Spread::over_nodes(0)).draw())
    }

    /// Shuts the node down: no member joins any more, and each is told when to come back.
    ///
    /// Where rooms are shared and another node lives, members get some time to resume their sessions there. Sessions
    /// that are left then are freed. Where no other node lives, sessions are left to the lease, and members resume
    /// them when a node is back.
    pub async fn shutdown(self: &Arc<Self>) {
        let ready = self.store.ready();
        let (shared, moving) =
            (self.store.shared() && ready, ready && self.store.has_peers().await);
        let sessions = self.counts().1;
        let held = shared.then(|| self.config().parted());
        self.stopping.send_replace(Some(if moving {
            Spread::over_nodes(sessions)
        } else {
            Spread::over_restart(sessions, held)
        }));
        for room in &self.rooms.rooms {
            for session in room.people.lock().sessions.values() {
                if let Some(subscriber) = session.place.subscriber() {
                    subscriber.close(&self.come_back());
                }
            }
        }
        if moving && self.counts().1 > 0 {
            self.moved_on(MOVING.min(self.config().grace)).await;
        }
        // The node to which members were to move may have stopped as well.
        let left = self.counts().1 > 0;
        if shared && left && (!moving || !self.store.has_peers().await) {
            tracing::info!(
                sessions = self.counts().1,
                "no other node lives: seats are left to the lease"
            );
            self.departures.close();
            let _ = tokio::time::timeout(SETTLING, self.departures.wait()).await;
            self.store.part(self.config().parted()).await;
            return;
        }
        self.free_all().await;
    }

    /// Frees every session that is left, and ends their calls, which the store would not.
    async fn free_all(self: &Arc<Self>) {
        let calling = self.calling();
        let leaving = calling.iter().flat_map(|room| {
            let sessions: Vec<_> = room
                .people
                .lock()
                .sessions
                .iter()
                .map(|(member, session)| (*member, session.tag))
                .collect();
            sessions.into_iter().map(|(member, tag)| {
                self.leave_with_retry(room, member, tag, LeaveReason::Shutdown)
            })
        });
        let _ = tokio::time::timeout(HANGING_UP, async {
            join_all(leaving.map(Leaving::end)).await;
            self.departures.close();
            self.departures.wait().await;
        })
        .await;
        self.store.close().await;
        let _ = tokio::time::timeout(Duration::from_secs(1), self.departures.wait()).await;
    }

    /// Waits until no session is left here, or no member has moved for a while: for `least`, and longer while members
    /// move.
    async fn moved_on(&self, least: Duration) {
        let begun = Instant::now();
        let (mut sessions, mut moved) = (self.counts().1, begun);
        let mut look = tokio::time::interval(Duration::from_millis(50));
        while sessions > 0 {
            look.tick().await;
            let left = self.counts().1;
            if left < sessions {
                (sessions, moved) = (left, Instant::now());
            }
            let rests = begun.elapsed() >= least && moved.elapsed() >= STILL_MOVING.min(least);
            if rests || begun.elapsed() >= MOVED {
                return;
            }
        }
    }
}

/// Repeats a leave until the store has heard it, by each of a session's connections.
async fn leave(
    hub: Arc<Hub>,
    room: Arc<LocalRoom>,
    member: MemberId,
    tags: Vec<u64>,
    reason: LeaveReason,
) -> Option<RoomEnd> {
    // Read before the store is asked: the event of the leave removes it.
    let called = room.call_participants.lock().contains_key(&member);
    let (mut over, mut end) = (false, None);
    for tag in tags {
        let mut pause = Duration::from_secs(1);
        over = loop {
            match hub.store.leave(&room.id, member, tag, reason).await {
                Err(StoreError::Unavailable | StoreError::Busy(_)) => {
                    tokio::time::sleep(Duration::from_secs(1)).await
                }
                Err(StoreError::Broken(_)) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(30));
                }
                answer => {
                    let Ok(left) = answer else { break over };
                    end = left.end.or(end);
                    break left.gone;
                }
            }
        };
    }
    if called {
        hub.watch_call(&room.id);
    }
    if over || called {
        hub.remove_from_call(&room.id, member, over);
    }
    end
}
