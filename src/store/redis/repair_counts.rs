//! Counts of repairs.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the store has repaired since it was made. Metrics may read it at any time.
#[derive(Default, Debug)]
pub struct RepairCounts {
    /// Broker messages that did not arrive in time, found by comparing with what a script answered.
    pub late_messages: AtomicU64,
    /// Times that broker messages came faster than the node took them, so that some were lost.
    pub lag: AtomicU64,
    /// Rooms whose log and members were read again to close a gap.
    pub resyncs: AtomicU64,
    /// Members brought back after Redis had lost them.
    pub rejoin: AtomicU64,
    /// Subscriptions made again.
    pub resubscribes: AtomicU64,
    /// Rooms whose continuity broke, so that subscribers got the whole room again.
    pub reset: AtomicU64,
    /// Connections closed because the server did not answer on them.
    pub reconnect: AtomicU64,
    /// Times that another server was found to have some of the rooms, the first time included.
    pub remap: AtomicU64,
    /// Calls that a server redirected to another.
    pub moved: AtomicU64,
}

impl RepairCounts {
    /// Every counter: name, what it counts, how often.
    pub(super) fn all(&self) -> Vec<(&'static str, &'static str, u64)> {
        [
            ("late_messages", "Broker messages that did not arrive in time", &self.late_messages),
            ("lag", "Times that broker messages came faster than they were taken", &self.lag),
            ("resyncs", "Rooms read again to close a gap", &self.resyncs),
            ("rejoin", "Members brought back after Redis had lost them", &self.rejoin),
            ("resubscribes", "Subscriptions made again", &self.resubscribes),
            ("reset", "Rooms whose continuity broke", &self.reset),
            ("reconnect", "Connections closed because the server did not answer", &self.reconnect),
            ("remap", "Times that another server had some of the rooms", &self.remap),
            ("moved", "Calls that a server redirected to another", &self.moved),
            // The names before 0.2, for one release.
            ("heal", "Old name of late_messages", &self.late_messages),
            ("fill", "Old name of resyncs", &self.resyncs),
            ("resub", "Old name of resubscribes", &self.resubscribes),
        ]
        .map(|(name, help, counter)| (name, help, counter.load(Ordering::Relaxed)))
        .into()
    }
}

/// Counts one more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
