//! Typing ends by itself: a client may be gone before it says so.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::AbortHandle,
    time::{Instant, sleep},
};

use crate::{
    room::{MemberId, RoomId},
    store::Store,
};

/// After this long without another typing frame, the hub broadcasts that the member has stopped typing.
const TYPING: Duration = Duration::from_secs(6);

/// Starts the task that ends a member's typing, unless it is aborted before. `ended` is called first.
pub(super) fn timeout(
    store: &Arc<dyn Store>,
    room: &RoomId,
    member: MemberId,
    ended: impl FnOnce() + Send + 'static,
) -> AbortHandle {
    let (store, room) = (Arc::clone(store), room.clone());
    let timeout = tokio::spawn(async move {
        sleep(TYPING).await;
        ended();
        // An error is of no interest: for a member who has left, the leave was broadcast.
        let _ = store.typing(&room, member, false, Instant::now()).await;
    });
    timeout.abort_handle()
}
