//! A member may test its connection to LiveKit. The room hears nothing of it, and nothing is reconciled.

use std::{collections::HashSet, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use super::Hub;
use crate::{
    protocol::ApiError,
    room::{MemberId, RoomId},
    video::{LiveKitToken, TOKEN_USABLE},
};

/// How long a test can last. It ends at the second round that finds it.
const ROUND: Duration = Duration::from_secs(2 * 60);

/// When this node last gave a token for a test or found one: while `Some`, it makes rounds.
#[derive(Default)]
pub(super) struct ConnectionTests(Mutex<Option<Instant>>);

impl Hub {
    /// A LiveKit token for a connection test of a member.
    ///
    /// # Errors
    /// As [`Hub::livekit_token`].
    pub async fn connection_test_token(
        self: &Arc<Self>,
        room: &RoomId,
        id: MemberId,
    ) -> Result<LiveKitToken, ApiError> {
        let (video, _) = self.callable(room, id).await?;
        let token = video.connection_test_token(id).map_err(|error| {
            tracing::error!(%error, "no LiveKit token for a connection test");
            ApiError::Internal
        })?;
        self.end_tests_in_time();
        Ok(token)
    }

    /// In the background: ends tests whose client stays longer than a test takes.
    fn end_tests_in_time(self: &Arc<Self>) {
        if self.connection_tests.0.lock().replace(Instant::now()).is_some() {
            return;
        }
        let hub = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut known = HashSet::new();
            loop {
                sleep(ROUND).await;
                let Some(hub) = hub.upgrade() else { return };
                let Some(video) = &hub.config().video else { return };
                let tests = video.end_tests(&known).await;
                let mut last = hub.connection_tests.0.lock();
                let unknown = tests.is_err();
                known = tests.unwrap_or(known);
                if unknown || !known.is_empty() {
                    *last = Some(Instant::now());
                } else if last.is_some_and(|at| at.elapsed() > TOKEN_USABLE + ROUND) {
                    // LiveKit has renewed a token for so long after the last connection.
                    *last = None;
                    return;
                }
            }
        });
    }
}
