//! Which nodes live: each subscribes to one channel of all nodes, and Redis counts the subscribers. So no key is
//! left behind, and a node that dies is gone with its connection.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};

use super::{DEADLINE, Shared, client::TRY, keys::Keys, lanes::RENEWALS};

/// How soon a subscription that failed is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How long the last renewal of all of a node's rooms may take.
const LAST_WORD: Duration = Duration::from_millis(500);

/// This node among the others.
pub(super) struct Presence {
    keys: Keys,
    /// Other nodes know of this one.
    known: AtomicBool,
    /// The server or the connection may be another one.
    changed: Notify,
}

impl Presence {
    pub(super) fn new(database: u8) -> Self {
        Self {
            keys: Keys::of_nodes(database),
            known: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// The subscription may be gone.
    pub(super) fn doubt(&self) {
        self.changed.notify_one();
    }
}

/// Keeps this node subscribed to the channel of all nodes for as long as it runs.
pub(super) async fn attend(shared: Weak<Shared>) {
    loop {
        let Some(this) = shared.upgrade() else { return };
        let presence = Arc::clone(&this.presence);
        let listens =
            this.router.subscribe(&presence.keys, Instant::now() + DEADLINE).await.is_ok();
        drop(this);
        if listens {
            presence.known.store(true, Ordering::Relaxed);
            presence.changed.notified().await;
        } else {
            sleep(RETRY).await;
        }
    }
}

impl Shared {
    /// Whether other nodes know of this one, as far as they can: until then they would not leave their members to it.
    pub(super) fn is_known(&self) -> bool {
        self.presence.known.load(Ordering::Relaxed)
            || self.router.is_away(self.presence.keys.slot())
    }

    /// Whether other nodes are subscribed; this one no longer is. Where Redis does not say, the answer is yes.
    pub(super) async fn has_peers(&self) -> bool {
        let Some(connection) = self.router.route(self.presence.keys.slot()) else { return true };
        let channel = self.presence.keys.channel();
        let asked = timeout(TRY, async {
            connection.unsubscribe(channel).await;
            connection.listeners(channel).await
        });
        !matches!(asked.await, Ok(Ok(0)))
    }

    /// Renews all rooms once more, so that their members are `held` from now on, and ends pending sessions.
    pub(super) async fn send_announcement(&self, held: Duration) {
        self.rooms.iter().for_each(|subscription| subscription.renewed(Duration::ZERO));
        let calls = self.calls().into_iter().map(|turns| self.renew_together(turns, held));
        let all = async {
            stream::iter(calls).buffer_unordered(RENEWALS).for_each(|()| async {}).await;
            self.pay().await;
        };
        if timeout(LAST_WORD, all).await.is_err() {
            tracing::warn!("Redis did not hear this node's last word in time");
        }
    }
}
