//! Connection tests: each is in a LiveKit room that is no room of Parlor's, and ends by itself.

use std::{collections::HashSet, time::Duration};

use livekit_api::access_token::{AccessToken, Claims, VideoGrants};
use uuid::Uuid;

use super::{CallTarget, LiveKitToken, Video, VideoError};
use crate::room::MemberId;

/// A test takes a minute at most.
const LIFETIME: Duration = Duration::from_secs(2 * 60);

/// How long LiveKit keeps the room of a test that nobody is in, in seconds.
const KEPT: u32 = 10;

/// How many connections LiveKit accepts for the tests of one member. One test has two, and a member may have two tabs.
const CONNECTIONS: u32 = 4;

/// No id of a room has a colon, so webhooks of a test are about no call.
const ROOM: &str = "test:";

impl Video {
    /// A token that opens a connection and nothing else. Media and data may go neither way.
    ///
    /// # Errors
    /// [`VideoError::Mint`] when LiveKit's library refuses the claims.
    pub fn connection_test_token(&self, member: MemberId) -> Result<LiveKitToken, VideoError> {
        let grants = VideoGrants {
            room_join: true,
            room: format!("{ROOM}{member}"),
            can_publish: Some(false),
            can_subscribe: Some(false),
            can_publish_data: Some(false),
            ..VideoGrants::default()
        };
        let mut room = Claims::default().room_config.unwrap_or_default();
        (room.empty_timeout, room.departure_timeout) = (KEPT, KEPT);
        room.max_participants = CONNECTIONS;
        let token = AccessToken::with_api_key(&self.settings.key, self.settings.secret.expose())
            // LiveKit remembers for an identity that UDP failed. The next test must not start with that.
            .with_identity(&format!("{ROOM}{}", Uuid::new_v4().simple()))
            .with_ttl(LIFETIME)
            .with_grants(grants)
            .with_room_config(room)
            .to_jwt()
            .map_err(|error| VideoError::Mint(error.to_string()))?;
        Ok(LiveKitToken { token, url: self.settings.url.clone() })
    }

    /// Ends those of the `overdue` tests that LiveKit still has. Returns the others that it has, by their ids in LiveKit.
    ///
    /// # Errors
    /// [`VideoError::Away`], [`VideoError::Failed`].
    pub async fn end_tests(
        &self,
        overdue: &HashSet<String>,
    ) -> Result<HashSet<String>, VideoError> {
        let rooms = self.ask(CallTarget::LiveKit, self.rooms.list_rooms(Vec::new())).await?;
        let mut others = HashSet::new();
        for room in rooms.unwrap_or_default() {
            if !room.name.starts_with(ROOM) {
                continue;
            }
            if overdue.contains(&room.sid) {
                let ended =
                    self.ask(CallTarget::Participants, self.rooms.delete_room(&room.name)).await;
                if ended.is_ok() {
                    continue;
                }
            }
            others.insert(room.sid);
        }
        Ok(others)
    }
}
