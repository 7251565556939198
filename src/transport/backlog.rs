//! The bytes that wait for a client whose socket takes no more.

use crate::{
    budget::{Admission, Unread},
    protocol::ApiError,
};

/// The kernel's send buffer for one connection, in bytes. Linux doubles it, for its own overhead.
///
/// It carries 128 KiB a round trip: over 600 KiB a second at 200 ms, and every file of the page at once.
pub const SEND_BUFFER: usize = 128 * 1024;

/// Counts what one client has not read, the kernel's part included.
pub(super) struct Backlog(Option<Unread>);

impl Backlog {
    pub(super) fn new(admission: &Admission) -> Self {
        Self(admission.unread())
    }

    /// Sets how many bytes wait beside those that the kernel holds.
    ///
    /// # Errors
    /// [`ApiError::AddressLimit`] or [`ApiError::ServerFull`] when a budget is exceeded.
    pub(super) fn set(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.0.as_mut().map_or(Ok(()), |unread| unread.set(bytes + SEND_BUFFER))
    }
}
