//! A message with all that has been changed since it was sent.

use super::{MAX_N, MemberId, Millis, Reaction, RoomError, Seq, length};

/// A message as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Message<'a> {
    /// The entry that it answers.
    pub reply_to: Option<Seq>,
    /// When its sender last changed its text.
    pub edited: Option<Millis>,
    /// Its sender has deleted it: nothing else is left.
    pub deleted: bool,
    /// `emoji=member,member`, separated by spaces, in the order in which each emoji came first.
    pub reactions: &'a str,
    /// Its text; of a deleted message nothing.
    pub text: &'a str,
}

impl<'a> Message<'a> {
    /// The most reactions on one message.
    pub const MAX_REACTIONS: usize = length::REACTIONS;
    /// The most bytes that are kept of them.
    pub const MAX_REACTION_BYTES: usize = length::REACTION_BYTES;

    /// What is left of a message that was deleted.
    pub const DELETED: Message<'static> =
        Message { reply_to: None, edited: None, deleted: true, reactions: "", text: "" };

    /// Each emoji on it, and who put it there, in their order.
    pub fn reactions(
        &self,
    ) -> impl Iterator<Item = (&'a str, impl Iterator<Item = MemberId> + use<'a>)> + use<'a> {
        self.reactions.split(' ').filter_map(|one| one.split_once('=')).map(|(emoji, from)| {
            (emoji, from.split(',').filter_map(|id| id.parse().ok()).map(MemberId))
        })
    }

    /// Its reactions after one more by a member; nothing where that changes nothing.
    ///
    /// # Errors
    /// [`RoomError::ReactionsFull`].
    pub(super) fn reacted(
        &self,
        Reaction { emoji, on, .. }: &Reaction<'_>,
        from: MemberId,
    ) -> Result<Option<String>, RoomError> {
        let mut kinds: Vec<(&str, Vec<&str>)> = self
            .reactions
            .split(' ')
            .filter_map(|one| one.split_once('='))
            .map(|(emoji, from)| (emoji, from.split(',').collect()))
            .collect();
        let from = from.0.simple().to_string();
        let at = kinds.iter().position(|(other, _)| other == emoji);
        let is_on = at.is_some_and(|at| kinds[at].1.contains(&&*from));
        if is_on == *on {
            return Ok(None);
        }
        match at {
            Some(at) if !on => {
                kinds[at].1.retain(|other| *other != from);
                kinds.retain(|(_, from)| !from.is_empty());
            }
            at => {
                let count = kinds.iter().map(|(_, from)| from.len()).sum::<usize>();
                let bytes = self.reactions.len() + emoji.len() + from.len();
                if count >= Self::MAX_REACTIONS || bytes > Self::MAX_REACTION_BYTES {
                    return Err(RoomError::ReactionsFull);
                }
                match at {
                    Some(at) => kinds[at].1.push(&from),
                    None => kinds.push((emoji, vec![&from])),
                }
            }
        }
        let kinds = kinds.into_iter().map(|(emoji, from)| format!("{emoji}={}", from.join(",")));
        Ok(Some(kinds.collect::<Vec<_>>().join(" ")))
    }

    /// `x` of a deleted message, or `mreply edited reactions⏎text`, with 0 for none
    pub(super) fn to_kept(self) -> String {
        let Self { reply_to, edited, deleted, reactions, text } = self;
        if deleted {
            return "x".to_owned();
        }
        format!("m{} {} {reactions}\n{text}", reply_to.unwrap_or(0), edited.unwrap_or(0))
    }

    /// Reads what [`Self::to_kept`] wrote.
    pub(super) fn from_kept(kept: &'a str) -> Option<Self> {
        if kept == "x" {
            return Some(Self::DELETED);
        }
        let (head, text) = kept.strip_prefix('m')?.split_once('\n')?;
        is_text(text).ok()?;
        let mut words = head.splitn(3, ' ');
        let mut number = || words.next()?.parse().ok().filter(|number: &u64| *number <= MAX_N);
        let (reply_to, edited) = (number()?, number()?);
        let reactions = words.next()?;
        let some = |number: u64| (number > 0).then_some(number);
        Some(Self {
            reply_to: some(reply_to),
            edited: some(edited),
            deleted: false,
            reactions,
            text,
        })
    }
}

/// The rule for the text of a message.
pub(super) fn is_text(text: &str) -> Result<(), RoomError> {
    if text.trim().is_empty() {
        return Err(RoomError::EmptyText);
    }
    if text.len() > length::TEXT && text.chars().count() > length::TEXT {
        return Err(RoomError::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_message_is_read_whole_or_not_at_all() {
        for kept in ["x", "m0 0 \nhi", "m3 9 👍=00000000000000000000000000000001\nhi\nho"] {
            assert_eq!(Message::from_kept(kept).map(Message::to_kept), Some(kept.to_owned()));
        }
        for kept in ["", "x ", "m", "m0 0 \n", "m0 0\nhi", "m0 0 hi", "m-1 0 \nhi", "mx 0 \nhi"] {
            assert_eq!(Message::from_kept(kept), None, "{kept:?}");
        }
    }
}
