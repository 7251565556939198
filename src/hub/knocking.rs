//! A person who waits until the host admits them. Nothing of the room is held for them: they ask again and again.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{Hub, JoinOrigin, Session, Subscriber};
use crate::{
    budget::Usage,
    protocol::{ApiError, ServerMessage},
    room::{MemberId, RoomError, RoomId},
    ticket::Claims,
};

/// How often a person who waits asks.
const ASKS: Duration = Duration::from_millis(500);

/// How long a person waits at most.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// A knock that is taken back when its person no longer waits.
struct Waiting {
    hub: Arc<Hub>,
    room: RoomId,
    id: Option<MemberId>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(id) = self.id.take()
            && tokio::runtime::Handle::try_current().is_ok()
        {
            let (hub, room) = (Arc::clone(&self.hub), self.room.clone());
            // Should the store be away, the knock ends for want of being renewed.
            tokio::spawn(async move { hub.store.end_knock(&room, Some(id)).await });
        }
    }
}

impl Hub {
    /// Waits until the host admits a person, and tells its connection that it waits. A client that cannot be kept
    /// waiting is told to ask again.
    ///
    /// # Errors
    /// [`RoomError::NotAdmitted`], or as [`Self::enter`].
    pub(super) async fn wait_at_the_door(
        self: &Arc<Self>,
        room: &RoomId,
        claims: Claims,
        from: JoinOrigin,
        usage: Option<&Arc<Usage>>,
        subscriber: Arc<dyn Subscriber>,
        waits: bool,
    ) -> Result<Session, ApiError> {
        let id = claims.member;
        let there = self.store.find(room, None).await?.ok_or(RoomError::NotAdmitted)?;
        if !waits {
            let now = (self.config().clock)();
            return Err(ApiError::AskAgain(
                self.config().signer.sign(&there.key, room, &claims, now),
            ));
        }
        let mut waiting = Waiting { hub: Arc::clone(self), room: room.clone(), id: Some(id) };
        let frame = ServerMessage::Knocking { client_id: id, room };
        subscriber.deliver(&[subscriber.encoder().encode(&frame)]);
        while from.began.elapsed() < PATIENCE {
            tokio::select! {
                () = sleep(ASKS) => {}
                restarting = self.stops() => return Err(restarting),
            }
            match self.store.find(room, None).await {
                Ok(Some(now)) if now.epoch == there.epoch => {}
                // A join would make the room anew, or be one to another room.
                Ok(_) => return Err(ApiError::Burned),
                Err(_) => continue,
            }
            let again = Arc::clone(&subscriber);
            match self.sit(room, claims.clone(), from, usage, again).await {
                Err(ApiError::Refused(RoomError::Knocking)) => {}
                // The store may be back soon, and the person still waits.
                Err(ApiError::StoreUnavailable) => {}
                joined => {
                    // Admitted, refused, or locked out: the knock is gone, or is void.
                    if joined.is_ok()
                        || matches!(joined, Err(ApiError::Refused(RoomError::NotAdmitted)))
                    {
                        waiting.id = None;
                    }
                    return joined;
                }
            }
        }
        Err(RoomError::NotAdmitted.into())
    }
}
