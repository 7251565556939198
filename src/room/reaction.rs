//! Reactions: amendments that put an emoji on an earlier message, or take it away.

use unicode_properties::UnicodeEmoji;

use super::{RoomError, Seq, length};

/// What a member thinks of an earlier message: of one member, one emoji and one message the last one holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reaction<'a> {
    /// The message that it is about.
    pub target: Seq,
    /// One emoji, or what a client sealed.
    pub emoji: &'a str,
    /// Put there, or taken away.
    pub on: bool,
}

impl<'a> Reaction<'a> {
    /// The longest emoji, in bytes. The longest that Unicode recommends has 35.
    pub const MAX_BYTES: usize = length::EMOJI;
    /// The same where it is sealed.
    const MAX_SEALED: usize = 512;

    /// A reaction of a client.
    ///
    /// # Errors
    /// [`RoomError::BadEmoji`] for anything but one emoji. What is sealed only clients can check.
    pub fn new(target: Seq, emoji: &'a str, on: bool) -> Result<Self, RoomError> {
        let good = emoji.len() <= Self::MAX_BYTES && is_emoji(emoji)
            || emoji.len() <= Self::MAX_SEALED && is_sealed(emoji);
        if good { Ok(Self { target, emoji, on }) } else { Err(RoomError::BadEmoji) }
    }

    /// `target + emoji`, or `target - emoji`
    pub(super) fn to_kept(self) -> String {
        let Self { target, emoji, on } = self;
        format!("{target} {} {emoji}", if on { '+' } else { '-' })
    }

    /// Reads what [`Self::to_kept`] wrote behind the target.
    pub(super) fn from_kept(target: Seq, rest: &'a str) -> Option<Self> {
        let (sign, emoji) = rest.split_once(' ')?;
        let on = match sign {
            "+" => true,
            "-" => false,
            _ => return None,
        };
        Self::new(target, emoji, on).ok()
    }
}

/// `sealed`, a number, a dot and base64url: the form of all that clients seal.
pub(super) fn is_sealed(text: &str) -> bool {
    let Some((version, body)) = text.strip_prefix("sealed").and_then(|rest| rest.split_once('.'))
    else {
        return false;
    };
    let digits = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    digits
        && !body.is_empty()
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether a text is one emoji: a flag, a key cap, or emoji with their modifiers and tags, joined to one.
/// The grammar is that of UTS #51, "possible emoji".
fn is_emoji(text: &str) -> bool {
    let regional = |c: char| matches!(c, '\u{1f1e6}'..='\u{1f1ff}');
    if text.chars().any(regional) {
        return text.chars().count() == 2 && text.chars().all(regional);
    }
    text.split('\u{200d}').all(|part| {
        let mut rest = part.chars();
        let Some(first) = rest.next().filter(|c| c.is_emoji_char()) else { return false };
        let rest = rest.as_str();
        if first.is_ascii() {
            return rest == "\u{fe0f}\u{20e3}" && part == text;
        }
        let tags = rest.strip_suffix('\u{e007f}').is_some_and(|tags| {
            !tags.is_empty() && tags.chars().all(|c| matches!(c, '\u{e0020}'..='\u{e007e}'))
        });
        tags || matches!(
            rest,
            "" | "\u{fe0f}" | "\u{1f3fb}" | "\u{1f3fc}" | "\u{1f3fd}" | "\u{1f3fe}" | "\u{1f3ff}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reaction_has_one_emoji() {
        let sealed = format!("sealed2.{}", "Ab-_".repeat(100));
        let good = ["👍", "❤", "❤️", "🇳🇱", "1️⃣", "#️⃣", "👋🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩🏻‍❤️‍💋‍👨🏿", "©", &sealed];
        for emoji in good {
            assert!(Reaction::new(1, emoji, true).is_ok(), "{emoji}");
        }
        let (long, long_sealed) = ("👨‍".repeat(10) + "👨", format!("sealed2.{}", "A".repeat(600)));
        for bad in [
            "",
            " ",
            "a",
            "1",
            "#",
            "👍👍",
            "👍 ",
            "a👍",
            "👍a",
            "🇳",
            "🇳🇱🇳🇱",
            "👍\u{301}",
            "👍\u{200d}",
            "\u{200d}👍",
            "1\u{fe0f}\u{20e3}\u{200d}👍",
            "sealed2.",
            "sealed.A",
            "sealed2.a b",
            "\u{fe0f}",
            &long,
            &long_sealed,
        ] {
            assert_eq!(Reaction::new(1, bad, true), Err(RoomError::BadEmoji), "{bad:?}");
        }
    }
}
