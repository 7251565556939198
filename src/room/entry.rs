//! The log: numbered entries.

use std::{str::FromStr, sync::Arc};

use super::{MemberId, Millis, Name, Reaction, RoomError, Seq, length};

/// What an entry says, in the form in which every store keeps it: the text of a message (1 to 4,000 characters, not only
/// white space), or behind [`KIND`] an entry of another kind. A text that begins with that character has it twice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text(Arc<str>);

/// What is kept of an entry that is no message begins with this control character. Nodes of the version before know no
/// kinds: they number and keep such an entry like any other, and show it as a text.
const KIND: char = '\u{10}';

impl Text {
    /// The longest text, in characters.
    pub const MAX_CHARS: usize = length::TEXT;

    /// As it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text of a message.
    pub fn shown(&self) -> &str {
        match self.0.strip_prefix(KIND) {
            Some(text) if text.starts_with(KIND) => text,
            _ => &self.0,
        }
    }

    /// The reaction that the entry is, if it is one.
    pub fn reaction(&self) -> Option<Reaction<'_>> {
        self.0.strip_prefix(KIND).and_then(Reaction::from_kept)
    }

    /// Reads what a store keeps, perhaps of a node of another version. Not for input from clients.
    pub fn from_kept(kept: &str) -> Option<Self> {
        match kept.strip_prefix(KIND) {
            Some(text) if text.starts_with(KIND) => text.parse().ok(),
            Some(reaction) if Reaction::from_kept(reaction).is_some() => Some(Self(kept.into())),
            // Of a node of the version before, which allows one character more: the doubled one does not count.
            Some(_) => is_text(kept).ok().map(|()| Self(format!("{KIND}{kept}").into())),
            None => kept.parse().ok(),
        }
    }
}

impl FromStr for Text {
    type Err = RoomError;

    fn from_str(given: &str) -> Result<Self, RoomError> {
        let kept: Arc<str> =
            if given.starts_with(KIND) { format!("{KIND}{given}").into() } else { given.into() };
        // As it is kept, because nodes of the version before refuse to read what is longer.
        is_text(&kept)?;
        Ok(Self(kept))
    }
}

fn is_text(kept: &str) -> Result<(), RoomError> {
    if kept.trim().is_empty() {
        return Err(RoomError::EmptyText);
    }
    if kept.len() > Text::MAX_CHARS && kept.chars().count() > Text::MAX_CHARS {
        return Err(RoomError::TooLong);
    }
    Ok(())
}

impl From<Reaction<'_>> for Text {
    fn from(reaction: Reaction<'_>) -> Self {
        Self(format!("{KIND}{}", reaction.to_kept()).into())
    }
}

/// An entry that is not numbered yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEntry {
    /// The sender's own counter; without it the entry gets the one that follows the sender's last.
    pub n: Option<u64>,
    /// What it says.
    pub text: Text,
}

/// One numbered entry of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its number.
    pub seq: Seq,
    /// When the store took it.
    pub at: Millis,
    /// The sender.
    pub from: MemberId,
    /// The sender's name at that time; the sender may have left since.
    pub user: Name,
    /// The sender's own counter: with `from` it identifies the entry, however often it is sent.
    pub n: u64,
    /// What it says.
    pub text: Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_taken_for_an_entry_of_another_kind() {
        let reaction = Text::from(Reaction { target: 12, emoji: "👍", on: true });
        assert_eq!(reaction.reaction(), Some(Reaction { target: 12, emoji: "👍", on: true }));
        assert_eq!(Text::from_kept(reaction.as_str()), Some(reaction.clone()));
        for given in ["hi", "\u{10}", "\u{10}hi", "\u{10}\u{10}hi", reaction.as_str()] {
            let text: Text = given.parse().unwrap();
            assert_eq!((text.reaction(), text.shown()), (None, given), "{given:?}");
            assert_eq!(Text::from_kept(text.as_str()), Some(text), "{given:?}");
        }
        assert_eq!(
            Text::from_kept("\u{10}of an older node").unwrap().shown(),
            "\u{10}of an older node"
        );
        let longest = format!("\u{10}{}", "x".repeat(3999));
        assert_eq!(Text::from_kept(&longest).unwrap().shown(), longest);
        assert_eq!(Text::from_kept(&format!("{longest}x")), None);
    }

    #[test]
    fn texts_are_counted_in_characters() {
        assert!("ж".repeat(4000).parse::<Text>().is_ok());
        assert_eq!("x".repeat(4001).parse::<Text>(), Err(RoomError::TooLong));
        assert_eq!(format!("\u{10}{}", "x".repeat(3999)).parse::<Text>(), Err(RoomError::TooLong));
        assert_eq!(" \n\t ".parse::<Text>(), Err(RoomError::EmptyText));
    }
}
