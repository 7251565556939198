//! The video call of a room. LiveKit knows its participants; the hub tells the room, and removes a member who left
//! the room from the call. Chat waits for none of it.

use std::{sync::Arc, time::Duration};

use super::{Hub, ticket_ops};
use crate::{
    protocol::ApiError,
    room::{CallMark, Member, MemberId, RoomError, RoomId},
    store::StoreError,
    video::{LiveKitToken, Video, VideoError},
};

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
        let (video, member) = self.callable(room, id).await?;
        let token = video.livekit_token(room, &member).map_err(|error| {
            tracing::error!(%error, "no LiveKit token");
            ApiError::Internal
        })?;
        // The nodes of this member and of the others must know, so that they reconcile the call.
        self.store.call(room, id, CallMark::INVITED).await?;
        Ok(token)
    }

    /// LiveKit, and the member that asks for a token of it.
    pub(super) async fn callable(
        &self,
        room: &RoomId,
        id: MemberId,
    ) -> Result<(&Video, Member), ApiError> {
        let video = self.config().video.as_ref().ok_or(ApiError::VideoNotConfigured)?;
        let snapshot = self.store.find(room, Some(id)).await?.ok_or(RoomError::NotMember)?;
        let member = snapshot.members.into_iter().next().ok_or(RoomError::NotMember)?;
        if video.is_refused() {
            return Err(ApiError::VideoRefused);
        }
        Ok((video, member))
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
                    self.call_watch.former_member_found(&report.room);
                    self.remove_from_call(&report.room, report.member, false);
                }
                Ok(())
            }
            answer => Ok(answer?),
        }
    }

    /// Watches the call of a room that a member has left: its LiveKit token stays valid for a while, and with it the
    /// client can even open the call of a room that has ended.
    pub(super) fn watch_call(&self, room: &RoomId) {
        if self.config().video.is_some() {
            self.call_watch.member_left(room);
        }
    }

    /// In the background: removes a member who left from the call, or ends the call if that leave deleted the room.
    pub(super) fn remove_from_call(self: &Arc<Self>, room: &RoomId, member: MemberId, over: bool) {
        if self.config().video.is_none() {
            return;
        }
        // Most rooms that end had no call.
        if !over {
            self.watch_call(room);
        }
        let (hub, room) = (Arc::clone(self), room.clone());
        self.departures.spawn(async move {
            for pause in TRIES {
                tokio::time::sleep(pause).await;
                if let Ok(found) = hub.clear_up(&room, member, over).await {
                    if found {
                        hub.watch_call(&room);
                    }
                    return;
                }
            }
        });
    }

    /// Removes a member who left from the call, or ends the call of a deleted room. Says whether there was one.
    pub(super) async fn clear_up(
        &self,
        room: &RoomId,
        member: MemberId,
        over: bool,
    ) -> Result<bool, ApiError> {
        let Some(video) = &self.config().video else { return Ok(false) };
        // Read anew on each try: the room may have been created again, and the member may be back.
        let done = match self.store.find(room, Some(member)).await? {
            None if over => video.end(room).await,
            Some(there) if ticket_ops::has(&there, member) => Ok(false),
            _ => video.remove_participant(room, member).await,
        };
        done.map_err(|_: VideoError| ApiError::Timeout)
    }
}
