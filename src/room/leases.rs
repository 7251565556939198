//! How long each node's members stay in a room without a renewal from the node.

use std::collections::HashMap;

use super::{Millis, NodeId};

/// The leases of the nodes that hold sessions in a room.
#[derive(Default)]
pub(super) struct Leases(HashMap<NodeId, Lease>);

/// When a node's lease ends, and how many sessions the node holds.
struct Lease {
    ends: Millis,
    seats: usize,
}

impl Leases {
    /// Counts one more session of a node, and renews its lease.
    pub(super) fn add(&mut self, node: NodeId, ends: Millis) {
        let lease = self.0.entry(node).or_insert(Lease { ends: 0, seats: 0 });
        lease.ends = ends;
        lease.seats += 1;
    }

    /// Counts one session of a node less. The lease goes with the last.
    pub(super) fn remove(&mut self, node: NodeId) {
        if let Some(lease) = self.0.get_mut(&node) {
            lease.seats -= 1;
            if lease.seats == 0 {
                self.0.remove(&node);
            }
        }
    }

    /// Renews the lease of a node, if it has one.
    pub(super) fn renew(&mut self, node: NodeId, ends: Millis) {
        if let Some(lease) = self.0.get_mut(&node) {
            lease.ends = ends;
        }
    }

    /// Ends a node's lease. False when it has none.
    pub(super) fn end(&mut self, node: NodeId) -> bool {
        self.0.remove(&node).is_some()
    }

    /// Whether a node holds any session.
    pub(super) fn holds(&self, node: NodeId) -> bool {
        self.0.contains_key(&node)
    }

    /// The nodes whose leases are over.
    pub(super) fn over(&self, now: Millis) -> Vec<NodeId> {
        self.0.iter().filter(|(_, lease)| lease.ends <= now).map(|(node, _)| *node).collect()
    }
}
