//! Video: the only module that uses LiveKit's library. Signs LiveKit tokens, reads webhooks, and manages LiveKit's
//! rooms. Media goes between browsers and LiveKit only.

mod connection_test;
mod reach;

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

pub use self::reach::Reach;
use crate::{
    config::LiveKit,
    room::{CallMark, Member, MemberId, Millis, RoomId},
};

/// How long a token is valid: as long as those that LiveKit itself gives a participant at each join and then every
/// five minutes.
const TOKEN_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How long a client can join with a token. LiveKit accepts one for a minute after its `exp`.
pub const TOKEN_USABLE: Duration = Duration::from_secs(11 * 60);

/// How long LiveKit may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// LiveKit's kinds of tracks.
const AUDIO: i32 = 0;
const VIDEO: i32 = 1;

/// How many requests LiveKit gets at once; the others wait.
const AT_ONCE: usize = 16;

/// How many names of rooms stand in one request.
const NAMES: usize = 500;

/// What can go wrong between Parlor and LiveKit.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// LiveKit's library refuses the claims.
    #[error("the LiveKit token could not be minted: {0}")]
    Mint(String),
    /// LiveKit cannot be reached, or does not take our keys.
    #[error("LiveKit cannot be used")]
    Away,
    /// LiveKit is there, but could not do it.
    #[error("LiveKit failed: {0}")]
    Failed(String),
    /// A webhook that LiveKit has not signed.
    #[error("this webhook is not signed with our LiveKit keys")]
    Forged,
}

/// One LiveKit, with the operator's keys.
pub struct Video {
    settings: LiveKit,
    rooms: RoomClient,
    webhooks: WebhookReceiver,
    turns: Semaphore,
    reach: watch::Sender<Reach>,
}

/// A LiveKit access token for one member of one room.
pub struct LiveKitToken {
    /// The JWT.
    pub token: String,
    /// Where browsers reach LiveKit.
    pub url: String,
}

/// LiveKit says that a member joined or left a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebhookEvent {
    /// The room.
    pub room: RoomId,
    /// The member.
    pub member: MemberId,
    /// The member's stay in the call.
    pub call: CallMark,
}

impl Video {
    /// Does not connect to LiveKit yet.
    pub fn new(settings: LiveKit) -> Self {
        let (key, secret) = (&settings.key, settings.secret.expose());
        let rooms =
            RoomClient::with_api_key(&settings.api_url, key, secret).with_request_timeout(TIMEOUT);
        let webhooks = WebhookReceiver::new(TokenVerifier::with_api_key(key, secret));
        Self {
            rooms,
            webhooks,
            settings,
            turns: Semaphore::new(AT_ONCE),
            reach: watch::Sender::new(Reach::Here),
        }
    }

    /// Where browsers reach LiveKit.
    pub fn url(&self) -> &str {
        &self.settings.url
    }

    /// Whether this node could use LiveKit when it last asked; before that it is assumed to.
    pub fn reach(&self) -> watch::Receiver<Reach> {
        self.reach.subscribe()
    }

    /// Whether no token would be accepted: LiveKit refuses the keys, or browsers are sent to what is no LiveKit.
    pub fn is_refused(&self) -> bool {
        match *self.reach.borrow() {
            Reach::Here | Reach::Away => false,
            Reach::Refused => true,
            Reach::Stranger => self.settings.api_url == self.settings.url,
        }
    }

    /// Asks whether LiveKit is there and accepts our keys.
    ///
    /// # Errors
    /// [`VideoError::Away`], [`VideoError::Failed`].
    pub async fn probe(&self) -> Result<(), VideoError> {
        self.ask(CallTarget::LiveKit, self.rooms.list_rooms(vec!["-".to_owned()])).await.map(drop)
    }

    /// A token with the least grants that a call needs: this room, this identity, ten minutes.
    ///
    /// # Errors
    /// [`VideoError::Mint`] when LiveKit's library refuses the claims.
    pub fn livekit_token(
        &self,
        room: &RoomId,
        member: &Member,
    ) -> Result<LiveKitToken, VideoError> {
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
            .with_ttl(TOKEN_LIFETIME)
            .with_grants(grants)
            .to_jwt()
            .map_err(|error| VideoError::Mint(error.to_string()))?;
        Ok(LiveKitToken { token, url: self.settings.url.clone() })
    }

    /// What a webhook of LiveKit says; `None` unless a member joined or left a call.
    /// `signature` is the bare token of its `Authorization` header.
    ///
    /// # Errors
    /// [`VideoError::Forged`].
    pub fn read(&self, body: &str, signature: &str) -> Result<Option<WebhookEvent>, VideoError> {
        let event = self.webhooks.receive(body, signature).map_err(|_| VideoError::Forged)?;
        let over = match &*event.event {
            "participant_joined" => false,
            "participant_left" | "participant_connection_aborted" => true,
            _ => return Ok(None),
        };
        let target = event.participant.and_then(|them| {
            Some((identity(&them.identity)?, since(them.joined_at_ms, them.joined_at)))
        });
        let room = event.room.and_then(|room| room.name.parse().ok());
        Ok(target.zip(room).map(|((member, call), room)| WebhookEvent {
            room,
            member,
            call: if over { call.over() } else { call },
        }))
    }

    /// The participants of a call; none of a call that LiveKit does not know.
    ///
    /// # Errors
    /// [`VideoError::Away`], [`VideoError::Failed`].
    pub async fn participants(
        &self,
        room: &RoomId,
    ) -> Result<Vec<(MemberId, CallMark)>, VideoError> {
        let there = self
            .ask(CallTarget::LiveKit, self.rooms.list_participants(room.as_str()))
            .await?
            .unwrap_or_default();
        let stays = there
            .into_iter()
            .map(|them| (identity(&them.identity), since(them.joined_at_ms, them.joined_at)));
        Ok(stays.filter_map(|(member, call)| Some((member?, call))).collect())
    }

    /// Ends a call: all participants are removed, and LiveKit forgets the room. Says whether there was one.
    ///
    /// # Errors
    /// [`VideoError::Away`], [`VideoError::Failed`].
    pub async fn end(&self, room: &RoomId) -> Result<bool, VideoError> {
        let ended = self.ask(CallTarget::Participants, self.rooms.delete_room(room.as_str())).await;
        ended.map(|found| found.is_some())
    }

    /// Those of the rooms that LiveKit has.
    ///
    /// # Errors
    /// [`VideoError::Away`], [`VideoError::Failed`].
    pub async fn existing(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>, VideoError> {
        let mut existing = Vec::new();
        for some in rooms.chunks(NAMES) {
            let names = some.iter().map(|room| room.as_str().to_owned()).collect();
            let found = self.ask(CallTarget::LiveKit, self.rooms.list_rooms(names)).await?;
            existing.extend(
                found.into_iter().flatten().filter_map(|room| room.name.parse::<RoomId>().ok()),
            );
        }
        Ok(existing)
    }

    /// Mutes the tracks that a participant publishes now: audio, video, or both.
    ///
    /// # Errors
    /// [`VideoError::Away`], [`VideoError::Failed`].
    pub async fn hush(
        &self,
        room: &RoomId,
        member: MemberId,
        (audio, video): (bool, bool),
    ) -> Result<(), VideoError> {
        let identity = member.to_string();
        let participant = self.rooms.get_participant(room.as_str(), &identity);
        let Some(participant) = self.ask(CallTarget::LiveKit, participant).await? else {
            return Ok(());
        };
        for track in participant.tracks {
            let wanted = match track.r#type {
                AUDIO => audio,
                VIDEO => video,
                _ => false,
            };
            if wanted && !track.muted {
                let mute =
                    self.rooms.mute_published_track(room.as_str(), &identity, &track.sid, true);
                self.ask(CallTarget::LiveKit, mute).await?;
            }
        }
        Ok(())
    }

    /// Removes a participant from a call. Says whether it was there.
    ///
    /// # Errors
    /// [`VideoError::Away`], [`VideoError::Failed`].
    pub async fn remove_participant(
        &self,
        room: &RoomId,
        member: MemberId,
    ) -> Result<bool, VideoError> {
        let removed = self
            .ask(
                CallTarget::Participants,
                self.rooms.remove_participant(room.as_str(), &member.to_string()),
            )
            .await;
        removed.map(|found| found.is_some())
    }

    /// Waits for a free request and the answer; `None` if LiveKit knows no such room or participant. Logs once when
    /// LiveKit becomes usable or unusable.
    async fn ask<T>(
        &self,
        target: CallTarget,
        question: impl Future<Output = ServiceResult<T>>,
    ) -> Result<Option<T>, VideoError> {
        // When the other requests get no answer, nor would this one.
        let _turn = timeout(TIMEOUT, self.turns.acquire())
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or(VideoError::Away)?;
        let error = match question.await {
            Ok(answer) => {
                self.note(Reach::Here, "");
                return Ok(Some(answer));
            }
            Err(ServiceError::Twirp(ServerError::Request(error)))
                if error.is_timeout() && target == CallTarget::Participants =>
            {
                return Err(VideoError::Failed("timeout".into()));
            }
            Err(error) => error,
        };
        match reach::seen(error, &self.settings).await {
            Ok(seen) => {
                self.note(seen.reach, &seen.words);
                Err(VideoError::Away)
            }
            Err(error) => {
                self.note(Reach::Here, "");
                // Its message may name the room.
                match error {
                    ServerError::Twirp(no) if no.code == "not_found" => Ok(None),
                    ServerError::Twirp(no) => Err(VideoError::Failed(no.code)),
                    other => Err(VideoError::Failed(other.to_string())),
                }
            }
        }
    }

    fn note(&self, reach: Reach, why: &str) {
        if !self.reach.send_if_modified(|was| std::mem::replace(was, reach) != reach) {
            return;
        }
        match reach {
            Reach::Here => tracing::info!("LiveKit is in reach"),
            Reach::Away => {
                tracing::warn!(why, "LiveKit is out of reach: video may fail, chat goes on")
            }
            Reach::Refused => {
                tracing::error!(
                    why,
                    "LiveKit refuses LIVEKIT_API_KEY or its secret: there is no video, chat goes on"
                )
            }
            Reach::Stranger => tracing::error!(
                why,
                "what answers at LIVEKIT_API_URL (or LIVEKIT_URL) is no LiveKit: there is no video, chat goes on"
            ),
        }
    }
}

/// Who has to answer a request to LiveKit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CallTarget {
    /// LiveKit alone: when it does not answer, it is away.
    LiveKit,
    /// The participants as well: one of them may be leaving and never answer.
    Participants,
}

/// The member with this identity; `None` for other participants, such as the operator's recorders.
fn identity(identity: &str) -> Option<MemberId> {
    identity.parse().ok().map(MemberId)
}

/// A stay that began then: in milliseconds, or in seconds from a LiveKit that does not send those.
fn since(milliseconds: i64, seconds: i64) -> CallMark {
    let at = if milliseconds > 0 { milliseconds } else { seconds.saturating_mul(1000) };
    CallMark::since(Millis::try_from(at).unwrap_or_default())
}
