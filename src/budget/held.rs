//! Guards: what they count is given back when they are dropped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{Node, Resource, Usage};
use crate::protocol::ApiError;

impl Usage {
    /// Holds one of a resource while the permit lives.
    ///
    /// # Errors
    /// [`ApiError::AddressLimit`] or [`ApiError::ServerFull`].
    pub fn hold(self: &Arc<Self>, resource: Resource) -> Result<Permit, ApiError> {
        self.add(resource, 1)?;
        Ok(Permit::new(Arc::clone(self), resource, false))
    }

    /// Holds one that the node counts otherwise, such as a request over a proxy's connection.
    ///
    /// # Errors
    /// [`ApiError::AddressLimit`].
    pub fn hold_own(self: &Arc<Self>, resource: Resource) -> Result<Permit, ApiError> {
        self.add_own(resource, 1)?;
        Ok(Permit::new(Arc::clone(self), resource, true))
    }

    /// As [`Self::hold`], even above the limits: the client holds it already.
    pub(super) fn hold_anyway(self: &Arc<Self>, resource: Resource) -> Permit {
        self.add_anyway(resource, 1);
        Permit::new(Arc::clone(self), resource, false)
    }

    /// The counter of this address's text, or files, in one room.
    pub fn keep(self: &Arc<Self>, room: &Arc<RoomBytes>) -> Kept {
        Kept::new(Arc::clone(self), Arc::clone(room))
    }

    /// The counter of bytes that one client of this address has not read.
    pub fn unread(self: &Arc<Self>) -> Unread {
        Unread::new(Arc::clone(self))
    }
}

/// One connection, session or room of an address.
pub struct Permit {
    usage: Arc<Usage>,
    resource: Resource,
    /// Counted for the address only: the node counts it otherwise.
    own: bool,
}

impl Permit {
    pub(super) fn new(usage: Arc<Usage>, resource: Resource, own: bool) -> Self {
        Self { usage, resource, own }
    }

    /// The address it counts for.
    pub fn usage(&self) -> &Arc<Usage> {
        &self.usage
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.own {
            self.usage.subtract_own(self.resource, 1);
        } else {
            self.usage.subtract(self.resource, 1);
        }
    }
}

/// Whether what a client takes counts for its address.
#[derive(Clone, Copy)]
pub enum Count<'a> {
    /// Within the limits.
    Limited(&'a Arc<Usage>),
    /// Even above the limits: the client holds it already, at another node.
    Anyway(&'a Arc<Usage>),
    /// Not at all.
    Free,
}

impl Count<'_> {
    /// Holds one of a resource, if it counts.
    ///
    /// # Errors
    /// [`ApiError::AddressLimit`] or [`ApiError::ServerFull`].
    pub fn hold(self, resource: Resource) -> Result<Option<Permit>, ApiError> {
        match self {
            Self::Limited(usage) => usage.hold(resource).map(Some),
            Self::Anyway(usage) => Ok(Some(usage.hold_anyway(resource))),
            Self::Free => Ok(None),
        }
    }
}

/// Bytes in a log, until the log has forgotten them.
#[derive(Default)]
struct Logged {
    bytes: AtomicUsize,
    /// Messages came since [`Self::forget`] last ran. So that a message need not read the clock.
    grew: AtomicBool,
    /// When [`Self::forget`] last found new messages, in seconds since the node's start.
    newest: AtomicU32,
}

impl Logged {
    /// What a message adds, in a log that keeps `most`. Two messages at once may exceed it; both are given back.
    fn growth(&self, text: usize, most: usize) -> usize {
        (text + Kept::ENTRY).min(most.saturating_sub(self.bytes.load(Ordering::Relaxed)))
    }

    fn grow(&self, growth: usize) {
        self.grew.store(true, Ordering::Relaxed);
        self.bytes.fetch_add(growth, Ordering::Relaxed);
    }

    /// Takes back what a message added, and returns how much of it was still counted.
    fn shrink(&self, growth: usize) -> usize {
        let before = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bytes| {
            Some(bytes.saturating_sub(growth))
        });
        before.map_or(0, |before| before.min(growth))
    }

    /// All of it, if no message came for `age`, as far as earlier calls of this could see.
    fn forget(&self, now: u32, age: Duration) -> usize {
        if self.grew.swap(false, Ordering::Relaxed) {
            self.newest.store(now, Ordering::Relaxed);
        }
        let silent = now.saturating_sub(self.newest.load(Ordering::Relaxed));
        if Duration::from_secs(silent.into()) > age {
            self.bytes.swap(0, Ordering::Relaxed)
        } else {
            0
        }
    }
}

/// The text of one room's log, or its files. The room keeps no more than `most`, however many messages come.
pub struct RoomBytes {
    node: Arc<Node>,
    resource: Resource,
    logged: Logged,
    most: usize,
}

impl RoomBytes {
    pub(super) fn new(node: Arc<Node>, resource: Resource, bytes: usize, entries: usize) -> Self {
        let most = bytes.saturating_add(entries.saturating_mul(Kept::ENTRY));
        Self { node, resource, logged: Logged::default(), most }
    }

    /// Gives all of it back: the room is deleted.
    pub fn release(&self) {
        self.node.subtract(self.resource, self.logged.bytes.swap(0, Ordering::Relaxed));
    }

    /// Gives back what the log has forgotten, if no message came for `history_age`.
    pub fn forget(&self, history_age: Duration) {
        self.node.subtract(self.resource, self.logged.forget(self.node.seconds(), history_age));
    }
}

impl Drop for RoomBytes {
    fn drop(&mut self) {
        self.release();
    }
}

/// The text, or the files, of one address in one room.
pub struct Kept {
    usage: Arc<Usage>,
    room: Arc<RoomBytes>,
    logged: Logged,
}

impl Kept {
    /// What a room keeps beside the text of a message, or the bytes of a file: numbers, ids, a name.
    pub const ENTRY: usize = 128;

    pub(super) fn new(usage: Arc<Usage>, room: Arc<RoomBytes>) -> Self {
        Self { usage, room, logged: Logged::default() }
    }

    /// Counts a message with this many bytes of text, or a file; takes that back if the reservation is dropped without
    /// [`Reservation::keep`].
    ///
    /// # Errors
    /// [`ApiError::AddressLimit`] or [`ApiError::ServerFull`].
    pub fn reserve(&self, text: usize) -> Result<Reservation<'_>, ApiError> {
        let Self { usage, room, logged } = self;
        let resource = room.resource;
        let (own, all) = (logged.growth(text, room.most), room.logged.growth(text, room.most));
        if own > 0 {
            usage.add_own(resource, own)?;
        }
        if all > 0 {
            usage.node.add(resource, all).inspect_err(|_| usage.subtract_own(resource, own))?;
        }
        logged.grow(own);
        room.logged.grow(all);
        Ok(Reservation { kept: self, own, all })
    }

    /// Gives back what a file of so many bytes took, which is gone.
    pub fn give_back(&self, bytes: usize) {
        let Self { usage, room, logged } = self;
        usage.subtract_own(room.resource, logged.shrink(bytes + Kept::ENTRY));
        usage.node.subtract(room.resource, room.logged.shrink(bytes + Kept::ENTRY));
    }

    /// Forgets as [`Self::forget`], and returns whether anything is still counted or a client may still send.
    pub fn is_of_use(self: &Arc<Self>, history_age: Duration) -> bool {
        self.forget(history_age);
        self.logged.bytes.load(Ordering::Relaxed) > 0 || Arc::strong_count(self) > 1
    }

    /// As [`RoomBytes::release`], for this address.
    pub fn release(&self) {
        self.usage.subtract_own(self.room.resource, self.logged.bytes.swap(0, Ordering::Relaxed));
    }

    /// As [`RoomBytes::forget`], for this address.
    pub fn forget(&self, history_age: Duration) {
        self.usage.subtract_own(
            self.room.resource,
            self.logged.forget(self.usage.node.seconds(), history_age),
        );
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.release();
    }
}

/// A counted message that is not published yet.
pub struct Reservation<'a> {
    kept: &'a Kept,
    own: usize,
    all: usize,
}

impl Reservation<'_> {
    /// The message was published.
    pub fn keep(mut self) {
        (self.own, self.all) = (0, 0);
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.own + self.all > 0 {
            let Kept { usage, room, logged } = self.kept;
            usage.subtract_own(room.resource, logged.shrink(self.own));
            usage.node.subtract(room.resource, room.logged.shrink(self.all));
        }
    }
}

/// The bytes that one client has not read yet.
pub struct Unread {
    usage: Arc<Usage>,
    bytes: usize,
}

impl Unread {
    pub(super) fn new(usage: Arc<Usage>) -> Self {
        Self { usage, bytes: 0 }
    }

    /// Sets how many bytes wait.
    ///
    /// # Errors
    /// [`ApiError::AddressLimit`] or [`ApiError::ServerFull`] when a limit is exceeded; the count stays as it was.
    pub fn set(&mut self, bytes: usize) -> Result<(), ApiError> {
        if bytes > self.bytes {
            self.usage.add(Resource::Unread, bytes - self.bytes)?;
        } else if bytes < self.bytes {
            self.usage.subtract(Resource::Unread, self.bytes - bytes);
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.usage.subtract(Resource::Unread, self.bytes);
        }
    }
}
