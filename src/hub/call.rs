//! The video call beside the room. LiveKit knows who is in it; the room is told,
//! and whoever has left the room is put out of the call. Chat waits for none of it.

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
    protocol::{ApiError, ServerMessage},
    room::{CallMark, Member, MemberId, RoomError, RoomId},
    store::StoreError,
    video::{LIFETIME, LiveKitToken, Reach, VideoError},
};

/// How often LiveKit is asked who is in the calls of this node's rooms, in case a report was lost.
const LOOK: Duration = Duration::from_secs(10);

/// How often a LiveKit that cannot be used is asked whether it can be by now.
const KNOCK: Duration = Duration::from_secs(2);

/// Rooms looked at together.
const TOGETHER: usize = 8;

/// When somebody who has left is put out of the call: at once, and again if LiveKit or the store was away.
/// After that LiveKit's own `empty_timeout` has to do, and the next look.
const TRIES: [Duration; 4] = [Duration::ZERO, Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

impl Hub {
    /// A video pass for a member, whatever link holds the seat.
    ///
    /// # Errors
    /// [`ApiError::VideoNotConfigured`], [`ApiError::VideoRefused`], [`RoomError::NotMember`] for somebody who has left, or the store's.
    pub async fn pass(&self, room: &RoomId, id: MemberId) -> Result<LiveKitToken, ApiError> {
        let video = self.terms().video.as_ref().ok_or(ApiError::VideoNotConfigured)?;
        let snapshot = self.store.find(room, Some(id)).await?.ok_or(RoomError::NotMember)?;
        let member: &Member = snapshot.members.first().ok_or(RoomError::NotMember)?;
        if video.is_refused() {
            return Err(ApiError::VideoRefused);
        }
        let pass = video.pass(room, member).map_err(|error| {
            tracing::error!(%error, "no pass");
            ApiError::Internal
        })?;
        // The nodes where they and the others sit must know, to look after the call.
        self.store.call(room, id, CallMark::INVITED).await?;
        Ok(pass)
    }

    /// Takes in what LiveKit reports about a call: the body of its webhook, and its `Authorization`.
    ///
    /// # Errors
    /// [`ApiError::VideoNotConfigured`], [`ApiError::BadSignature`], or the store's, so that LiveKit reports again.
    pub async fn report(self: &Arc<Self>, body: &str, signature: &str) -> Result<(), ApiError> {
        let video = self.terms().video.as_ref().ok_or(ApiError::VideoNotConfigured)?;
        let Some(report) = video.read(body, signature).map_err(|_| ApiError::BadSignature)? else { return Ok(()) };
        match self.store.call(&report.room, report.member, report.call).await {
            // A pass outlives a seat: whoever comes with it after leaving is put out again.
            Err(StoreError::Refused(RoomError::NotMember)) => {
                if report.call.is_on() {
                    self.remove_from_call(&report.room, report.member, false);
                }
                Ok(())
            }
            answer => Ok(answer?),
        }
    }

    /// In the background: puts a member that is gone out of the call, or ends the call if their going was the end of the room.
    pub(super) fn remove_from_call(self: &Arc<Self>, room: &RoomId, member: MemberId, over: bool) {
        if self.terms().video.is_none() {
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

    async fn try_clear_up(&self, room: &RoomId, member: MemberId, over: bool) -> Result<(), ApiError> {
        let Some(video) = &self.terms().video else { return Ok(()) };
        // Looked at again each time: the room may have been born anew, and the member may be back.
        let done = match self.store.find(room, Some(member)).await? {
            None if over => video.end(room).await,
            Some(there) if ticket_ops::has(&there, member) => Ok(()),
            _ => video.remove_participant(room, member).await,
        };
        done.map_err(|_: VideoError| ApiError::Timeout)
    }

    /// Looks after the calls of this node's rooms for as long as the node lives.
    pub(super) fn follow_calls(self: &Arc<Self>) {
        if let Some(video) = &self.terms().video {
            tokio::spawn(follow(Arc::downgrade(self), video.reach()));
        }
    }

    /// This node's rooms in which somebody may be in a call.
    pub(super) fn calling(&self) -> Vec<Arc<LocalRoom>> {
        let calling = self.rooms.rooms.iter().filter(|room| !room.call_participants.lock().is_empty());
        calling.map(|room| Arc::clone(&room)).collect()
    }

    /// Compares what is known of a room's call with what LiveKit says.
    async fn look_at(self: &Arc<Self>, room: &LocalRoom) -> Result<(), ApiError> {
        let Some(video) = &self.terms().video else { return Ok(()) };
        // First what is known: who comes while LiveKit is asked has a mark that this cannot overrule.
        let Some(known) = self.store.look(&room.id, false).await? else { return Ok(()) };
        let there = video.callers(&room.id).await.map_err(|_| ApiError::Timeout)?;
        for (id, call) in &there {
            match known.members.iter().find(|member| member.id == *id).map(|member| member.call) {
                Some(known) if known < *call => self.store.call(&room.id, *id, *call).await?,
                // Another stay than the one that is over, by a clock that is behind the one that told of that.
                Some(known) if !known.is_on() && known != call.over() => self.store.call(&room.id, *id, known.next()).await?,
                Some(_) => {}
                None => self.remove_from_call(&room.id, *id, false),
            }
        }
        for member in known.members.iter().filter(|member| member.call.is_on()) {
            if there.iter().all(|(id, _)| *id != member.id) {
                self.store.call(&room.id, member.id, member.call.over()).await?;
            }
        }
        // Who is not in the call and has no pass that is still good is not asked after any more.
        room.call_participants
            .lock()
            .retain(|id, since| there.iter().any(|(caller, _)| caller == id) || since.elapsed() < LIFETIME);
        Ok(())
    }

    /// Tells rooms how LiveKit stands to this node now.
    fn tell_reach(&self, rooms: &[Arc<LocalRoom>], reach: Reach) {
        let (code, message) = match reach {
            Reach::Here => ("video_available", "video is back"),
            Reach::Away => ("video_unavailable", "the video server is out of reach; chat goes on"),
            Reach::Refused | Reach::Stranger => {
                ("video_refused", "the video server refuses this server's settings, which the operator must mend; chat goes on")
            }
        };
        for room in rooms {
            room.notice(&ServerMessage::Status { code, message });
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
        let Some(video) = &hub.terms().video else { return };
        if !changed && (std::mem::take(&mut first) || *reach.borrow() != Reach::Here) {
            let _ = video.knock().await;
        }
        let (is, news) = (*reach.borrow(), reach.has_changed().unwrap_or_default() || changed);
        reach.mark_unchanged();
        if is == Reach::Here && news {
            // Who was told that it went is told that it is back, even if nobody has called since.
            hub.tell_reach(&std::mem::take(&mut told).iter().filter_map(Weak::upgrade).collect::<Vec<_>>(), is);
        } else if is != Reach::Here {
            // Where a call began meanwhile they were not told yet; of another trouble all are told again.
            let rooms = hub.calling();
            let mut knew: Vec<_> = told.iter().filter_map(Weak::upgrade).collect();
            let new: Vec<_> = rooms.into_iter().filter(|room| !knew.iter().any(|known| Arc::ptr_eq(known, room))).collect();
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
                async move { hub.look_at(&room).await }
            });
            let mut looks = stream::iter(looks).buffer_unordered(TOGETHER);
            // When LiveKit is away the other rooms need not ask as well: the next look sees further.
            while looks.next().await.is_some() && *reach.borrow() == Reach::Here {}
        }
        next = Instant::now() + if *reach.borrow() == Reach::Here { LOOK } else { KNOCK };
    }
}
