//! What a host knows of its room.

/// The name of those whom the host removes.
pub(super) const PEST: &str = "Pest";

/// What a host knows.
#[derive(Default)]
pub(super) struct Host {
    pub(super) is_host: bool,
    pub(super) turn: u64,
    /// The others, as they joined.
    pub(super) others: Vec<String>,
    pub(super) muted: Option<String>,
}
