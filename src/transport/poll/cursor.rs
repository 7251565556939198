//! Where a poller stands: a cursor, and which answer of which mailbox brought it there.

use std::{fmt, str::FromStr};

use crate::room::{Cursor, Epoch, RoomError};

/// A cursor as polls give it out: after the cursor's own two parts, in hex, the number of the answer and who was there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PollCursor {
    /// What every transport understands.
    pub cursor: Cursor,
    /// None in a cursor of another transport.
    pub(super) page: Option<Page>,
}

/// What only those who poll are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Page {
    /// Unlike that of any other answer of this or another node.
    pub(super) turn: u64,
    /// Who was there, or of a crowd how many, as far as the answer told.
    pub(super) company: u64,
}

impl PollCursor {
    /// Stands at no place that anybody was told.
    pub(super) fn nowhere() -> Self {
        Self { cursor: Cursor { epoch: Epoch(0), seq: 0 }, page: Some(Page { turn: fastrand::u64(..), company: 0 }) }
    }
}

impl fmt::Display for PollCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cursor.fmt(f)?;
        self.page.map_or(Ok(()), |Page { turn, company }| write!(f, "-{turn:x}{company:016x}"))
    }
}

impl FromStr for PollCursor {
    type Err = RoomError;

    fn from_str(given: &str) -> Result<Self, RoomError> {
        let cursor = given.parse()?;
        let page = given.splitn(3, '-').nth(2).map(|page| {
            let (turn, company) = page.split_at_checked(page.len().saturating_sub(16))?;
            let read = |hex| u64::from_str_radix(hex, 16).ok();
            Some(Page { turn: read(turn)?, company: read(company)? })
        });
        Ok(Self { cursor, page: page.map(|page| page.ok_or(RoomError::BadCursor)).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookmarks_survive_the_wire_and_are_cursors_to_others() {
        let start: PollCursor = "ff-7".parse().unwrap();
        let page = Some(Page { turn: 0xa, company: 0xb });
        let next = PollCursor { cursor: Cursor { seq: 9, ..start.cursor }, page };
        assert_eq!((start.to_string(), start.page), ("ff-7".into(), None));
        assert_eq!((next.to_string(), next.to_string().parse()), ("ff-9-a000000000000000b".into(), Ok(next)));
        assert_eq!(next.to_string().parse(), Ok(next.cursor));
        let long = format!("ff-7-{}", "1".repeat(33));
        for bad in ["", "ff", "ff-7-", "ff-7-x", "ff-7-1-1", "ff-7-1", &long] {
            assert_eq!(bad.parse::<PollCursor>(), Err(RoomError::BadCursor), "{bad}");
        }
    }
}
