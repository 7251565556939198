//! A seat that no link holds: it is kept for as long as its member asks again
//! in time, and lost when they do not.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{Instant, sleep_until},
};

use super::Seat;

/// A seat between requests. Dropping it is a lost link.
pub struct Tenure {
    kept: Arc<Kept>,
    lease: Duration,
    watch: AbortHandle,
}

struct Kept {
    state: Mutex<State>,
    /// The time is over, and so is the request that was waited for.
    over: Notify,
}

struct State {
    /// `None` when it is lost.
    seat: Option<Seat>,
    /// Requests that are being answered: while there are any, nothing runs out.
    asking: usize,
    until: Instant,
}

impl Tenure {
    /// Keeps a seat for `lease` after each request that was accepted, then frees it and says so to `lost`.
    pub fn new(seat: Seat, lease: Duration, lost: impl FnOnce() + Send + 'static) -> Self {
        let state = State { seat: Some(seat), asking: 0, until: Instant::now() + lease };
        let kept = Arc::new(Kept { state: Mutex::new(state), over: Notify::new() });
        let watched = Arc::clone(&kept);
        let watch = tokio::spawn(async move {
            let mut until = watched.state.lock().until;
            let seat = loop {
                tokio::select! {
                    () = sleep_until(until) => {}
                    () = watched.over.notified() => {}
                }
                let mut state = watched.state.lock();
                let now = Instant::now();
                if state.asking == 0 && state.until <= now {
                    break state.seat.take();
                }
                until = state.until.max(now + lease / 8);
            };
            lost();
            if let Some(seat) = seat {
                seat.lose();
            }
        });
        Self { kept, lease, watch: watch.abort_handle() }
    }

    /// A request begins: the seat is kept until the guard is dropped, and for the lease after that if it was accepted.
    /// `None` when the seat is lost already.
    pub fn stay(&self) -> Option<Stay> {
        let mut state = self.kept.state.lock();
        state.seat.as_ref()?;
        state.asking += 1;
        Some(Stay { kept: Arc::clone(&self.kept), lease: self.lease, accepted: false })
    }
}

impl Drop for Tenure {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// A request of a member whose seat is kept meanwhile.
pub struct Stay {
    kept: Arc<Kept>,
    lease: Duration,
    accepted: bool,
}

impl Stay {
    /// The request is not refused, so it renews the seat.
    pub fn accept(&mut self) {
        self.accepted = true;
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut state = self.kept.state.lock();
        state.asking -= 1;
        let now = Instant::now();
        if self.accepted {
            state.until = now + self.lease;
        } else if state.asking == 0 && state.until <= now {
            self.kept.over.notify_one();
        }
    }
}
