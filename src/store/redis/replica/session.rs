//! A member's session, as its node knows it.

use crate::room::{Address, Name, RoomKey, Seq};

/// A member that is connected to this node.
#[derive(Clone, Debug)]
pub(in crate::store::redis) struct HeldSession {
    /// The connection.
    pub(in crate::store::redis) tag: u64,
    /// When it was taken, by the store's clock: the later of two wins.
    pub(in crate::store::redis) since: u64,
    /// The name it goes by.
    pub(in crate::store::redis) name: Name,
    /// When the member joined.
    pub(in crate::store::redis) joined_at: u64,
    /// The key of the room's life that it belongs to.
    pub(in crate::store::redis) key: RoomKey,
    /// The newest entry's number when the member joined.
    pub(in crate::store::redis) since_seq: Seq,
    /// The client's address when the member joined here.
    pub(in crate::store::redis) address: Option<Address>,
    /// The room's version with the member in it: a leave with an older version is about an earlier session.
    pub(in crate::store::redis) version: u64,
    /// Its leave is under way: it need not be told that it is gone.
    pub(in crate::store::redis) leaving: bool,
}
