//! Amendments: entries that change an earlier message. They are numbered like messages, so that a cursor counts them.

use super::{MAX_N, Reaction, Seq, message::is_text};

/// A change of an earlier message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Amendment<'a> {
    /// A member put an emoji on it, or took it away.
    React(Reaction<'a>),
    /// Its sender changed its text.
    Edit {
        /// The message.
        target: Seq,
        /// The new text. The log keeps it with the message only, so that it is there once.
        text: Option<&'a str>,
    },
    /// Its sender deleted it.
    Delete {
        /// The message.
        target: Seq,
    },
}

impl<'a> Amendment<'a> {
    /// A room keeps so many of them. A client that has missed more gets the whole log.
    pub const KEPT: usize = 200;
    /// Bytes of the texts of edits that are told again. A client that has missed more gets the whole log.
    pub const TEXTS: usize = 64 * 1024;

    /// The message that it changes.
    pub fn target(&self) -> Seq {
        match self {
            Self::React(Reaction { target, .. })
            | Self::Edit { target, .. }
            | Self::Delete { target } => *target,
        }
    }

    /// As the log keeps it beside the message, which has the text.
    pub(super) fn without_text(self) -> Self {
        match self {
            Self::Edit { target, .. } => Self::Edit { target, text: None },
            other => other,
        }
    }

    /// `target + emoji`, `target - emoji`, `target e text`, `target e` or `target d`
    pub(super) fn to_kept(self) -> String {
        match self {
            Self::React(reaction) => reaction.to_kept(),
            Self::Edit { target, text: Some(text) } => format!("{target} e {text}"),
            Self::Edit { target, text: None } => format!("{target} e"),
            Self::Delete { target } => format!("{target} d"),
        }
    }

    /// Reads what [`Self::to_kept`] wrote.
    pub(super) fn from_kept(kept: &'a str) -> Option<Self> {
        let (number, rest) = kept.split_once(' ')?;
        let target = number.parse().ok().filter(|target| (1..=MAX_N).contains(target))?;
        match rest {
            "d" => Some(Self::Delete { target }),
            "e" => Some(Self::Edit { target, text: None }),
            _ => match rest.strip_prefix("e ") {
                Some(text) => is_text(text).ok().map(|()| Self::Edit { target, text: Some(text) }),
                None => Reaction::from_kept(target, rest).map(Self::React),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_an_amendment_is_read_whole_or_not_at_all() {
        for amendment in [
            Amendment::React(Reaction { target: 12, emoji: "👍", on: true }),
            Amendment::React(Reaction { target: 12, emoji: "👍", on: false }),
            Amendment::Edit { target: 12, text: Some("a b\nc") },
            Amendment::Edit { target: 12, text: None },
            Amendment::Delete { target: 12 },
        ] {
            assert_eq!(Amendment::from_kept(&amendment.to_kept()), Some(amendment));
        }
        for line in [
            "",
            "12",
            "12 ",
            "12 +",
            "12 + ",
            "12 + words",
            "12 ? 👍",
            "12 e ",
            "12 e  ",
            "12 d ",
            "0 + 👍",
            "0 d",
            "-1 + 👍",
            "9007199254740992 + 👍",
            "x + 👍",
        ] {
            assert_eq!(Amendment::from_kept(line), None, "{line:?}");
        }
    }
}
