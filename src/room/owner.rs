//! Who holds a seat, and since when.

use super::Millis;

/// A node of Parlor, as rooms know it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NodeId(pub u64);

/// Who holds a seat: a node, and which of its links. A member that resumes
/// gets a new holder, so that a late goodbye of the old link is void.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionOwner {
    /// The node the member is linked to.
    pub node: NodeId,
    /// One link of that node; never used twice, and greater than those of older links.
    pub tag: u64,
}

/// When a link began to do something, by the store's clock, as exactly as its node knows that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Not before this.
    pub earliest: Millis,
    /// Not after this.
    pub latest: Millis,
}

impl Moment {
    /// Whether this is for sure before a seat was taken. A seat from the future is from before the clock was put back.
    pub fn is_before(self, since: Millis, now: Millis) -> bool {
        self.latest < since && since <= now
    }

    /// Since when a link holds a seat that was held since `before` by another one: not earlier than that, and never in the
    /// future.
    pub fn since(self, before: Option<Millis>, now: Millis) -> Millis {
        self.earliest.max(before.filter(|before| *before <= now).unwrap_or_default()).min(now)
    }
}
