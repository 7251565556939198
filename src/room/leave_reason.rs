//! Why a member left.

/// Why a member left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaveReason {
    /// The member left explicitly.
    Left,
    /// The connection was lost and the grace ran out.
    Lost,
    /// The node fell silent for a lease.
    NodeLost,
    /// The node shut down in good order.
    Shutdown,
    /// The host removed the member.
    Kicked,
}

impl LeaveReason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::Left, Self::Lost, Self::NodeLost, Self::Shutdown, Self::Kicked];

    /// The name of the reason on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Lost => "lost",
            Self::NodeLost => "node_lost",
            Self::Shutdown => "shutdown",
            Self::Kicked => "kicked",
        }
    }

    /// The reason with this name on the wire.
    pub fn decode(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.as_str() == word)
    }
}
