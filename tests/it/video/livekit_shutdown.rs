//! How LiveKit ends: `docker-compose.yml` and `deploy/livekit.service` are set by this.

use std::time::Duration;

use tokio::time::timeout;

use super::call::{both, call, callers};
use crate::{support::PATIENCE, wire::Client};

#[tokio::test]
async fn livekit_runs_on_after_a_sigterm_as_long_as_a_participant_is_there() {
    let (mut livekit, server) = both().await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let _call = call(&livekit, &mut ann).await;
    livekit.terminate();
    // `ExecStop` of deploy/livekit.service waits as long.
    assert!(timeout(Duration::from_secs(1), livekit.ended()).await.is_err());
    assert_eq!(callers(&livekit, "general").await, [ann.id()]);
    livekit.terminate();
    timeout(PATIENCE, livekit.ended()).await.expect("LiveKit ends after the second signal");
}
