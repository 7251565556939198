//! Which connection of which node holds a session, and since when.

use super::Millis;

/// A node of Parlor, as rooms know it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NodeId(pub u64);

/// The owner of a session: a node, and one of its connections. A member that resumes gets a new owner, so that a late
/// leave of the old connection is void.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionOwner {
    /// The node the member is connected to.
    pub node: NodeId,
    /// One connection of that node; never used twice, and greater than those of older connections.
    pub tag: u64,
}

/// When a connection began to do something, by the store's clock, as exactly as its node knows that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Not before this.
    pub earliest: Millis,
    /// Not after this.
    pub latest: Millis,
}

impl Moment {
    /// Whether this is certainly before a session began. A session from the future is from before the clock was put
    /// back.
    pub fn is_before(self, since: Millis, now: Millis) -> bool {
        self.latest < since && since <= now
    }

    /// Since when a connection holds a session that another one held since `before`. It is not earlier than that, and
    /// never in the future.
    pub fn since(self, before: Option<Millis>, now: Millis) -> Millis {
        self.earliest.max(before.filter(|before| *before <= now).unwrap_or_default()).min(now)
    }
}
