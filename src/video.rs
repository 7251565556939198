//! Video: the only place that names LiveKit's library. Mints passes, reads
//! what LiveKit reports, and asks it to clear up; the media itself goes
//! between browsers and LiveKit.

use std::time::Duration;

use livekit_api::{
    access_token::{AccessToken, TokenVerifier, VideoGrants},
    services::{ServerError, ServiceError, ServiceResult, room::RoomClient},
    webhooks::WebhookReceiver,
};
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use crate::{
    config::LiveKit,
    room::{Call, Member, MemberId, Millis, RoomId},
};

/// How long a pass opens the door. LiveKit itself renews the tokens of those inside.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How long LiveKit may take for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Questions to LiveKit at once; the others wait for their turn.
const AT_ONCE: usize = 16;

/// What can go wrong between Parlor and LiveKit.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// LiveKit's library refuses the claims.
    #[error("the LiveKit token could not be minted: {0}")]
    Mint(String),
    /// LiveKit cannot be reached, or does not take our keys.
    #[error("LiveKit is out of reach")]
    Away,
    /// LiveKit is there, but could not do it.
    #[error("LiveKit failed: {0}")]
    Failed(String),
    /// A report that LiveKit has not signed.
    #[error("this report is not signed with our LiveKit keys")]
    Forged,
}

/// One LiveKit, with the operator's keys.
pub struct Video {
    settings: LiveKit,
    rooms: RoomClient,
    reports: WebhookReceiver,
    turns: Semaphore,
    in_reach: watch::Sender<bool>,
}

/// A LiveKit access token for one member of one room.
pub struct Pass {
    /// The JWT.
    pub token: String,
    /// Where browsers reach LiveKit.
    pub url: String,
}

/// LiveKit says that a member came to a call or went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Where.
    pub room: RoomId,
    /// Who.
    pub member: MemberId,
    /// What is known of the member's stay.
    pub call: Call,
}

impl Video {
    /// With LiveKit fully set up. Does not look for it.
    pub fn new(settings: LiveKit) -> Self {
        let (key, secret) = (&settings.key, settings.secret.expose());
        let rooms = RoomClient::with_api_key(&settings.api_url, key, secret).with_request_timeout(PATIENCE);
        let reports = WebhookReceiver::new(TokenVerifier::with_api_key(key, secret));
        Self { rooms, reports, settings, turns: Semaphore::new(AT_ONCE), in_reach: watch::Sender::new(true) }
    }

    /// Where browsers reach LiveKit.
    pub fn url(&self) -> &str {
        &self.settings.url
    }

    /// Whether LiveKit answered when it was last asked; true before that.
    pub fn in_reach(&self) -> watch::Receiver<bool> {
        self.in_reach.subscribe()
    }

    /// A pass with the least grants that a call needs: this room, this identity, ten minutes.
    ///
    /// # Errors
    /// [`VideoError::Mint`] when LiveKit's library refuses the claims.
    pub fn pass(&self, room: &RoomId, member: &Member) -> Result<Pass, VideoError> {
        let grants = VideoGrants {
            room_join: true,
            room: room.as_str().to_owned(),
            can_publish: Some(true),
            can_subscribe: Some(true),
            can_publish_data: Some(true),
            ..VideoGrants::default()
        };
        let token = AccessToken::with_api_key(&self.settings.key, self.settings.secret.expose())
            .with_identity(&member.id.to_string())
            .with_name(member.name.as_str())
            .with_ttl(LIFETIME)
            .with_grants(grants)
            .to_jwt()
            .map_err(|error| VideoError::Mint(error.to_string()))?;
        Ok(Pass { token, url: self.settings.url.clone() })
    }

    /// What a webhook of LiveKit says, or `None` if it is nothing about a member's coming or going.
    /// `signature` is the bare token of its `Authorization` header.
    ///
    /// # Errors
    /// [`VideoError::Forged`].
    pub fn read(&self, body: &str, signature: &str) -> Result<Option<Report>, VideoError> {
        let event = self.reports.receive(body, signature).map_err(|_| VideoError::Forged)?;
        let over = match &*event.event {
            "participant_joined" => false,
            "participant_left" | "participant_connection_aborted" => true,
            _ => return Ok(None),
        };
        let whom = event.participant.and_then(|them| Some((identity(&them.identity)?, since(them.joined_at_ms, them.joined_at))));
        let room = event.room.and_then(|room| room.name.parse().ok());
        Ok(whom.zip(room).map(|((member, call), room)| Report { room, member, call: if over { call.over() } else { call } }))
    }

    /// Who is in a call. Nobody is in a call that LiveKit does not know.
    ///
    /// # Errors
    /// [`VideoError::Away`], [`VideoError::Failed`].
    pub async fn callers(&self, room: &RoomId) -> Result<Vec<(MemberId, Call)>, VideoError> {
        let there = self.ask(Whom::LiveKit, self.rooms.list_participants(room.as_str())).await?.unwrap_or_default();
        let stays = there.into_iter().map(|them| (identity(&them.identity), since(them.joined_at_ms, them.joined_at)));
        Ok(stays.filter_map(|(member, call)| Some((member?, call))).collect())
    }

    /// Ends a call: everybody in it is put out, and LiveKit forgets the room.
    ///
    /// # Errors
    /// [`VideoError::Away`], [`VideoError::Failed`].
    pub async fn end(&self, room: &RoomId) -> Result<(), VideoError> {
        self.ask(Whom::Callers, self.rooms.delete_room(room.as_str())).await.map(drop)
    }

    /// Puts somebody out of a call.
    ///
    /// # Errors
    /// [`VideoError::Away`], [`VideoError::Failed`].
    pub async fn put_out(&self, room: &RoomId, member: MemberId) -> Result<(), VideoError> {
        self.ask(Whom::Callers, self.rooms.remove_participant(room.as_str(), &member.to_string())).await.map(drop)
    }

    /// Waits for a turn and the answer; `None` if LiveKit knows nothing of it. Says once that LiveKit went or came back.
    async fn ask<T>(&self, whom: Whom, question: impl Future<Output = ServiceResult<T>>) -> Result<Option<T>, VideoError> {
        // Where the others wait in vain, so would this.
        let _turn = timeout(PATIENCE, self.turns.acquire()).await.ok().and_then(Result::ok).ok_or(VideoError::Away)?;
        let (answer, why) = match question.await {
            Ok(answer) => (Ok(Some(answer)), None),
            // Its message may name the room.
            Err(ServiceError::Twirp(ServerError::Twirp(no))) => match &*no.code {
                "not_found" => (Ok(None), None),
                "unauthenticated" | "permission_denied" => (Err(VideoError::Away), Some(no.code)),
                _ => (Err(VideoError::Failed(no.code)), None),
            },
            Err(ServiceError::Twirp(ServerError::Request(error))) if error.is_timeout() && whom == Whom::Callers => {
                return Err(VideoError::Failed("timeout".into()));
            }
            Err(error) => (Err(VideoError::Away), Some(error.to_string())),
        };
        let here = why.is_none();
        let changed = self.in_reach.send_if_modified(|was| std::mem::replace(was, here) != here);
        match why {
            Some(why) if changed => tracing::warn!(why, "LiveKit is out of reach: video may fail, chat goes on"),
            None if changed => tracing::info!("LiveKit is in reach"),
            _ => {}
        }
        answer
    }
}

/// Who has to answer a question to LiveKit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// LiveKit itself: when it is silent, it is away.
    LiveKit,
    /// Those in the call as well: one of them may be on the way out and never answer.
    Callers,
}

/// The member that goes by this identity; none for those whom the operator sends in, as recorders.
fn identity(identity: &str) -> Option<MemberId> {
    identity.parse().ok().map(MemberId)
}

/// A stay that began then: in milliseconds, or in seconds where LiveKit is too old for that.
fn since(milliseconds: i64, seconds: i64) -> Call {
    let at = if milliseconds > 0 { milliseconds } else { seconds.saturating_mul(1000) };
    Call::since(Millis::try_from(at).unwrap_or_default())
}
