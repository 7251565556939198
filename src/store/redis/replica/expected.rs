//! The position that a room's messages should have reached, and by when.

use std::time::Duration;

use tokio::time::Instant;

use crate::store::redis::codec::Position;

/// How late messages may be before they count as lost.
const PATIENCE: Duration = Duration::from_millis(400);

/// A position that the room is known to have reached, by when its messages should be here, and what comes after that.
#[derive(Default)]
pub(super) struct ExpectedPosition {
    next: Option<(Instant, Position)>,
    later: Option<Position>,
}

impl ExpectedPosition {
    /// The room is known to have this position now. Returns whether there is a new moment to wake at.
    pub(super) fn add(&mut self, position: Position, now: Instant) -> bool {
        if self.next.is_some() {
            let other =
                self.later.filter(|later| later.epoch == position.epoch).unwrap_or(position);
            self.later = Some(position.or_later(other));
            return false;
        }
        self.next = Some((now + PATIENCE, position));
        true
    }

    /// When to check.
    pub(super) fn at(&self) -> Option<Instant> {
        self.next.map(|(at, _)| at)
    }

    /// What should be here by `now`; a position that has been reached is no longer waited for.
    pub(super) fn take(&mut self, now: Instant, received: Position) -> Option<Position> {
        let (_, position) = self.next.filter(|(at, _)| *at <= now)?;
        self.next = self
            .later
            .take()
            .filter(|later| !received.reaches(*later))
            .map(|later| (now + PATIENCE, later));
        Some(position)
    }
}
