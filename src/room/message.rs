//! A message with all that has been changed since it was sent.

use uuid::Uuid;

use super::{AttachedFile, FileId, MAX_N, MemberId, Millis, Reaction, RoomError, Seq, length};

/// A message as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Message<'a> {
    /// The entry that it answers.
    pub reply_to: Option<Seq>,
    /// When its sender last changed its text.
    pub edited: Option<Millis>,
    /// Its sender has deleted it: nothing else is left.
    pub deleted: bool,
    /// `id:size:type:name,…` of its files; of a message on its way to the store the ids alone.
    pub files: &'a str,
    /// `emoji=member,member`, separated by spaces, in the order in which each emoji came first.
    pub reactions: &'a str,
    /// Its text; of a deleted message nothing, and perhaps of one with files.
    pub text: &'a str,
}

impl<'a> Message<'a> {
    /// The most reactions on one message.
    pub const MAX_REACTIONS: usize = length::REACTIONS;
    /// The most bytes that are kept of them.
    pub const MAX_REACTION_BYTES: usize = length::REACTION_BYTES;

    /// What is left of a message that was deleted.
    pub const DELETED: Message<'static> =
        Message { reply_to: None, edited: None, deleted: true, files: "", reactions: "", text: "" };

    /// Each emoji on it, and who put it there, in their order.
    pub fn reactions(
        &self,
    ) -> impl Iterator<Item = (&'a str, impl Iterator<Item = MemberId> + use<'a>)> + use<'a> {
        self.reactions.split(' ').filter_map(|one| one.split_once('=')).map(|(emoji, from)| {
            (emoji, from.split(',').filter_map(|id| id.parse().ok()).map(MemberId))
        })
    }

    /// The words for files that a message on its way to the store is to have.
    pub fn words_of(ids: &[FileId]) -> String {
        ids.iter().map(|id| id.0.simple().to_string()).collect::<Vec<_>>().join(",")
    }

    /// Its files, in their order.
    pub fn files(&self) -> impl Iterator<Item = AttachedFile> + use<'a> {
        AttachedFile::read_all(self.files)
    }

    /// The ids of its files.
    pub(super) fn file_ids(&self) -> impl Iterator<Item = FileId> + use<'a> {
        let id = |word: &str| Uuid::try_parse(word.split(':').next()?).ok().map(FileId);
        self.files.split(',').filter_map(id)
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

    /// `x` of a deleted message, or `mreply edited files reactions⏎text`, with 0 or `-` for none
    pub(super) fn to_kept(self) -> String {
        let Self { reply_to, edited, deleted, files, reactions, text } = self;
        if deleted {
            return "x".to_owned();
        }
        let files = if files.is_empty() { "-" } else { files };
        let (reply_to, edited) = (reply_to.unwrap_or(0), edited.unwrap_or(0));
        format!("m{reply_to} {edited} {files} {reactions}\n{text}")
    }

    /// Reads what [`Self::to_kept`] wrote.
    pub(super) fn from_kept(kept: &'a str) -> Option<Self> {
        if kept == "x" {
            return Some(Self::DELETED);
        }
        let (head, text) = kept.strip_prefix('m')?.split_once('\n')?;
        let mut words = head.splitn(4, ' ');
        let mut number = || words.next()?.parse().ok().filter(|number: &u64| *number <= MAX_N);
        let (reply_to, edited) = (number()?, number()?);
        let files = words.next().filter(|files| are_files(files))?;
        let files = if files == "-" { "" } else { files };
        let reactions = words.next()?;
        if !text.is_empty() || files.is_empty() {
            is_text(text).ok()?;
        }
        let some = |number: u64| (number > 0).then_some(number);
        Some(Self {
            reply_to: some(reply_to),
            edited: some(edited),
            deleted: false,
            files,
            reactions,
            text,
        })
    }
}

/// The files of a message, or the ids of such, or none.
fn are_files(word: &str) -> bool {
    word == "-"
        || word.split(',').all(|file| match file.contains(':') {
            true => AttachedFile::from_kept(file).is_some(),
            false => Uuid::try_parse(file).is_ok(),
        })
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
        let id = Uuid::from_u128(1).simple();
        let (whole, named) =
            (format!("m0 0 {id}:1:a/b:,{id}:7:a/b:Yg \n"), format!("m0 0 {id},{id} \nhi"));
        for kept in [
            "x",
            "m0 0 - \nhi",
            "m3 9 - 👍=00000000000000000000000000000001\nhi\nho",
            &whole,
            &named,
        ] {
            assert_eq!(Message::from_kept(kept).map(Message::to_kept), Some(kept.to_owned()));
        }
        assert_eq!(Message::from_kept(&whole).unwrap().files().count(), 2);
        for kept in [
            "",
            "x ",
            "m",
            "m0 0 - \n",
            "m0 0 -\nhi",
            "m0 0 \nhi",
            "m0 0 - hi",
            "m-1 0 - \nhi",
            "mx 0 - \nhi",
            "m0 0 1 \nhi",
            "m0 0 -,- \nhi",
        ] {
            assert_eq!(Message::from_kept(kept), None, "{kept:?}");
        }
    }
}
