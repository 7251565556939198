//! The video call of a room. LiveKit knows its participants; the hub tells the room, and removes a member who left
//! the room from the call. Chat waits for none of it.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{Hub, LocalRoom, ticket_ops};
use crate::{
    protocol::{ApiError, StatusCode},
    room::{CallMark, Member, MemberId, RoomError, RoomId},
    store::StoreError,
    video::{LIFETIME, LiveKitToken, Reach, VideoError},
};

/// How often the node asks LiveKit for the participants of its rooms' calls, in case a webhook event was lost.
const LOOK: Duration = Duration::from_secs(10);

/// How often the node asks an unusable LiveKit whether it can be used again.
const KNOCK: Duration = Duration::from_secs(2);

/// How many rooms are reconciled at once.
const TOGETHER: usize = 8;

/// When a member who left is removed from the call: at once, and again if LiveKit or the store was away. After that,
/// LiveKit's own `empty_timeout` or the next reconciliation has to do.
const TRIES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

impl Hub {
    /// A LiveKit token for a member, whichever connection holds the session.
    ///
    /// # Errors
    /// [`ApiError::VideoNotConfigured`], [`ApiError::VideoRefused`], [`RoomError::NotMember`] for a member who has
    /// left, or the store's.
    pub async fn livekit_token(
        &self,
        room: &RoomId,
        id: MemberId,
    ) -> Result<LiveKitToken, ApiError> {
        let video = self.config().video.as_ref().ok_or(ApiError::VideoNotConfigured)?;
        let snapshot = self.store.find(room, Some(id)).await?.ok_or(RoomError::NotMember)?;
        let member: &Member = snapshot.members.first().ok_or(RoomError::NotMember)?;
        if video.is_refused() {
            return Err(ApiError::VideoRefused);
        }
        let token = video.livekit_token(room, member).map_err(|error| {
            tracing::error!(%error, "no pass");
            ApiError::Internal
        })?;
        // The nodes of this member and of the others must know, so that they reconcile the call.
        self.store.call(room, id, CallMark::INVITED).await?;
        Ok(token)
    }

    /// Takes a webhook event of LiveKit about a call: the body of the request, and its `Authorization`.
    ///
    /// # Errors
    /// [`ApiError::VideoNotConfigured`], [`ApiError::BadSignature`], or the store's, so that LiveKit sends the event
    /// again.
    pub async fn webhook_event(
        self: &Arc<Self>,
        body: &str,
        signature: &str,
    ) -> Result<(), ApiError> {
        let video = self.config().video.as_ref().ok_or(ApiError::VideoNotConfigured)?;
        let Some(report) = video.read(body, signature).map_err(|_| ApiError::BadSignature)? else {
            return Ok(());
        };
        match self.store.call(&report.room, report.member, report.call).await {
            // A token outlives a session: a member who uses it after leaving is removed again.
            Err(StoreError::Refused(RoomError::NotMember)) => {
                if report.call.is_on() {
                    self.remove_from_call(&report.room, report.member, false);
                }
                Ok(())
            }
            answer => Ok(answer?),
        }
    }

    /// In the background: removes a member who left from the call, or ends the call if that leave deleted the room.
    pub(super) fn remove_from_call(self: &Arc<Self>, room: &RoomId, member: MemberId, over: bool) {
        if self.config().video.is_none() {
            return;
        }
        let (hub, room) = (Arc::clone(self), room.clone());
        self.departures.spawn(async move {
            for pause in TRIES {
                tokio::time::sleep(pause).await;
                if hub.try_clear_up(&room, member, over).await.is_ok() {
                    return;
                }
            }
        });
    }

    async fn try_clear_up(
        &self,
        room: &RoomId,
        member: MemberId,
        over: bool,
    ) -> Result<(), ApiError> {
        let Some(video) = &self.config().video else { return Ok(()) };
        // Read anew on each try: the room may have been created again, and the member may be back.
        let done = match self.store.find(room, Some(member)).await? {
            None if over => video.end(room).await.map(drop),
            Some(there) if ticket_ops::has(&there, member) => Ok(()),
            _ => video.remove_participant(room, member).await,
        };
        done.map_err(|_: VideoError| ApiError::Timeout)
    }

    /// Reconciles the calls of this node's rooms for as long as the node lives.
    pub(super) fn follow_calls(self: &Arc<Self>) {
        if let Some(video) = &self.config().video {
            tokio::spawn(follow(Arc::downgrade(self), video.reach()));
        }
    }

    /// This node's rooms in which a member may be in a call.
    pub(super) fn calling(&self) -> Vec<Arc<LocalRoom>> {
        let calling =
            self.rooms.rooms.iter().filter(|room| !room.call_participants.lock().is_empty());
        calling.map(|room| Arc::clone(&room)).collect()
    }

    /// Compares the store's record of a room's call with LiveKit's.
    async fn reconcile(self: &Arc<Self>, room: &LocalRoom) -> Result<(), ApiError> {
        let Some(video) = &self.config().video else { return Ok(()) };
        // The store comes first: a member who joins the call while LiveKit is asked gets a mark that this cannot
        // overrule.
        let Some(known) = self.store.snapshot(&room.id, false).await? else { return Ok(()) };
        let there = video.callers(&room.id).await.map_err(|_| ApiError::Timeout)?;
        for (id, call) in &there {
            match known.members.iter().find(|member| member.id == *id).map(|member| member.call) {
                Some(known) if known < *call => self.store.call(&room.id, *id, *call).await?,
                // A newer stay in the call, by a clock that is behind the one that reported the end of the last stay.
                Some(known) if !known.is_on() && known != call.over() => {
                    self.store.call(&room.id, *id, known.next()).await?
                }
                Some(_) => {}
                None => self.remove_from_call(&room.id, *id, false),
            }
        }
        for member in known.members.iter().filter(|member| member.call.is_on()) {
            if there.iter().all(|(id, _)| *id != member.id) {
                self.store.call(&room.id, member.id, member.call.over()).await?;
            }
        }
        // A member who is not in the call and whose token has expired needs no further checks.
        room.call_participants.lock().retain(|id, since| {
            there.iter().any(|(caller, _)| caller == id) || since.elapsed() < LIFETIME
        });
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
            let looks = hub.calling().into_iter().map(|room| {
                let hub = Arc::clone(&hub);
                async move { hub.reconcile(&room).await }
            });
            let mut looks = stream::iter(looks).buffer_unordered(TOGETHER);
            // When LiveKit goes away, the other rooms need not ask: the next round tries again.
            while looks.next().await.is_some() && *reach.borrow() == Reach::Here {}
        }
        next = Instant::now() + if *reach.borrow() == Reach::Here { LOOK } else { KNOCK };
    }
}
