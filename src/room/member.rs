//! The members of a room, and their names.

use std::{fmt, str::FromStr, sync::Arc};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use uuid::Uuid;

use super::{CallMark, Millis, RoomError, length};

/// A member's public id (`clientId` on the wire): one a session, not one an account, and never a credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Deserialize)]
#[serde(transparent)]
pub struct MemberId(pub Uuid);

impl MemberId {
    /// A new random id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// A display name: 1 to 32 characters after trimming, NFC, with a visible character. It has no control characters,
/// none that reverse the direction of text, and none that Unicode has not assigned. A verified name belongs to an
/// account, and the member who uses it was logged in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Name {
    text: Arc<str>,
    verified: bool,
}

/// The prefix that marks a verified name in an encoded name. It is a control character, so names from clients cannot
/// contain it.
const VERIFIED: char = '\u{1}';

impl Name {
    /// The longest name, in characters after normalisation.
    pub const MAX_CHARS: usize = length::NAME;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is the name of an account, used by its owner.
    pub fn is_verified(&self) -> bool {
        self.verified
    }

    /// The same name, used by the owner of its account.
    pub fn verified(self) -> Self {
        Self { verified: true, ..self }
    }

    /// Encodes the name and whether it is verified in one string.
    pub fn encode(&self) -> String {
        let mark = self.verified.then_some(VERIFIED);
        mark.into_iter().chain(self.text.chars()).collect()
    }

    /// Reads what [`Self::encode`] wrote, perhaps on a node of another version with another rule. Not for input from
    /// clients.
    pub fn decode(word: &str) -> Option<Self> {
        let (text, verified) =
            word.strip_prefix(VERIFIED).map_or((word, false), |name| (name, true));
        (!text.is_empty()).then(|| Self { text: text.into(), verified })
    }

    /// A name for a member who gave none: guests are told apart by the end of the id.
    pub fn guest(id: MemberId) -> Self {
        let [.., a, b] = id.0.into_bytes();
        Self { text: format!("Guest {a:02x}{b:02x}").into(), verified: false }
    }
}

impl FromStr for Name {
    type Err = RoomError;

    fn from_str(given: &str) -> Result<Self, RoomError> {
        let given = given.trim();
        if given.len() > Self::MAX_CHARS * 18 {
            return Err(RoomError::BadName);
        }
        let name: String = given.nfc().collect();
        let length = name.chars().count();
        if length > Self::MAX_CHARS || name.chars().any(is_unwelcome) || name.chars().all(is_blank)
        {
            return Err(RoomError::BadName);
        }
        Ok(Self { text: name.into(), verified: false })
    }
}

/// Controls, line breaks, marks that reverse the direction of the text after a name, the replacement character
/// (U+FFFD), and what Unicode has not assigned. Every client would show something else for them, or nothing.
pub(super) fn is_unwelcome(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}' | '\u{fffd}')
        || (!c.is_ascii()
            && matches!(
                c.general_category(),
                GeneralCategory::Unassigned | GeneralCategory::PrivateUse
            ))
}

/// What shows nothing by itself: white space, empty letters and signs, marks without a letter, format characters.
fn is_blank(c: char) -> bool {
    is_empty(c) || is_combining_mark(c) || c.general_category() == GeneralCategory::Format
}

/// White space, and the few letters and signs that are as empty.
pub fn is_empty(c: char) -> bool {
    let fillers = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    c.is_whitespace()
        || fillers
        || matches!(c, '\u{2800}' | '\u{13441}' | '\u{13442}' | '\u{1d159}')
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A member of a room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Public id.
    pub id: MemberId,
    /// Display name.
    pub name: Name,
    /// When the member joined, by the store's clock.
    pub joined_at: Millis,
    /// Whether the member is in the video call.
    pub call: CallMark,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_normalised_and_checked() {
        assert_eq!("  Ann ".parse::<Name>().unwrap().as_str(), "Ann");
        assert_eq!("Zoe\u{308}".parse::<Name>().unwrap().as_str(), "Zoë");
        assert_eq!("Анна Сергеевна".parse::<Name>().unwrap().as_str(), "Анна Сергеевна");
        assert!("👩‍🚀".parse::<Name>().is_ok());
        assert!("x".repeat(32).parse::<Name>().is_ok());
        for seen in
            ["1\u{fe0f}\u{20e3}", "♥", "नि", "ᄒ", "🏴\u{e0067}\u{e0062}\u{e007f}", "\u{2800}x"]
        {
            assert!(seen.parse::<Name>().is_ok(), "{seen:?}");
        }
        for bad in
            ["", "   ", "\u{2060}\u{200d}", "a\nb", "a\u{0}b", "\u{202e}nnA", &"x".repeat(33)]
        {
            assert_eq!(bad.parse::<Name>(), Err(RoomError::BadName), "{bad:?}");
        }
        for nothing in [
            '\u{2800}',
            '\u{301}',
            '\u{93f}',
            '\u{20e3}',
            '\u{fff9}',
            '\u{1d159}',
            '\u{1d173}',
            '\u{3164}',
            '\u{ad}',
        ] {
            for name in [format!("{nothing}"), format!("{nothing}\u{2003}\u{200d}{nothing}")] {
                assert_eq!(name.parse::<Name>(), Err(RoomError::BadName), "{name:?}");
            }
        }
        for meaningless in [
            '\u{fffd}',
            '\u{fffe}',
            '\u{fdd0}',
            '\u{10ffff}',
            '\u{e000}',
            '\u{f0000}',
            '\u{378}',
            '\u{e0fff}',
        ] {
            assert_eq!(
                format!("Ann{meaningless}").parse::<Name>(),
                Err(RoomError::BadName),
                "{meaningless:?}"
            );
        }
    }

    #[test]
    fn what_is_verified_is_kept_in_the_word_and_cannot_be_written_by_people() {
        let name: Name = "Ann of Ely".parse().unwrap();
        let verified = name.clone().verified();
        assert!(verified != name && verified.as_str() == name.as_str());
        for name in [name, verified.clone()] {
            assert_eq!(Name::decode(&name.encode()), Some(name));
        }
        assert_eq!(verified.encode().parse::<Name>(), Err(RoomError::BadName));
        assert_eq!(Name::decode("\u{1}"), None);
    }
}
