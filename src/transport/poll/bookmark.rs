//! Where a poller stands: a cursor, and which answer of which mailbox brought it there.

use std::{fmt, str::FromStr};

use crate::room::{Cursor, Epoch, Refusal};

/// A cursor as polls give it out: after the cursor's own two parts the number of the answer, in hex.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bookmark {
    /// What every transport understands.
    pub cursor: Cursor,
    /// Unlike that of any other answer of this or another node; none in a cursor of another transport.
    pub(super) turn: Option<u64>,
}

impl Bookmark {
    /// Stands at no place that anybody was told.
    pub(super) fn nowhere() -> Self {
        Self { cursor: Cursor { epoch: Epoch(0), seq: 0 }, turn: Some(fastrand::u64(..)) }
    }

    /// After another answer, at `cursor`.
    pub(super) fn turned(self, cursor: Cursor) -> Self {
        let turn = self.turn.map_or_else(|| fastrand::u64(..), |turn| turn.wrapping_add(1));
        Self { cursor, turn: Some(turn) }
    }
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cursor.fmt(f)?;
        self.turn.map_or(Ok(()), |turn| write!(f, "-{turn:x}"))
    }
}

impl FromStr for Bookmark {
    type Err = Refusal;

    fn from_str(given: &str) -> Result<Self, Refusal> {
        let cursor = given.parse()?;
        let turn = given.splitn(3, '-').nth(2).map(|turn| u64::from_str_radix(turn, 16)).transpose();
        Ok(Self { cursor, turn: turn.map_err(|_| Refusal::BadCursor)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookmarks_survive_the_wire_and_are_cursors_to_others() {
        let start: Bookmark = "ff-7".parse().unwrap();
        let next = start.turned(Cursor { seq: 9, ..start.cursor });
        assert_eq!((start.to_string(), next.to_string().parse()), ("ff-7".into(), Ok(next)));
        assert_eq!(next.to_string().parse(), Ok(next.cursor));
        assert_ne!(next.turned(next.cursor), next);
        for bad in ["", "ff", "ff-7-", "ff-7-x", "ff-7-1-1", "ff-7-11111111111111111"] {
            assert_eq!(bad.parse::<Bookmark>(), Err(Refusal::BadCursor), "{bad}");
        }
    }
}
