//! Positions in the log of a room.

use std::{fmt, str::FromStr};

use super::RoomError;

/// The number of an entry within one epoch of a room: 1, 2, 3, … without holes.
pub type Seq = u64;

/// Identifies one lifetime of a room. It is drawn at random when the room is created or its continuity breaks.
/// So a new room is never taken for the old one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Epoch(pub u64);

impl Epoch {
    /// A new random epoch.
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().as_u64_pair().1)
    }
}

/// A position in the log: all entries up to and including `seq` of `epoch` have been read. Opaque on the wire, where
/// it is `<epoch in hex>-<seq>`. A transport may append its own part after a second dash; the others ignore it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// The epoch of the room it belongs to.
    pub epoch: Epoch,
    /// The last entry read; 0 before the first.
    pub seq: Seq,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch.0, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = RoomError;

    fn from_str(given: &str) -> Result<Self, RoomError> {
        let (epoch, seq) = given.split_once('-').ok_or(RoomError::BadCursor)?;
        let epoch = u64::from_str_radix(epoch, 16).map_err(|_| RoomError::BadCursor)?;
        let (seq, own) = seq.split_once('-').map_or((seq, None), |(seq, own)| (seq, Some(own)));
        if own
            .is_some_and(|own| own.is_empty() || !own.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            return Err(RoomError::BadCursor);
        }
        let seq = seq.parse().map_err(|_| RoomError::BadCursor)?;
        Ok(Self { epoch: Epoch(epoch), seq })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_the_wire() {
        let cursor = Cursor { epoch: Epoch::random(), seq: 17 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!(format!("{cursor}-7f").parse(), Ok(cursor));
        for bad in
            ["", "-", "1", "x-1", "1-x", "1--1", "1-1-", "1-1-x", "1-1-1-1", "11111111111111111-1"]
        {
            assert_eq!(bad.parse::<Cursor>(), Err(RoomError::BadCursor), "{bad:?}");
        }
    }
}
