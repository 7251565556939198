//! The end of a session or of a room, and the receipt for what was removed.

use std::time::Duration;

use tokio::{task::JoinHandle, time::timeout};

use super::{Hub, HubConfig};
use crate::{
    receipt::{Cause, Receipt, VideoOutcome},
    room::{EndCause, RoomEnd},
};

/// How long LiveKit may take to end a call before a receipt says that it was out of reach.
const HANGING_UP: Duration = Duration::from_secs(2);

/// How long an explicit leave waits for the store before it goes on in the background.
const LEAVING: Duration = Duration::from_secs(3);

/// A leave that may not be done yet.
pub(super) enum Leaving {
    /// It is done. With what was removed, if it was the last.
    Done(Option<RoomEnd>),
    /// The store was not in this process, or did not answer at once.
    UnderWay(JoinHandle<Option<RoomEnd>>),
}

impl Leaving {
    /// Waits until it is done.
    pub(super) async fn end(self) -> Option<RoomEnd> {
        match self {
            Self::Done(end) => end,
            Self::UnderWay(leaving) => leaving.await.ok().flatten(),
        }
    }
}

/// How a leave ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Goodbye {
    /// The session is free; if not, it will be once the store answers.
    pub freed: bool,
    /// What was removed, if that member was the last.
    pub end: Option<RoomEnd>,
}

impl Hub {
    /// Signs what was removed when a room ended. To sign costs more than a join and a leave, so it is done only for a
    /// client that gets it.
    pub async fn receipt(&self, end: &RoomEnd) -> String {
        self.config().receipt(end).await
    }
}

/// Waits for a leave, but not for long.
pub(super) async fn goodbye(leaving: Leaving) -> Goodbye {
    match timeout(LEAVING, leaving.end()).await {
        Ok(end) => Goodbye { freed: true, end },
        Err(_) => Goodbye { freed: false, end: None },
    }
}

impl HubConfig {
    /// Ends the call of a room that has ended, and signs what was removed.
    pub(super) async fn receipt(&self, end: &RoomEnd) -> String {
        let video = match &self.video {
            None => VideoOutcome::Off,
            Some(video) => match timeout(HANGING_UP, video.end(&end.room)).await {
                Ok(Ok(true)) => VideoOutcome::Removed,
                Ok(Ok(false)) => VideoOutcome::Absent,
                Ok(Err(_)) | Err(_) => VideoOutcome::Unreachable,
            },
        };
        let cause = match end.cause {
            EndCause::Left => Cause::Left,
            EndCause::Burned => Cause::Burned,
            EndCause::Expired => Cause::Expired,
        };
        self.receipts.sign(&Receipt {
            room: end.room.to_string(),
            epoch: format!("{:x}", end.epoch.0),
            cause,
            keys: end.keys.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect(),
            entries: end.entries,
            bytes: end.bytes,
            members: end.members,
            files: end.files,
            video,
            keys_left: end.keys_left,
            node: format!("{:016x}", self.node.0),
            iat: (self.clock)() / 1000,
        })
    }
}
