//! What should have been heard by when.

use std::time::Duration;

use tokio::time::Instant;

use crate::store::redis::codec::Position;

/// How late news may be before they are taken for lost.
const PATIENCE: Duration = Duration::from_millis(400);

/// The place that a room is known to have reached, and by when news of it should be here; and what after that.
#[derive(Default)]
pub(super) struct ExpectedPosition {
    next: Option<(Instant, Position)>,
    later: Option<Position>,
}

impl ExpectedPosition {
    /// The room is known to stand here now. Says whether there is a new moment to wake at.
    pub(super) fn add(&mut self, mark: Position, now: Instant) -> bool {
        if self.next.is_some() {
            let other = self.later.filter(|later| later.epoch == mark.epoch).unwrap_or(mark);
            self.later = Some(mark.or_later(other));
            return false;
        }
        self.next = Some((now + PATIENCE, mark));
        true
    }

    /// When to look.
    pub(super) fn at(&self) -> Option<Instant> {
        self.next.map(|(at, _)| at)
    }

    /// What should be here by `now`; what has been heard is not waited for any longer.
    pub(super) fn take(&mut self, now: Instant, heard: Position) -> Option<Position> {
        let (_, mark) = self.next.filter(|(at, _)| *at <= now)?;
        self.next = self.later.take().filter(|later| !heard.reaches(*later)).map(|later| (now + PATIENCE, later));
        Some(mark)
    }
}
