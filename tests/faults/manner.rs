//! How a member behaves.

use std::time::Duration;

/// How long one puts up with silence.
#[derive(Clone, Copy)]
pub struct Patience {
    pub ping_after: Duration,
    pub pong_within: Duration,
    pub welcome_within: Duration,
}

impl Patience {
    pub const PAGE: Self = Self {
        ping_after: Duration::from_secs(25),
        pong_within: Duration::from_secs(10),
        welcome_within: Duration::from_secs(12),
    };
    /// Takes a silent link for dead within three seconds.
    pub const SHORT: Self = Self {
        ping_after: Duration::from_secs(1),
        pong_within: Duration::from_secs(2),
        welcome_within: Duration::from_secs(2),
    };
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    Talk,
    /// Talks, and decides nothing as the host.
    Chat,
    Hush,
    Leave,
    /// Ends the room, as its host.
    Burn,
    /// Says nothing, and stays until the room is ended.
    Stay,
    /// Gone without a word, for ever.
    Die,
}
