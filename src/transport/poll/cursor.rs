//! The position of a poller: a cursor, and which response of which buffer led to it.

use std::{fmt, str::FromStr};

use crate::room::{Cursor, Epoch, RoomError};

/// A cursor as polls return it: the cursor's own two parts, then in hex the response's number and the members'
/// fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PollCursor {
    /// The part that every transport understands.
    pub cursor: Cursor,
    /// `None` in a cursor of another transport.
    pub(super) page: Option<Page>,
}

/// The part that only pollers receive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Page {
    /// The response's number, unlike that of any other response of this or another node.
    pub(super) response: u64,
    /// The fingerprint of the members, or the count in a large room, as far as the response tells.
    pub(super) fingerprint: u64,
}

impl PollCursor {
    /// A cursor that no client was given.
    pub(super) fn nowhere() -> Self {
        Self {
            cursor: Cursor { epoch: Epoch(0), seq: 0 },
            page: Some(Page { response: fastrand::u64(..), fingerprint: 0 }),
        }
    }
}

impl fmt::Display for PollCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cursor.fmt(f)?;
        self.page.map_or(Ok(()), |Page { response, fingerprint }| {
            write!(f, "-{response:x}{fingerprint:016x}")
        })
    }
}

impl FromStr for PollCursor {
    type Err = RoomError;

    fn from_str(given: &str) -> Result<Self, RoomError> {
        let cursor = given.parse()?;
        let page = given.splitn(3, '-').nth(2).map(|page| {
            let (response, fingerprint) = page.split_at_checked(page.len().saturating_sub(16))?;
            let read = |hex| u64::from_str_radix(hex, 16).ok();
            Some(Page { response: read(response)?, fingerprint: read(fingerprint)? })
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
        let page = Some(Page { response: 0xa, fingerprint: 0xb });
        let next = PollCursor { cursor: Cursor { seq: 9, ..start.cursor }, page };
        assert_eq!((start.to_string(), start.page), ("ff-7".into(), None));
        assert_eq!(
            (next.to_string(), next.to_string().parse()),
            ("ff-9-a000000000000000b".into(), Ok(next))
        );
        assert_eq!(next.to_string().parse(), Ok(next.cursor));
        let long = format!("ff-7-{}", "1".repeat(33));
        for bad in ["", "ff", "ff-7-", "ff-7-x", "ff-7-1-1", "ff-7-1", &long] {
            assert_eq!(bad.parse::<PollCursor>(), Err(RoomError::BadCursor), "{bad}");
        }
    }
}
