//! What should have come by now, and has not.

use tokio::time::Instant;

use super::{RoomReplica, State, expected::ExpectedPosition};
use crate::store::redis::codec::Position;

impl RoomReplica {
    /// The room is known to have this position; its messages should arrive soon.
    /// Returns whether there is a new moment to wake at.
    pub(in crate::store::redis) fn expect(&mut self, position: Position, now: Instant) -> bool {
        matches!(self.state, State::Live)
            && !self.place.reaches(position)
            && self.due.add(position, now)
    }

    /// When to check whether what was expected has arrived.
    pub(in crate::store::redis) fn alarm(&self) -> Option<Instant> {
        self.due.at()
    }

    /// The position that should have been reached by now and was not.
    pub(in crate::store::redis) fn overdue(&mut self, now: Instant) -> Option<Position> {
        let position = self.due.take(now, self.place)?;
        self.lacks(position).then_some(position)
    }

    /// Whether what was overdue is missing although all messages on their way have come: then the subscription is in doubt.
    pub(in crate::store::redis) fn missed(&mut self, position: Position) -> bool {
        let missed = self.lacks(position);
        if missed {
            self.due = ExpectedPosition::default();
            self.mark_unsubscribed();
        }
        missed
    }

    fn lacks(&self, position: Position) -> bool {
        matches!(self.state, State::Live) && !self.place.reaches(position)
    }
}
