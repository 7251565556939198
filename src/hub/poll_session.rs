//! A session without a connection: it is held while its member polls in time, and lost when they do not.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{Instant, sleep_until},
};

use super::Session;

/// The shortest time between two checks whether a request has ended.
const LOOK: Duration = Duration::from_millis(20);

/// A session between requests. Dropping it counts as a lost connection.
pub struct PollSession {
    kept: Arc<Kept>,
    watch: AbortHandle,
}

struct Kept {
    state: Mutex<State>,
    /// The time is over, and so is the request that was waited for.
    over: Notify,
    /// How long the session is held after a request.
    lease: Duration,
    /// How long it is held after its page has said that it unloads.
    reload: Duration,
}

struct State {
    /// `None` when the session is lost.
    session: Option<Session>,
    /// Requests that are being answered: while there are any, the session cannot expire.
    asking: usize,
    until: Instant,
    /// The page said that it unloads, and no request came since.
    unloads: bool,
}

impl PollSession {
    /// Holds a session for the node's poll time after each request that was accepted, then frees it and calls `lost`.
    /// `unload` notifies that the member's page unloads.
    pub fn new(
        session: Session,
        unload: Arc<Notify>,
        lost: impl FnOnce() + Send + 'static,
    ) -> Self {
        let config = session.config();
        let (lease, reload) = (config.poll(), config.reload_grace);
        let state = State {
            session: Some(session),
            asking: 0,
            until: Instant::now() + lease,
            unloads: false,
        };
        let kept = Arc::new(Kept { state: Mutex::new(state), over: Notify::new(), lease, reload });
        let watched = Arc::clone(&kept);
        let watch = tokio::spawn(async move {
            let mut until = watched.state.lock().until;
            let session = loop {
                tokio::select! {
                    () = sleep_until(until) => {}
                    () = watched.over.notified() => {}
                    () = unload.notified() => watched.unload(),
                }
                let mut state = watched.state.lock();
                let now = Instant::now();
                if state.asking == 0 && state.until <= now {
                    break state.session.take();
                }
                until = state.until.max(now + (lease.min(reload) / 8).max(LOOK));
            };
            lost();
            if let Some(session) = session {
                session.lose();
            }
        });
        Self { kept, watch: watch.abort_handle() }
    }

    /// A request begins. The session is held until the guard is dropped, and for the lease after that if the request
    /// was accepted. `None` when the session is lost already.
    pub fn keep_alive(&self) -> Option<KeepAlive> {
        let mut state = self.kept.state.lock();
        state.session.as_ref()?;
        state.asking += 1;
        // The page is still there, or there again.
        state.unloads = false;
        Some(KeepAlive { kept: Arc::clone(&self.kept), accepted: false })
    }

    /// Whether a ticket is the member's, though its room may have ended since.
    pub fn is_of(&self, ticket: &str) -> bool {
        self.kept.state.lock().session.as_ref().is_some_and(|session| session.is_of(ticket))
    }
}

impl Kept {
    fn unload(&self) {
        let mut state = self.state.lock();
        state.unloads = true;
        state.until = state.until.min(Instant::now() + self.reload);
    }
}

impl Drop for PollSession {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// A request of a member whose session is held meanwhile.
pub struct KeepAlive {
    kept: Arc<Kept>,
    accepted: bool,
}

impl KeepAlive {
    /// The request is not refused, so it renews the session.
    pub fn accept(&mut self) {
        self.accepted = true;
    }
}

impl Drop for KeepAlive {
    fn drop(&mut self) {
        let mut state = self.kept.state.lock();
        state.asking -= 1;
        let now = Instant::now();
        if self.accepted {
            state.until = now + if state.unloads { self.kept.reload } else { self.kept.lease };
        } else if state.asking == 0 && state.until <= now {
            self.kept.over.notify_one();
        }
    }
}
