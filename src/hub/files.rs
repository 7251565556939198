//! Files of a member's, by requests with a ticket. They work on any node, wherever the session is.

use std::sync::Arc;

use bytes::Bytes;

use super::Hub;
use crate::{
    budget::{Resource, Usage},
    protocol::{ApiError, Upload},
    room::{File, FileFacts, FileId, MemberId, RoomError, RoomId},
    store::StoreError,
};

impl Hub {
    /// Opens an upload, or returns how far the same upload has got.
    ///
    /// # Errors
    /// [`RoomError::FileTooBig`], what the budgets refuse, or the store's.
    pub async fn open_file(
        &self,
        room: &RoomId,
        from: MemberId,
        file: FileId,
        facts: &FileFacts,
        usage: &Arc<Usage>,
    ) -> Result<Upload, ApiError> {
        let limits = &self.config().limits;
        if facts.size > limits.file_bytes {
            return Err(RoomError::FileTooBig.into());
        }
        let kept = self.rooms.kept_of(Resource::Files, room, usage);
        let counted = kept.reserve(usize::try_from(facts.size).unwrap_or(usize::MAX));
        // The same upload again takes no more space.
        if let Err(refusal) = &counted
            && self.store.read_file(room, from, file, None).await.is_err()
        {
            return Err(refusal.clone());
        }
        let opened = self.store.open_file(room, from, file, facts).await;
        // A store that does not answer may have opened it.
        let may_be_new = opened
            .as_ref()
            .map_or_else(|error| *error == StoreError::Unavailable, |opened| opened.new);
        match counted {
            Ok(counted) if may_be_new => counted.keep(),
            // The upload ended meanwhile: this one has no space.
            Err(refusal) if may_be_new => {
                let _ = self.store.drop_file(room, from, file).await;
                return Err(refusal);
            }
            _ => {}
        }
        Ok(Upload { file, offset: opened?.received, chunk: limits.file_chunk })
    }

    /// Adds the piece that begins at `offset`, and returns where the next one begins.
    ///
    /// # Errors
    /// The store's.
    pub async fn write_file(
        &self,
        room: &RoomId,
        from: MemberId,
        file: FileId,
        offset: u64,
        piece: Bytes,
    ) -> Result<Upload, ApiError> {
        let offset = self.store.write_file(room, from, file, offset, piece).await?;
        Ok(Upload { file, offset, chunk: self.config().limits.file_chunk })
    }

    /// What is known of a file, and the piece that begins at `offset`, if one is asked for.
    ///
    /// # Errors
    /// The store's.
    pub async fn read_file(
        &self,
        room: &RoomId,
        reader: MemberId,
        file: FileId,
        offset: Option<u64>,
    ) -> Result<(File, Bytes), ApiError> {
        Ok(self.store.read_file(room, reader, file, offset).await?)
    }

    /// Cancels an upload that belongs to no message, and gives its budget back.
    ///
    /// # Errors
    /// The store's.
    pub async fn drop_file(
        &self,
        room: &RoomId,
        from: MemberId,
        file: FileId,
        usage: &Arc<Usage>,
    ) -> Result<(), ApiError> {
        let size = self.store.drop_file(room, from, file).await?;
        let kept = self.rooms.kept_of(Resource::Files, room, usage);
        kept.give_back(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(())
    }

    /// Whether there are files here.
    ///
    /// # Errors
    /// [`ApiError::FilesOff`].
    pub fn check_files(&self) -> Result<(), ApiError> {
        if self.config().limits.file_bytes == 0 { Err(ApiError::FilesOff) } else { Ok(()) }
    }
}
