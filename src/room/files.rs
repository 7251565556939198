//! The files of a room: uploads on their way, and files of messages that the log has.

use std::collections::HashMap;

use ahash::RandomState;
use bytes::Bytes;

use super::{
    AttachedFile, Content, File, FileFacts, FileId, Limits, MemberId, Message, Millis, OpenedFile,
    Room, RoomError, Seq, Text,
};

/// The files of a room, each with its bytes in pieces.
#[derive(Default)]
pub(super) struct Files(HashMap<FileId, KeptFile, RandomState>);

struct KeptFile {
    file: File,
    pieces: Vec<Bytes>,
}

impl Files {
    /// Drops uploads without news, and files of messages that are too old.
    pub(super) fn sweep(&mut self, now: Millis, limits: &Limits) {
        self.0.retain(|_, kept| !kept.file.is_over(now, limits));
    }

    /// How many files there are, and how many bytes have come.
    pub(super) fn size(&self) -> (u64, u64) {
        (self.0.len() as u64, self.0.values().map(|kept| kept.file.received).sum())
    }

    /// Drops the uploads of a member that leaves: no other member knows of them.
    pub(super) fn forget_uploads(&mut self, member: MemberId) {
        self.0.retain(|_, kept| kept.file.attached.is_some() || kept.file.from != member);
    }

    /// Drops the files of a message.
    pub(super) fn forget(&mut self, text: &Text) {
        if self.0.is_empty() || text.is_plain() {
            return;
        }
        if let Content::Message(message) = text.content() {
            message.files().for_each(|file| drop(self.0.remove(&file.id)));
        }
    }

    /// The entry of a message that names its files by their ids, as it is kept: with all that is known of them. From now
    /// on they belong to it.
    ///
    /// # Errors
    /// [`RoomError::NoFile`] or [`RoomError::FileIncomplete`]; then none of them belongs to it.
    pub(super) fn attach(
        &mut self,
        now: Millis,
        limits: &Limits,
        (from, seq): (MemberId, Seq),
        text: &Text,
    ) -> Result<Text, RoomError> {
        let message = match text.content() {
            Content::Message(message) if !message.files.is_empty() => message,
            _ => return Ok(text.clone()),
        };
        let mut words = Vec::new();
        for id in message.file_ids() {
            let kept = self.own(now, limits, from, id)?;
            if kept.file.attached.is_some() {
                return Err(RoomError::NoFile);
            }
            if !kept.file.is_whole() {
                return Err(RoomError::FileIncomplete);
            }
            words.push(AttachedFile { id, facts: kept.file.facts.clone() }.to_kept());
        }
        for id in message.file_ids() {
            let kept = self.own(now, limits, from, id)?;
            (kept.file.attached, kept.file.at) = (Some(seq), now);
        }
        Ok(Message { files: &words.join(","), ..message }.into())
    }

    /// A file that a member uploads or has uploaded.
    fn own(
        &mut self,
        now: Millis,
        limits: &Limits,
        from: MemberId,
        id: FileId,
    ) -> Result<&mut KeptFile, RoomError> {
        let kept = self.0.get_mut(&id).ok_or(RoomError::NoFile)?;
        if kept.file.from == from && !kept.file.is_over(now, limits) {
            Ok(kept)
        } else {
            Err(RoomError::NoFile)
        }
    }
}

impl Room {
    /// Opens an upload, or returns how far the same upload has got.
    ///
    /// # Errors
    /// [`RoomError::NotMember`], [`RoomError::FileTooBig`], [`RoomError::FilesFull`], or [`RoomError::BadFile`] where
    /// the id is another file's.
    pub fn open_file(
        &mut self,
        now: Millis,
        limits: &Limits,
        from: MemberId,
        id: FileId,
        facts: &FileFacts,
    ) -> Result<OpenedFile, RoomError> {
        self.member(from)?;
        if facts.size > limits.file_bytes {
            return Err(RoomError::FileTooBig);
        }
        let files = &mut self.files;
        files.sweep(now, limits);
        if let Some(KeptFile { file, .. }) = files.0.get_mut(&id) {
            if file.from != from || file.facts != *facts {
                return Err(RoomError::BadFile);
            }
            // To ask again keeps no space that nothing has come for.
            if file.attached.is_none() && file.received > 0 {
                file.at = now;
            }
            return Ok(OpenedFile { received: file.received, new: false });
        }
        let held: u64 = files.0.values().map(|kept| kept.file.facts.size).sum();
        if files.0.len() >= File::MOST || held.saturating_add(facts.size) > limits.room_file_bytes {
            return Err(RoomError::FilesFull);
        }
        let file = File { facts: facts.clone(), from, received: 0, attached: None, at: now };
        files.0.insert(id, KeptFile { file, pieces: Vec::new() });
        Ok(OpenedFile { received: 0, new: true })
    }

    /// Adds the piece of an upload that begins at `offset`, and returns where the next one begins. A repeated piece is
    /// taken once.
    ///
    /// # Errors
    /// [`RoomError::NotMember`], [`RoomError::NoFile`], [`RoomError::BadOffset`] where another piece is expected, or
    /// [`RoomError::BadFile`] for a piece of another length than it should have.
    pub fn write_file(
        &mut self,
        now: Millis,
        limits: &Limits,
        from: MemberId,
        id: FileId,
        offset: u64,
        piece: Bytes,
    ) -> Result<u64, RoomError> {
        self.member(from)?;
        let KeptFile { file, pieces } = self.files.own(now, limits, from, id)?;
        let chunk = limits.file_chunk as u64;
        if piece.is_empty() {
            return Err(RoomError::BadFile);
        }
        if offset != file.received {
            let known = usize::try_from(offset / chunk).ok().and_then(|at| pieces.get(at));
            let repeats = offset.is_multiple_of(chunk) && known == Some(&piece);
            return if repeats {
                Ok(file.received)
            } else {
                Err(RoomError::BadOffset(file.received))
            };
        }
        if piece.len() as u64 != chunk.min(file.facts.size - offset) {
            return Err(RoomError::BadFile);
        }
        file.received += piece.len() as u64;
        file.at = now;
        pieces.push(piece);
        Ok(file.received)
    }

    /// What is known of a file, and the piece of it that begins at `offset`, if one is asked for. An upload is there for
    /// its uploader only.
    ///
    /// # Errors
    /// [`RoomError::NotMember`], [`RoomError::NoFile`], or [`RoomError::FileIncomplete`] where the piece has not come.
    pub fn read_file(
        &self,
        now: Millis,
        limits: &Limits,
        reader: MemberId,
        id: FileId,
        offset: Option<u64>,
    ) -> Result<(File, Bytes), RoomError> {
        self.member(reader)?;
        let may_read = |kept: &&KeptFile| {
            let KeptFile { file, .. } = kept;
            !file.is_over(now, limits) && (file.attached.is_some() || file.from == reader)
        };
        let kept = self.files.0.get(&id).filter(may_read).ok_or(RoomError::NoFile)?;
        let Some(offset) = offset else { return Ok((kept.file.clone(), Bytes::new())) };
        let at = usize::try_from(offset / limits.file_chunk as u64).unwrap_or(usize::MAX);
        let piece = kept.pieces.get(at).cloned().ok_or(RoomError::FileIncomplete)?;
        Ok((kept.file.clone(), piece))
    }

    /// Drops an upload that belongs to no message. Returns what was known of it.
    ///
    /// # Errors
    /// [`RoomError::NotMember`] or [`RoomError::NoFile`].
    pub fn drop_file(
        &mut self,
        now: Millis,
        limits: &Limits,
        from: MemberId,
        id: FileId,
    ) -> Result<FileFacts, RoomError> {
        self.member(from)?;
        if self.files.own(now, limits, from, id)?.file.attached.is_some() {
            return Err(RoomError::NoFile);
        }
        self.files.0.remove(&id).map(|kept| kept.file.facts).ok_or(RoomError::NoFile)
    }
}
