//! The log of a room: its messages as they are now, and the newest amendments.

use std::collections::VecDeque;

use super::{
    Amendment, Content, Entry, Limits, MemberId, Message, Millis, RoomError, Seq, Text,
    files::Files, snapshot,
};

/// Messages and amendments, each in order of `seq`.
///
/// A message stays where it was sent, changed in place: text that was replaced or deleted is nowhere. Amendments are
/// kept for clients that have missed them. They push no message out of the log.
#[derive(Default)]
pub(super) struct Log {
    messages: VecDeque<Entry>,
    amendments: VecDeque<Entry>,
    /// Of the texts of the messages.
    bytes: usize,
}

impl Log {
    /// Checks what a member, who may be the host, says against the messages that are there. Returns the position of the message that it
    /// changes, and that message after the change.
    ///
    /// # Errors
    /// [`RoomError::NoTarget`], [`RoomError::NotYours`], [`RoomError::TooLate`], or [`RoomError::ReactionsFull`].
    pub(super) fn check(
        &self,
        now: Millis,
        limits: &Limits,
        (from, host, newest): (MemberId, bool, Seq),
        text: &Text,
    ) -> Result<Option<(usize, Option<Text>)>, RoomError> {
        let amendment = match text.content() {
            Content::Message(Message { reply_to: None, .. }) => return Ok(None),
            Content::Message(Message { reply_to: Some(target), .. }) => {
                // A message that the log has no more may be answered; what was never a message may not.
                let amends = self.amendments.binary_search_by_key(&target, |entry| entry.seq);
                let unknown = target > newest || amends.is_ok();
                return if unknown { Err(RoomError::NoTarget) } else { Ok(None) };
            }
            Content::Amendment(amendment) => amendment,
        };
        let (at, entry) = self.message(amendment.target()).ok_or(RoomError::NoTarget)?;
        let Content::Message(message @ Message { deleted: false, .. }) = entry.text.content()
        else {
            return Err(RoomError::NoTarget);
        };
        let allowed = match amendment {
            Amendment::React(_) => true,
            Amendment::Delete { .. } => host || entry.from == from,
            Amendment::Edit { .. } => entry.from == from,
        };
        if !allowed {
            return Err(RoomError::NotYours);
        }
        if matches!(amendment, Amendment::Edit { .. }) && entry.at + limits.edit_age <= now {
            return Err(RoomError::TooLate);
        }
        Ok(Some((at, Text::amended(&message, &amendment, from, now)?)))
    }

    /// Adds an entry. `change` is what [`Self::check`] has said of it. The files of a message that is deleted go, too.
    pub(super) fn push(
        &mut self,
        entry: Entry,
        change: Option<(usize, Option<Text>)>,
        files: &mut Files,
    ) {
        let Some((at, after)) = change else {
            self.bytes += entry.text.as_str().len();
            return self.messages.push_back(entry);
        };
        if let (Some(message), Some(after)) = (self.messages.get_mut(at), after) {
            self.bytes = self.bytes + after.as_str().len() - message.text.as_str().len();
            if let Some(Amendment::Delete { .. }) = entry.text.amendment() {
                files.forget(&message.text);
            }
            message.text = after;
        }
        let text = entry.text.amendment().map(Amendment::without_text).map(Text::from);
        self.amendments.push_back(Entry { text: text.unwrap_or(entry.text.clone()), ..entry });
    }

    /// Drops what is too old or too much, and the files of such messages.
    pub(super) fn trim(&mut self, now: Millis, limits: &Limits, files: &mut Files) {
        while let Some(oldest) = self.messages.front() {
            let many = self.messages.len() > limits.history_len;
            let much = self.bytes > limits.history_bytes && self.messages.len() > 1;
            if !many && !much && oldest.at + limits.history_age > now {
                break;
            }
            self.bytes -= oldest.text.as_str().len();
            files.forget(&oldest.text);
            self.messages.pop_front();
        }
        while let Some(oldest) = self.amendments.front() {
            let many = self.amendments.len() > Amendment::KEPT;
            if !many && oldest.at + limits.history_age > now {
                break;
            }
            self.amendments.pop_front();
        }
    }

    /// How many entries there are, and how many bytes of text.
    pub(super) fn size(&self) -> (u64, u64) {
        ((self.messages.len() + self.amendments.len()) as u64, self.bytes as u64)
    }

    /// The entry of a member with this counter.
    pub(super) fn said(&self, from: MemberId, n: u64) -> Option<&Entry> {
        let mut all = self.messages.iter().rev().chain(self.amendments.iter().rev());
        all.find(|entry| entry.from == from && entry.n == n)
    }

    /// A member's newest entry.
    pub(super) fn newest_of(&self, from: MemberId) -> Option<&Entry> {
        let newest = |all: &VecDeque<Entry>| all.iter().rposition(|entry| entry.from == from);
        let message = newest(&self.messages).and_then(|at| self.messages.get(at));
        let amendment = newest(&self.amendments).and_then(|at| self.amendments.get(at));
        message.into_iter().chain(amendment).max_by_key(|entry| entry.seq)
    }

    /// What a client at `after` has missed, in order of `seq`; or else all messages, which are as they are now.
    pub(super) fn missed(&self, after: Option<Seq>, newest: Seq) -> Vec<Entry> {
        let missed = after.and_then(|after| {
            if after == newest {
                return Some(Vec::new());
            }
            let start = self.messages.partition_point(|entry| entry.seq <= after);
            let messages = self.messages.range(start..).cloned().collect();
            let entries = self.with_amendments(messages, after);
            snapshot::start(&entries, after, newest).map(|_| entries)
        });
        missed.unwrap_or_else(|| self.messages.iter().cloned().collect())
    }

    /// All messages and amendments, in order of `seq`.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.with_amendments(self.messages.iter().cloned().collect(), 0)
    }

    /// Adds the amendments behind `after`. An edit has the text that its message has now. Without its message, or where
    /// there are too many texts, it is left out, and a client that lacks it gets all messages.
    fn with_amendments(&self, mut entries: Vec<Entry>, after: Seq) -> Vec<Entry> {
        let (messages, mut bytes) = (entries.len(), 0);
        let start = self.amendments.partition_point(|entry| entry.seq <= after);
        for entry in self.amendments.range(start..) {
            let Some(Amendment::Edit { target, .. }) = entry.text.amendment() else {
                entries.push(entry.clone());
                continue;
            };
            let Some((_, message)) = self.message(target) else { continue };
            let Content::Message(message) = message.text.content() else { continue };
            bytes += message.text.len();
            let amendment = match message.deleted {
                true => Amendment::Delete { target },
                false if bytes > Amendment::TEXTS => continue,
                false => Amendment::Edit { target, text: Some(message.text) },
            };
            entries.push(Entry { text: amendment.into(), ..entry.clone() });
        }
        if entries.len() > messages {
            entries.sort_unstable_by_key(|entry| entry.seq);
        }
        entries
    }

    /// The text of a message as it is now.
    pub(super) fn text_of(&self, seq: Seq) -> Option<&Text> {
        self.message(seq).map(|(_, entry)| &entry.text)
    }

    fn message(&self, seq: Seq) -> Option<(usize, &Entry)> {
        let at = self.messages.binary_search_by_key(&seq, |entry| entry.seq).ok()?;
        Some((at, self.messages.get(at)?))
    }
}
