//! What waits for a client whose socket takes no more.

use crate::{
    budget::{Admission, Unread},
    protocol::ApiError,
};

/// What the kernel may keep for one connection, in bytes. Linux takes twice as much with what it needs beside.
///
/// It carries 128 KiB a round trip: over 600 KiB a second at a fifth of a second, and every file of the page at once.
pub const SEND_BUFFER: usize = 128 * 1024;

/// The count of what one client has not read, the kernel's part included.
pub(super) struct Backlog(Option<Unread>);

impl Backlog {
    pub(super) fn new(admission: &Admission) -> Self {
        Self(admission.unread())
    }

    /// So many bytes wait beside those that the kernel has.
    ///
    /// # Errors
    /// [`ApiError::AddressLimit`] or [`ApiError::ServerFull`] when that is too much.
    pub(super) fn set(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.0.as_mut().map_or(Ok(()), |unread| unread.set(bytes + SEND_BUFFER))
    }
}
