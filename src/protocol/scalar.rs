//! Single values on the wire: how the room's types, times and marks are written.

use std::{
    cell::Cell,
    fmt,
    time::{Duration, UNIX_EPOCH},
};

use serde::{Serialize, Serializer};
use uuid::{Uuid, fmt::Hyphenated};

use crate::room::{
    Cursor, FileId, FileName, FileType, LeaveReason, MemberId, Millis, Name, RoomId,
};

/// A time on the wire: RFC 3339, UTC, always with milliseconds, so that timestamps sort as text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timestamp(pub Millis);

/// The last one that RFC 3339 has a year for.
const LATEST: Millis = 253_402_300_799_999;

/// The bytes of a timestamp: `2026-01-31T12:34:56.789Z`.
const TIMESTAMP: usize = 24;

impl Timestamp {
    /// As it is displayed. All timestamps of a second differ only in the end, so the rest is cached.
    pub(super) fn text(self) -> [u8; TIMESTAMP] {
        const SECOND: usize = "2026-01-01T00:00:00".len();
        thread_local! {
            static LAST: Cell<(u64, [u8; SECOND])> = const { Cell::new((u64::MAX, [0; SECOND])) };
        }
        let at = self.0.min(LATEST);
        let (second, millis) = (at / 1000, at % 1000);
        let (mut of, mut text) = LAST.get();
        if of != second {
            of = second;
            text.copy_from_slice(&self.to_string().as_bytes()[..SECOND]);
            LAST.set((of, text));
        }
        let mut out = [b'Z'; TIMESTAMP];
        out[..SECOND].copy_from_slice(&text);
        let digit = |of: u64| b'0' + (of % 10) as u8;
        out[SECOND..TIMESTAMP - 1].copy_from_slice(&[
            b'.',
            digit(millis / 100),
            digit(millis / 10),
            digit(millis),
        ]);
        out
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(self.0.min(LATEST)))
            .fmt(f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text();
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// A mark that is only ever `true`: where it is not, the field is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct True;

impl True {
    /// The mark, if it is set.
    pub fn when(set: bool) -> Option<Self> {
        set.then_some(Self)
    }
}

impl Serialize for True {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

/// Types of the room that are written as one string.
macro_rules! as_text {
    ($($type:ty => |$value:ident| $text:expr;)+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $value = self;
                serializer.serialize_str($text)
            }
        }
    )+};
}

as_text! {
    RoomId => |id| id.as_str();
    // Whether it is verified goes in a field beside it.
    Name => |name| name.as_str();
    LeaveReason => |reason| reason.as_str();
    MemberId => |id| id_text(id.0, &mut [0; Hyphenated::LENGTH]);
    FileId => |id| id_text(id.0, &mut [0; Hyphenated::LENGTH]);
    FileType => |kind| kind.as_str();
    FileName => |name| name.as_str();
    Cursor => |cursor| cursor_text(*cursor, &mut [0; CURSOR]);
}

pub(super) fn id_text(id: Uuid, out: &mut [u8; Hyphenated::LENGTH]) -> &str {
    id.hyphenated().encode_lower(out)
}

/// The most bytes of a cursor: an epoch in hex, a hyphen, and a number.
pub(super) const CURSOR: usize = 16 + 1 + 20;

/// As it is displayed.
pub(super) fn cursor_text(cursor: Cursor, out: &mut [u8; CURSOR]) -> &str {
    std::str::from_utf8(cursor_bytes(cursor, out)).unwrap_or_default()
}

/// The same as bytes.
pub(super) fn cursor_bytes(cursor: Cursor, out: &mut [u8; CURSOR]) -> &[u8] {
    let epoch = cursor.epoch.0;
    for (byte, digits) in epoch.to_be_bytes().into_iter().zip(out.chunks_exact_mut(2)) {
        digits[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        digits[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    let zeros = (epoch.leading_zeros() as usize / 4).min(15);
    out[16] = b'-';
    let mut number = itoa::Buffer::new();
    let number = number.format(cursor.seq).as_bytes();
    let end = 17 + number.len();
    out[17..end].copy_from_slice(number);
    &out[zeros..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::room::Epoch;

    proptest! {
        #[test]
        fn what_is_written_fast_is_what_is_displayed(at: u64, epoch: u64, seq: u64, zeros in 0..64_u32) {
            let timestamp = Timestamp(at);
            prop_assert_eq!(timestamp.text().to_vec(), timestamp.to_string().into_bytes());
            let cursor = Cursor { epoch: Epoch(epoch >> zeros), seq: seq >> zeros };
            prop_assert_eq!(cursor_text(cursor, &mut [0; CURSOR]).to_owned(), cursor.to_string());
            let id = MemberId(Uuid::from_u64_pair(epoch, seq));
            prop_assert_eq!(id_text(id.0, &mut [0; Hyphenated::LENGTH]).to_owned(), id.to_string());
        }
    }
}
