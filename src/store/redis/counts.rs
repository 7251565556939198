//! How often something had to be put right.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the store has mended since it was made. Readers of metrics may look at any time.
#[derive(Default, Debug)]
pub struct Counts {
    /// News that did not arrive in time, found by comparing with what a script answered.
    pub heal: AtomicU64,
    /// Times that news came faster than they were taken, so that some were lost.
    pub lag: AtomicU64,
    /// Rooms whose log and people were read again to close a hole.
    pub fill: AtomicU64,
    /// Members brought back after Redis had lost them.
    pub rejoin: AtomicU64,
    /// Subscriptions made again.
    pub resub: AtomicU64,
    /// Rooms whose continuity broke, so that readers were given the whole room again.
    pub reset: AtomicU64,
    /// Connections closed because nobody answered on them.
    pub reconnect: AtomicU64,
    /// Times that another server was found to have some of the rooms, the first time included.
    pub remap: AtomicU64,
    /// Calls that a server sent on to another.
    pub moved: AtomicU64,
}

/// Counts one more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
