//! What an entry of the log says.

use std::{str::FromStr, sync::Arc};

use super::{Amendment, MemberId, Message, Millis, RoomError, length, message::is_text};

/// What an entry says, in the form in which every store keeps it: the text of a message (1 to 4,000 characters, not only
/// white space), or behind [`KIND`] a message with more than a text, or an amendment. A text that begins with that
/// character has it twice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text(Arc<str>);

/// What is kept of an entry that is more than a text begins with this control character. Nodes of the version before
/// know no kinds: they show such an entry as a text.
const KIND: char = '\u{10}';

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content<'a> {
    /// A message, with all that has been changed since.
    Message(Message<'a>),
    /// A change of an earlier message.
    Amendment(Amendment<'a>),
}

impl Text {
    /// The longest text, in characters.
    pub const MAX_CHARS: usize = length::TEXT;

    /// As it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the entry is.
    pub fn content(&self) -> Content<'_> {
        let plain = |text| Content::Message(Message { text, ..Message::default() });
        let Some(rest) = self.0.strip_prefix(KIND) else { return plain(&self.0) };
        if rest.starts_with(KIND) { plain(rest) } else { read(rest).unwrap_or(plain(rest)) }
    }

    /// Whether the entry is a message that is only a text.
    pub fn is_plain(&self) -> bool {
        match self.0.strip_prefix(KIND) {
            Some(rest) => rest.starts_with(KIND),
            None => true,
        }
    }

    /// The text of a message; of an amendment nothing.
    pub fn shown(&self) -> &str {
        match self.content() {
            Content::Message(message) => message.text,
            Content::Amendment(_) => "",
        }
    }

    /// The change that the entry is, if it is one.
    pub fn amendment(&self) -> Option<Amendment<'_>> {
        match self.content() {
            Content::Amendment(amendment) => Some(amendment),
            Content::Message(_) => None,
        }
    }

    /// A message after a change by a member that may make it; nothing where the change changes nothing.
    ///
    /// # Errors
    /// [`RoomError::ReactionsFull`].
    pub(super) fn amended(
        message: &Message<'_>,
        amendment: &Amendment<'_>,
        from: MemberId,
        at: Millis,
    ) -> Result<Option<Self>, RoomError> {
        Ok(match amendment {
            Amendment::Delete { .. } => Some(Message::DELETED.into()),
            Amendment::Edit { text, .. } => {
                let text = text.unwrap_or(message.text);
                Some(Message { edited: Some(at), text, ..*message }.into())
            }
            Amendment::React(reaction) => {
                let reactions = message.reacted(reaction, from)?;
                reactions.map(|reactions| Message { reactions: &reactions, ..*message }.into())
            }
        })
    }

    /// Reads what a store keeps, perhaps of a node of another version. Not for input from clients.
    pub fn from_kept(kept: &str) -> Option<Self> {
        match kept.strip_prefix(KIND) {
            Some(text) if text.starts_with(KIND) => text.parse().ok(),
            Some(rest) if read(rest).is_some() => Some(Self(kept.into())),
            // Of a node of the version before, which allows one character more: the doubled one does not count.
            Some(_) => is_text(kept).ok().map(|()| Self(format!("{KIND}{kept}").into())),
            None => kept.parse().ok(),
        }
    }
}

fn read(rest: &str) -> Option<Content<'_>> {
    let message = || Message::from_kept(rest).map(Content::Message);
    Amendment::from_kept(rest).map(Content::Amendment).or_else(message)
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

impl From<Message<'_>> for Text {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message {
                reply_to: None,
                edited: None,
                deleted: false,
                files: "",
                reactions: "",
                text,
            } => {
                let doubled = text.starts_with(KIND);
                Self(if doubled { format!("{KIND}{text}").into() } else { text.into() })
            }
            message => Self(format!("{KIND}{}", message.to_kept()).into()),
        }
    }
}

impl From<Amendment<'_>> for Text {
    fn from(amendment: Amendment<'_>) -> Self {
        Self(format!("{KIND}{}", amendment.to_kept()).into())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::room::Reaction;

    #[test]
    fn no_text_is_taken_for_an_entry_of_another_kind() {
        let reaction = Amendment::React(Reaction { target: 12, emoji: "👍", on: true });
        let reply = Message { reply_to: Some(7), text: "yes", ..Message::default() };
        let kinds: Vec<Text> = vec![
            reaction.into(),
            Amendment::Edit { target: 12, text: Some("\u{10}better\nwords") }.into(),
            Amendment::Edit { target: 12, text: None }.into(),
            Amendment::Delete { target: 12 }.into(),
            reply.into(),
            Message::DELETED.into(),
        ];
        for kind in &kinds {
            assert!(!kind.is_plain(), "{kind:?}");
            assert_eq!(Text::from_kept(kind.as_str()).as_ref(), Some(kind));
        }
        assert_eq!(kinds[0].content(), Content::Amendment(reaction));
        assert_eq!(kinds[4].content(), Content::Message(reply));
        let given = ["hi", "\u{10}", "\u{10}hi", "\u{10}\u{10}hi"].into_iter();
        for given in given.chain(kinds.iter().map(Text::as_str)) {
            let text: Text = given.parse().unwrap();
            assert!(text.is_plain(), "{given:?}");
            assert_eq!((text.amendment(), text.shown()), (None, given), "{given:?}");
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

    fn member(id: u128) -> MemberId {
        MemberId(Uuid::from_u128(id))
    }

    fn react(emoji: &str, on: bool) -> Amendment<'_> {
        Amendment::React(Reaction { target: 1, emoji, on })
    }

    fn content(text: &Text) -> Message<'_> {
        match text.content() {
            Content::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reactions_are_counted_by_emoji_in_the_order_in_which_each_came_first() {
        let (ann, bob) = (member(1), member(2));
        let mut text: Text = "hi".parse().unwrap();
        for (emoji, on, from, changes) in [
            ("👍", true, ann, true),
            ("❤️", true, bob, true),
            ("👍", true, bob, true),
            ("👍", true, bob, false),
            ("🎉", false, bob, false),
            ("🎉", true, bob, true),
            ("❤️", false, bob, true),
        ] {
            let after = Text::amended(&content(&text), &react(emoji, on), from, 9).unwrap();
            assert_eq!(after.is_some(), changes, "{emoji} {on}");
            text = after.unwrap_or(text);
        }
        let counts: Vec<(&str, Vec<MemberId>)> =
            content(&text).reactions().map(|(emoji, from)| (emoji, from.collect())).collect();
        assert_eq!(counts, [("👍", vec![ann, bob]), ("🎉", vec![bob])]);
        assert_eq!(content(&text).text, "hi");
        for (emoji, from) in [("👍", ann), ("👍", bob), ("🎉", bob)] {
            text = Text::amended(&content(&text), &react(emoji, false), from, 9).unwrap().unwrap();
        }
        assert_eq!(text, "hi".parse().unwrap(), "as if there had been none");
    }

    #[test]
    fn a_message_has_so_many_reactions_and_no_more() {
        let mut text: Text = "hi".parse().unwrap();
        for id in 0..Message::MAX_REACTIONS as u128 {
            text =
                Text::amended(&content(&text), &react("👍", true), member(id), 9).unwrap().unwrap();
        }
        let stranger = member(u128::MAX);
        let more = Text::amended(&content(&text), &react("👍", true), stranger, 9);
        assert_eq!(more, Err(RoomError::ReactionsFull));
        assert_eq!(Text::amended(&content(&text), &react("👍", false), stranger, 9), Ok(None));
        assert!(
            Text::amended(&content(&text), &react("👍", false), member(0), 9).unwrap().is_some()
        );
    }

    #[test]
    fn an_edit_keeps_what_stands_beside_the_text_and_a_delete_keeps_nothing() {
        let reply = Message { reply_to: Some(3), text: "yes", ..Message::default() };
        let text = Text::amended(&reply, &react("👍", true), member(1), 5).unwrap().unwrap();
        let edit = Amendment::Edit { target: 1, text: Some("\u{10}no\nway") };
        let text = Text::amended(&content(&text), &edit, member(1), 6).unwrap().unwrap();
        let edited = content(&text);
        assert_eq!((edited.reply_to, edited.edited), (Some(3), Some(6)));
        assert_eq!((edited.text, edited.reactions().count()), ("\u{10}no\nway", 1));
        let delete = Amendment::Delete { target: 1 };
        let text = Text::amended(&content(&text), &delete, member(1), 7).unwrap().unwrap();
        assert_eq!(content(&text), Message::DELETED);
    }
}
