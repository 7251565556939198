//! Settings that contradict each other.

/// The settings contradict each other.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    /// Some of a group that only makes sense whole.
    #[error(
        "LiveKit is half set up: {missing} is missing (set {given} as well as {missing}, or none)"
    )]
    HalfLiveKit {
        /// Which are set.
        given: String,
        /// Which are not.
        missing: String,
    },
    /// A LiveKit address no browser can use.
    #[error("LIVEKIT_URL and LIVEKIT_API_URL must start with ws://, wss://, http:// or https://")]
    LiveKitUrl,
    /// A login is required although there are no accounts.
    #[error("PARLOR_REQUIRE_LOGIN needs accounts: DATABASE_URL is missing")]
    NoAccounts,
    /// A quote at one end only, or more than one pair.
    #[error("{0} begins or ends with a quote: write it without quotes")]
    Quotes(&'static str),
    /// A line break within, or a blank within a URL.
    #[error(
        "{0} has a line break, a blank or a control character in it: write it on one line, without blanks if it is a URL"
    )]
    Blanks(&'static str),
    /// Shorter than any renewal could keep up with.
    #[error("PARLOR_LEASE must be at least 1s")]
    Lease,
    /// A key of receipts of another length or in another alphabet. It is not quoted: it may be one letter off.
    #[error(
        "PARLOR_RECEIPT_KEY must be 32 random bytes, as 64 digits of hex (`openssl rand -hex 32`) or as 43 characters of base64url"
    )]
    ReceiptKey,
    /// A room that could not hold one file.
    #[error("PARLOR_ROOM_FILE_BYTES must be at least PARLOR_FILE_BYTES (0 there means no files)")]
    RoomFiles,
    /// A reload that no page survives, or that is waited for longer than a lost link.
    #[error("PARLOR_RELOAD_GRACE must be more than 0 and at most PARLOR_GRACE")]
    ReloadGrace,
}
