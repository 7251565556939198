//! The rounds in which a node compares what the store knows of calls with what LiveKit knows.

use std::{
    collections::HashSet,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{Hub, LocalRoom, call_watch::CallWatch};
use crate::{
    protocol::{ApiError, StatusCode},
    room::{MemberId, RoomId},
    video::{Reach, TOKEN_USABLE},
};

/// How often the node reconciles all calls, in case a webhook was lost.
const ROUND: Duration = Duration::from_secs(10);

/// How often it reconciles a call in which it found a former member, who can come back at once.
const FORMER_MEMBER_ROUND: Duration = Duration::from_secs(1);

/// How often the node asks an unusable LiveKit whether it can be used again.
const PROBE: Duration = Duration::from_secs(2);

/// How many rooms are reconciled at once.
const TOGETHER: usize = 8;

impl Hub {
    /// Reconciles the calls of this node's rooms, and of rooms that it watches, for as long as the node lives.
    pub(super) fn follow_calls(self: &Arc<Self>) {
        if let Some(video) = &self.config().video {
            tokio::spawn(follow(Arc::downgrade(self), video.reach()));
            tokio::spawn(follow_former_members(Arc::downgrade(self), Arc::clone(&self.call_watch)));
        }
    }

    /// This node's rooms in which a member may be in a call.
    pub(super) fn calling(&self) -> Vec<Arc<LocalRoom>> {
        let calling =
            self.rooms.rooms.iter().filter(|room| !room.call_participants.lock().is_empty());
        calling.map(|room| Arc::clone(&room)).collect()
    }

    /// The rooms to reconcile: those of this node in which a member may be in a call, and of the watched ones those
    /// that LiveKit has.
    async fn calls(&self) -> HashSet<RoomId> {
        let mut rooms: HashSet<_> = self.calling().iter().map(|room| room.id.clone()).collect();
        let mut watched = self.call_watch.rooms();
        watched.retain(|room| !rooms.contains(room));
        rooms.extend(self.with_call(&watched).await);
        rooms
    }

    /// Those of the rooms that LiveKit has: one request, so that the others need none of their own.
    async fn with_call(&self, rooms: &[RoomId]) -> Vec<RoomId> {
        let Some(video) = &self.config().video else { return Vec::new() };
        // Where this fails, the next round tries again.
        video.existing(rooms).await.unwrap_or_default()
    }

    async fn reconcile_all(self: &Arc<Self>, rooms: impl IntoIterator<Item = RoomId>) {
        let Some(video) = &self.config().video else { return };
        let reach = video.reach();
        let rounds = rooms.into_iter().map(|room| {
            let hub = Arc::clone(self);
            async move { hub.reconcile(&room).await }
        });
        let mut rounds = stream::iter(rounds).buffer_unordered(TOGETHER);
        // When LiveKit goes away, the other rooms need not ask: the next round tries again.
        while rounds.next().await.is_some() && *reach.borrow() == Reach::Here {}
    }

    /// Compares the store's record of a room's call with LiveKit's.
    async fn reconcile(&self, room: &RoomId) -> Result<(), ApiError> {
        let Some(video) = &self.config().video else { return Ok(()) };
        let local = self.rooms.find(room);
        // The store comes first: a member who joins the call while LiveKit is asked gets a mark that this cannot
        // overrule.
        let Some(known) = self.store.snapshot(room, false).await? else {
            // Where this node has sessions, the store has lost the room and will have it again.
            return if local.is_some() { Ok(()) } else { self.end_reopened(room).await };
        };
        let there = video.participants(room).await.map_err(|_| ApiError::Timeout)?;
        let mut former_members: Vec<MemberId> = Vec::new();
        for (id, call) in &there {
            match known.members.iter().find(|member| member.id == *id).map(|member| member.call) {
                Some(known) if known < *call => self.store.call(room, *id, *call).await?,
                // A newer stay in the call, by a clock that is behind the one that reported the end of the last stay.
                Some(known) if !known.is_on() && known != call.over() => {
                    self.store.call(room, *id, known.next()).await?
                }
                Some(_) => {}
                None => former_members.push(*id),
            }
        }
        for member in known.members.iter().filter(|member| member.call.is_on()) {
            if there.iter().all(|(id, _)| *id != member.id) {
                self.store.call(room, member.id, member.call.over()).await?;
            }
        }
        if let Some(local) = local {
            // A member who is not in the call and whose token has expired needs no further checks.
            local.call_participants.lock().retain(|id, since| {
                there.iter().any(|(caller, _)| caller == id) || since.elapsed() < TOKEN_USABLE
            });
        }
        // Where this fails, the next round tries again.
        for id in former_members {
            if self.clear_up(room, id, false).await? {
                self.call_watch.former_member_found(room);
            }
        }
        Ok(())
    }

    /// Ends the call of a room that has ended: a former member has opened it again.
    async fn end_reopened(&self, room: &RoomId) -> Result<(), ApiError> {
        let Some(video) = &self.config().video else { return Ok(()) };
        if video.end(room).await.map_err(|_| ApiError::Timeout)? {
            self.call_watch.former_member_found(room);
        }
        Ok(())
    }

    /// Tells rooms whether this node can use LiveKit now.
    fn tell_reach(&self, rooms: &[Arc<LocalRoom>], reach: Reach) {
        let (code, message) = match reach {
            Reach::Here => (StatusCode::VideoAvailable, "video is back"),
            Reach::Away => {
                (StatusCode::VideoUnavailable, "the video server is out of reach; chat goes on")
            }
            Reach::Refused | Reach::Stranger => (
                StatusCode::VideoRefused,
                "the video server refuses this server's settings, which the operator must mend; chat goes on",
            ),
        };
        for room in rooms {
            room.notice(code, message);
        }
    }
}

/// Reconciles every second the calls in which former members were found.
async fn follow_former_members(hub: Weak<Hub>, call_watch: Arc<CallWatch>) {
    loop {
        if call_watch.often().is_empty() {
            call_watch.found_within(ROUND).await;
        }
        sleep(FORMER_MEMBER_ROUND).await;
        let Some(hub) = hub.upgrade() else { return };
        let rooms = hub.with_call(&call_watch.often()).await;
        hub.reconcile_all(rooms).await;
    }
}

async fn follow(hub: Weak<Hub>, mut reach: watch::Receiver<Reach>) {
    let mut told: Vec<Weak<LocalRoom>> = Vec::new();
    let (mut next, mut first) = (Instant::now(), true);
    loop {
        let changed = tokio::select! {
            () = sleep_until(next) => false,
            changed = reach.changed() => changed.is_ok(),
        };
        let Some(hub) = hub.upgrade() else { return };
        let Some(video) = &hub.config().video else { return };
        if !changed && (std::mem::take(&mut first) || *reach.borrow() != Reach::Here) {
            let _ = video.probe().await;
        }
        let (is, news) = (*reach.borrow(), reach.has_changed().unwrap_or_default() || changed);
        reach.mark_unchanged();
        if is == Reach::Here && news {
            // Rooms that heard of the outage hear of its end, even if no call has begun since.
            hub.tell_reach(
                &std::mem::take(&mut told).iter().filter_map(Weak::upgrade).collect::<Vec<_>>(),
                is,
            );
        } else if is != Reach::Here {
            // Rooms whose call began during the outage have not heard of it; a different outage is told to all again.
            let rooms = hub.calling();
            let mut knew: Vec<_> = told.iter().filter_map(Weak::upgrade).collect();
            let new: Vec<_> = rooms
                .into_iter()
                .filter(|room| !knew.iter().any(|known| Arc::ptr_eq(known, room)))
                .collect();
            if news {
                hub.tell_reach(&knew, is);
            }
            hub.tell_reach(&new, is);
            knew.extend(new);
            told = knew.iter().map(Arc::downgrade).collect();
        }
        if changed {
            continue;
        }
        if is == Reach::Here {
            hub.reconcile_all(hub.calls().await).await;
        }
        next = Instant::now() + if *reach.borrow() == Reach::Here { ROUND } else { PROBE };
    }
}
