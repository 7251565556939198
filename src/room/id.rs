//! The id of a room, and how to generate a new one.

use std::{fmt, str::FromStr, sync::Arc};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{RoomError, length};

/// The name of a room: 1 to 64 characters, NFC. Allowed are letters (with their marks) and digits of any script and
/// `. _ - ~`. The names `.` and `..` are not allowed, as no URL could carry them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(Arc<str>);

impl RoomId {
    /// The longest id, in characters after normalisation.
    pub const MAX_CHARS: usize = length::ROOM_ID;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A new id that cannot be guessed and is easy to read aloud: 64 random bits as four proquints,
    /// <https://arxiv.org/html/0901.4016>.
    pub fn generate() -> Self {
        const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
        const VOWELS: &[u8; 4] = b"aiou";
        let bits = uuid::Uuid::new_v4().into_bytes();
        // Bytes 6 and 8 of a v4 uuid hold its version and variant.
        let random = [0, 1, 2, 3, 4, 5, 10, 11].map(|i| bits[i]);
        let mut id = String::with_capacity(23);
        for pair in random.chunks_exact(2) {
            if !id.is_empty() {
                id.push('-');
            }
            let quint = u16::from_be_bytes([pair[0], pair[1]]);
            for (shift, letters) in [
                (12, &CONSONANTS[..]),
                (10, &VOWELS[..]),
                (6, &CONSONANTS[..]),
                (4, &VOWELS[..]),
                (0, &CONSONANTS[..]),
            ] {
                let index = usize::from(quint >> shift) & (letters.len() - 1);
                id.push(char::from(letters[index]));
            }
        }
        Self(id.into())
    }
}

impl FromStr for RoomId {
    type Err = RoomError;

    fn from_str(given: &str) -> Result<Self, RoomError> {
        // A character normalises into at most 18 bytes: do not normalise a novel.
        if given.len() > Self::MAX_CHARS * 18 {
            return Err(RoomError::BadRoom);
        }
        let id: String = given.nfc().collect();
        let length = id.chars().count();
        // Many scripts write part of their letters as marks. A mark alone, or after a sign, belongs to no letter.
        let mut marked = false;
        let allowed = |c: char| {
            let mark = is_combining_mark(c);
            let fits = if mark {
                marked
            } else {
                c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~')
            };
            marked = mark || c.is_alphanumeric();
            fits
        };
        if length == 0
            || length > Self::MAX_CHARS
            || !id.chars().all(allowed)
            || id == "."
            || id == ".."
        {
            return Err(RoomError::BadRoom);
        }
        Ok(Self(id.into()))
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoomId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_any_script_are_taken_and_normalised() {
        for id in [
            "a",
            "general",
            "комната-7",
            "部屋",
            "a.b_c-d~e",
            "हिन्दी",
            "x\u{302}\u{332}",
            "7\u{332}",
            &"x".repeat(64),
        ] {
            assert_eq!(id.parse::<RoomId>().unwrap().as_str(), id.nfc().collect::<String>());
        }
        let composed: RoomId = "café".parse().unwrap();
        let decomposed: RoomId = "cafe\u{301}".parse().unwrap();
        assert_eq!(composed, decomposed);
    }

    #[test]
    fn anything_else_is_refused() {
        for id in [
            "\u{301}",
            "\u{93f}",
            "-\u{301}",
            "a.\u{301}b",
            "",
            ".",
            "..",
            "a b",
            "a/b",
            "a{b}",
            "a\n",
            "a?b",
            "😀",
            "a\u{200b}",
            "%41",
            &"x".repeat(65),
            &"y".repeat(100_000),
        ] {
            assert_eq!(id.parse::<RoomId>(), Err(RoomError::BadRoom), "{id:?}");
        }
    }

    #[test]
    fn generated_ids_are_valid_and_differ() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| RoomId::generate()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(
            ids.iter()
                .all(|id| id.as_str().parse::<RoomId>().as_ref() == Ok(id)
                    && id.as_str().len() == 23)
        );
    }
}
