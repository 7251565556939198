//! The bytes that wait for a client whose socket takes no more.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::{
    budget::{Admission, Unread},
    protocol::ApiError,
};

/// The kernel's send buffer for one connection, in bytes. Linux doubles it, for its own overhead.
///
/// It carries 128 KiB a round trip: over 600 KiB a second at 200 ms, and every file of the page at once.
pub const SEND_BUFFER: usize = 128 * 1024;

/// How long a client may take none of the bytes that wait for it.
pub(super) const STUCK: Duration = Duration::from_secs(40);

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

/// Makes the kernel discard, on close, what a client has not read. It would keep that for a minute, and no budget would
/// count it.
pub(super) fn forget(socket: &TcpStream) {
    let _ = socket.set_zero_linger();
}
