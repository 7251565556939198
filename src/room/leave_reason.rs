//! Why somebody is gone.

/// Why somebody left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaveReason {
    /// Said goodbye.
    Left,
    /// The link was lost and the grace ran out.
    Lost,
    /// The node fell silent.
    NodeLost,
    /// The node stopped in good order.
    Shutdown,
}

impl LeaveReason {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Lost => "lost",
            Self::NodeLost => "node_lost",
            Self::Shutdown => "shutdown",
        }
    }

    /// The departure that goes by this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Left, Self::Lost, Self::NodeLost, Self::Shutdown].into_iter().find(|d| d.as_str() == word)
    }
}
