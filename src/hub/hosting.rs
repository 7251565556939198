//! Requests of a room's host.

use std::sync::Arc;

use super::{Hub, ticket_ops::has};
use crate::{
    protocol::{Ack, ApiError, HostRequest, Timestamp},
    room::{Amendment, Content, HostAction, MemberId, NewEntry, RoomError, RoomId, Snapshot},
};

/// What a request of the host has done.
pub enum HostAnswer {
    /// It is done.
    Done(Ack),
    /// The room has ended. What was removed, signed.
    Burned(String),
}

impl HostAnswer {
    /// The answer over a connection, which a burn has closed.
    pub fn ack(self) -> Option<Ack> {
        match self {
            Self::Done(ack) => Some(ack),
            Self::Burned(_) => None,
        }
    }
}

impl Hub {
    /// Carries out a request of the room's host.
    ///
    /// # Errors
    /// [`RoomError::NotHost`], what is wrong with the request, or the store's.
    pub async fn host_request(
        self: &Arc<Self>,
        room: &RoomId,
        by: MemberId,
        request: HostRequest,
    ) -> Result<HostAnswer, ApiError> {
        match request {
            HostRequest::Decide(action) => self.decide(room, by, &action).await?,
            HostRequest::Purge(action) => {
                if let Some(member) = action.kicks() {
                    self.delete_messages(room, by, member).await?;
                }
                self.decide(room, by, &action).await?;
            }
            HostRequest::Hush { member, audio, video } => {
                self.hush(room, by, member, (audio, video)).await?;
            }
            HostRequest::Burn => {
                let end = self.store.burn(room, Some(by)).await?;
                // Only the nodes of its members know whether they had tokens.
                self.watch_call(room);
                // Should LiveKit be away now, it is asked again.
                self.remove_from_call(room, by, true);
                return Ok(HostAnswer::Burned(self.config().receipt(&end).await));
            }
        }
        let timestamp = Timestamp((self.config().clock)());
        Ok(HostAnswer::Done(Ack { n: None, seq: None, timestamp, cursor: None, duplicate: None }))
    }

    /// Carries out what a host decides.
    ///
    /// # Errors
    /// As [`Self::host_request`].
    pub async fn decide(
        self: &Arc<Self>,
        room: &RoomId,
        by: MemberId,
        action: &HostAction,
    ) -> Result<(), ApiError> {
        self.store.decide(room, by, action).await?;
        if let Some(member) = action.kicks() {
            // Only the node of its session knows whether it was in the call.
            self.remove_from_call(room, member, false);
        }
        Ok(())
    }

    /// Deletes what a member has sent, and lets it send nothing more. It is deleted in the member's own name: the counter
    /// of the host is its client's.
    async fn delete_messages(
        &self,
        room: &RoomId,
        by: MemberId,
        member: MemberId,
    ) -> Result<(), ApiError> {
        self.store.decide(room, by, &HostAction::Mute { member, muted: true }).await?;
        let Some(snapshot) = self.store.snapshot(room, true).await? else { return Ok(()) };
        let sent = snapshot.history.iter().filter(|entry| entry.from == member);
        let deletes: Vec<NewEntry> = sent
            .filter(|entry| matches!(entry.text.content(), Content::Message(it) if !it.deleted))
            .map(|entry| NewEntry { n: None, text: Amendment::Delete { target: entry.seq }.into() })
            .collect();
        if deletes.is_empty() {
            return Ok(());
        }
        // A message may have been deleted or dropped since: the others are deleted all the same.
        self.store.publish_all(room, member, &deletes).await?;
        Ok(())
    }

    /// The room, if that member is its host.
    pub(super) async fn hosted_by(
        &self,
        room: &RoomId,
        by: MemberId,
    ) -> Result<Snapshot, ApiError> {
        let there = self.store.find(room, Some(by)).await?.ok_or(RoomError::NotMember)?;
        if !has(&there, by) {
            return Err(RoomError::NotMember.into());
        }
        there.rules.check_host(by)?;
        Ok(there)
    }

    /// Mutes what a member publishes in the call.
    async fn hush(
        &self,
        room: &RoomId,
        by: MemberId,
        member: MemberId,
        tracks: (bool, bool),
    ) -> Result<(), ApiError> {
        let video = self.config().video.as_ref().ok_or(ApiError::VideoNotConfigured)?;
        self.hosted_by(room, by).await?;
        let target = self.store.find(room, Some(member)).await?;
        if !target.is_some_and(|room| has(&room, member)) {
            return Err(RoomError::NoMember.into());
        }
        video.hush(room, member, tracks).await.map_err(|_| ApiError::Timeout)
    }
}
