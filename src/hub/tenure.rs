//! A seat that no link holds: it is kept for as long as its member asks again
//! in time, and lost when they do not.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    task::AbortHandle,
    time::{Instant, sleep_until},
};

use super::Seat;

/// A seat between requests. Dropping it is a lost link.
pub struct Tenure {
    state: Arc<Mutex<State>>,
    lease: Duration,
    watch: AbortHandle,
}

struct State {
    /// `None` when it is lost.
    seat: Option<Seat>,
    /// Requests that are being answered: while there are any, nothing runs out.
    asking: usize,
    until: Instant,
}

impl Tenure {
    /// Keeps a seat for `lease` after each request, then frees it and says so to `lost`.
    pub fn new(seat: Seat, lease: Duration, lost: impl FnOnce() + Send + 'static) -> Self {
        let state = Arc::new(Mutex::new(State { seat: Some(seat), asking: 0, until: Instant::now() + lease }));
        let watched = Arc::clone(&state);
        let watch = tokio::spawn(async move {
            let mut until = watched.lock().until;
            let seat = loop {
                sleep_until(until).await;
                let mut state = watched.lock();
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
        Self { state, lease, watch: watch.abort_handle() }
    }

    /// A request begins: the seat is kept until the guard is dropped, and for the lease after that.
    /// `None` when the seat is lost already.
    pub fn stay(&self) -> Option<Stay> {
        let mut state = self.state.lock();
        state.seat.as_ref()?;
        state.asking += 1;
        Some(Stay { state: Arc::clone(&self.state), lease: self.lease })
    }
}

impl Drop for Tenure {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// A request of a member whose seat is kept meanwhile.
pub struct Stay {
    state: Arc<Mutex<State>>,
    lease: Duration,
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        state.asking -= 1;
        state.until = Instant::now() + self.lease;
    }
}
