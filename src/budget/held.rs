//! Guards: what they count is given back when they are dropped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{Account, Node, Resource};
use crate::protocol::Trouble;

/// One connection, seat or room of an address.
pub struct Permit {
    account: Arc<Account>,
    resource: Resource,
}

impl Permit {
    pub(super) fn new(account: Arc<Account>, resource: Resource) -> Self {
        Self { account, resource }
    }

    /// The address it counts for.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.account.subtract(self.resource, 1);
    }
}

/// What is kept beside the text of a message, in bytes: numbers, ids, a name.
const ENTRY: usize = 128;

/// What is said into one room. The log keeps no more than `most`, however much is said.
pub struct RoomText {
    node: Arc<Node>,
    bytes: AtomicUsize,
    most: usize,
}

impl RoomText {
    pub(super) fn new(node: Arc<Node>, bytes: usize, entries: usize) -> Self {
        let most = bytes.saturating_add(entries.saturating_mul(ENTRY));
        Self { node, bytes: AtomicUsize::new(0), most }
    }
}

impl Drop for RoomText {
    fn drop(&mut self) {
        self.node.subtract(Resource::Text, *self.bytes.get_mut());
    }
}

/// What one address says into one room.
pub struct Kept {
    account: Arc<Account>,
    room: Arc<RoomText>,
    bytes: AtomicUsize,
    /// When it last said something, in seconds since the node's start.
    said: AtomicU32,
}

impl Kept {
    pub(super) fn new(account: Arc<Account>, room: Arc<RoomText>) -> Self {
        let said = AtomicU32::new(account.node.seconds());
        Self { account, room, bytes: AtomicUsize::new(0), said }
    }

    /// Counts a message of so many bytes of text.
    ///
    /// # Errors
    /// [`Trouble::AddressLimit`] or [`Trouble::ServerFull`].
    pub fn say(&self, text: usize) -> Result<(), Trouble> {
        let Self { account, room, .. } = self;
        self.said.store(account.node.seconds(), Ordering::Relaxed);
        let (own, all) = (unkept(&self.bytes, text, room.most), unkept(&room.bytes, text, room.most));
        if own > 0 {
            account.add_own(Resource::Text, own)?;
        }
        if all > 0 {
            account.node.add(Resource::Text, all).inspect_err(|_| account.subtract_own(Resource::Text, own))?;
            room.bytes.fetch_add(all, Ordering::Relaxed);
        }
        self.bytes.fetch_add(own, Ordering::Relaxed);
        Ok(())
    }

    /// Nothing was said for so long that the log has forgotten all of it.
    pub fn is_forgotten(&self, history_age: Duration) -> bool {
        let silent = self.account.node.seconds().saturating_sub(self.said.load(Ordering::Relaxed));
        Duration::from_secs(silent.into()) > history_age
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.account.subtract_own(Resource::Text, *self.bytes.get_mut());
    }
}

/// What a message adds to a count that ends at `most`. Two messages at once may go above it; both are given back.
fn unkept(bytes: &AtomicUsize, text: usize, most: usize) -> usize {
    (text + ENTRY).min(most.saturating_sub(bytes.load(Ordering::Relaxed)))
}

/// What one client has not read yet.
pub struct Unread {
    account: Arc<Account>,
    bytes: usize,
}

impl Unread {
    pub(super) fn new(account: Arc<Account>) -> Self {
        Self { account, bytes: 0 }
    }

    /// So many bytes wait now.
    ///
    /// # Errors
    /// [`Trouble::AddressLimit`] or [`Trouble::ServerFull`] when that is too much; the count stays as it was.
    pub fn set(&mut self, bytes: usize) -> Result<(), Trouble> {
        if bytes > self.bytes {
            self.account.add(Resource::Unread, bytes - self.bytes)?;
        } else if bytes < self.bytes {
            self.account.subtract(Resource::Unread, self.bytes - bytes);
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.account.subtract(Resource::Unread, self.bytes);
        }
    }
}
