//! Video: the only place that names LiveKit's library. Mints a pass for one
//! member of one room; the media itself goes between browsers and LiveKit.

use std::time::Duration;

use livekit_api::access_token::{AccessToken, VideoGrants};

use crate::{
    config::LiveKit,
    room::{Member, RoomId},
};

/// How long a pass opens the door. LiveKit itself renews the tokens of those inside.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// A pass could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the LiveKit token could not be minted: {0}")]
pub struct VideoError(String);

/// Mints passes with the operator's keys.
pub struct Video {
    settings: LiveKit,
}

/// A LiveKit access token for one member of one room.
pub struct Pass {
    /// The JWT.
    pub token: String,
    /// Where browsers reach LiveKit.
    pub url: String,
}

impl Video {
    /// With LiveKit fully set up.
    pub fn new(settings: LiveKit) -> Self {
        Self { settings }
    }

    /// Where browsers reach LiveKit.
    pub fn url(&self) -> &str {
        &self.settings.url
    }

    /// A pass with the least grants that a call needs: this room, this identity, ten minutes.
    ///
    /// # Errors
    /// [`VideoError`] when LiveKit's library refuses the claims.
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
            .map_err(|error| VideoError(error.to_string()))?;
        Ok(Pass { token, url: self.settings.url.clone() })
    }
}
