//! The admission of a connection: it counts for the node and for an address while this lives.

use std::sync::Arc;

use super::{Node, Permit, Resource, Unread, Usage};

/// One connection of the node, whatever address it counts for.
pub struct Slot(Arc<Node>);

impl Slot {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self(node)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.subtract(Resource::Connections, 1);
    }
}

/// The counts of one connection.
#[derive(Default)]
pub struct Admission {
    slot: Option<Slot>,
    permit: Option<Permit>,
    usage: Option<Arc<Usage>>,
}

impl Admission {
    /// A client's own connection.
    pub fn of_client(permit: Permit) -> Self {
        Self { slot: None, usage: Some(Arc::clone(permit.usage())), permit: Some(permit) }
    }

    /// A proxy's connection, which counts for one of its clients after the other.
    pub fn of_proxy(slot: Slot) -> Self {
        Self { slot: Some(slot), ..Self::default() }
    }

    /// From now on the connection serves a client of the proxy, with a permit if its requests are counted.
    pub fn serve(&mut self, usage: Arc<Usage>, permit: Option<Permit>) {
        self.usage = Some(usage);
        self.permit = permit;
    }

    /// The response to the proxy's client is complete.
    pub fn release(&mut self) {
        if self.slot.is_some() {
            self.permit = None;
        }
    }

    /// Counts what the client has not read; `None` without a usage.
    pub fn unread(&self) -> Option<Unread> {
        self.usage.as_ref().map(Usage::unread)
    }
}
