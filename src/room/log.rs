//! The log of a room: its messages as they are now, and the newest amendments.

use std::collections::VecDeque;

use super::{
    Amendment, Content, Entry, Limits, MemberId, Message, Millis, RoomError, Seq, Text, snapshot,
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
    /// Checks what a member says against the messages that are there. Returns the position of the message that it
    /// changes, and that message after the change.
    ///
    /// # Errors
    /// [`RoomError::NoTarget`], [`RoomError::NotYours`], [`RoomError::TooLate`], or [`RoomError::ReactionsFull`].
    pub(super) fn check(
        &self,
        now: Millis,
        limits: &Limits,
        (from, newest): (MemberId, Seq),
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
        if !matches!(amendment, Amendment::React(_)) && entry.from != from {
            return Err(RoomError::NotYours);
        }
        if matches!(amendment, Amendment::Edit { .. }) && entry.at + limits.edit_age <= now {
            return Err(RoomError::TooLate);
        }
        Ok(Some((at, Text::amended(&message, &amendment, from, now)?)))
    }

    /// Adds an entry. `change` is what [`Self::check`] has said of it.
    pub(super) fn push(&mut self, entry: Entry, change: Option<(usize, Option<Text>)>) {
        let Some((at, after)) = change else {
            self.bytes += entry.text.as_str().len();
            return self.messages.push_back(entry);
        };
        if let (Some(message), Some(after)) = (self.messages.get_mut(at), after) {
            self.bytes = self.bytes + after.as_str().len() - message.text.as_str().len();
            message.text = after;
        }
        let text = entry.text.amendment().map(Amendment::without_text).map(Text::from);
        self.amendments.push_back(Entry { text: text.unwrap_or(entry.text.clone()), ..entry });
    }

    /// Drops what is too old or too much.
    pub(super) fn trim(&mut self, now: Millis, limits: &Limits) {
        while let Some(oldest) = self.messages.front() {
            let many = self.messages.len() > limits.history_len;
            let much = self.bytes > limits.history_bytes && self.messages.len() > 1;
            if !many && !much && oldest.at + limits.history_age > now {
                break;
            }
            self.bytes -= oldest.text.as_str().len();
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

    /// What a client at `after` has missed, or else all messages and amendments, in order of `seq`. An amendment has the
    /// text that its message has now; without its message it is left out, and a client that lacks it gets the whole log.
    pub(super) fn entries(&self, after: Option<Seq>, newest: Seq) -> Vec<Entry> {
        let mut entries = if self.amendments.is_empty() {
            let from = after.unwrap_or(0);
            let start = self.messages.partition_point(|entry| entry.seq <= from);
            let whole = newest.checked_sub(from) == Some((self.messages.len() - start) as u64);
            let start = if whole { start } else { 0 };
            return self.messages.range(start..).cloned().collect();
        } else {
            Vec::from_iter(self.messages.iter().cloned())
        };
        entries.extend(self.amendments.iter().filter_map(|entry| self.resolve(entry)));
        entries.sort_unstable_by_key(|entry| entry.seq);
        if let Some(start) = after.and_then(|after| snapshot::start(&entries, after, newest)) {
            entries.drain(..start);
        }
        entries
    }

    fn resolve(&self, entry: &Entry) -> Option<Entry> {
        let Some(Amendment::Edit { target, text: None }) = entry.text.amendment() else {
            return Some(entry.clone());
        };
        let Content::Message(message) = self.message(target)?.1.text.content() else {
            return None;
        };
        let amendment = match message.deleted {
            true => Amendment::Delete { target },
            false => Amendment::Edit { target, text: Some(message.text) },
        };
        Some(Entry { text: amendment.into(), ..entry.clone() })
    }

    fn message(&self, seq: Seq) -> Option<(usize, &Entry)> {
        let at = self.messages.binary_search_by_key(&seq, |entry| entry.seq).ok()?;
        Some((at, self.messages.get(at)?))
    }
}
