//! The files of a room: each call of the trait is one script.

use std::sync::Arc;

use bytes::Bytes;
use fred::types::Value;
use tokio::time::Instant;

use super::{
    DEADLINE, Shared,
    codec::{self, Str, count, garbled, number, read_id},
    scripts::Script,
};
use crate::{
    room::{File, FileFacts, FileId, Limits, MemberId, OpenedFile, RoomError, RoomId},
    store::StoreError,
};

/// The scripts of files, within the limits of this deployment.
pub(super) struct FileScripts {
    open: Script,
    write: Script,
    read: Script,
    drop: Script,
}

impl FileScripts {
    pub(super) fn new(limits: &Limits) -> Self {
        let [open, write, read, drop] = Script::of_files(limits);
        Self { open, write, read, drop }
    }
}

impl Shared {
    /// See [`crate::store::Store::open_file`].
    pub(super) async fn open_file(
        self: &Arc<Self>,
        room: &RoomId,
        from: MemberId,
        id: FileId,
        facts: &FileFacts,
    ) -> Result<OpenedFile, StoreError> {
        let FileFacts { size, kind, .. } = facts;
        let args = vec![
            Value::from(number(size)),
            Value::from(Str::from(kind.as_str())),
            Value::from(facts.name_word()),
        ];
        let mut answer = self.ask_file(&self.files.open, room, from, id, args).await?;
        let opened = answer.count().zip(answer.word());
        let opened = opened.map(|(received, new)| OpenedFile { received, new: new == "1" });
        opened.ok_or_else(|| garbled("file_open"))
    }

    /// See [`crate::store::Store::write_file`].
    pub(super) async fn write_file(
        self: &Arc<Self>,
        room: &RoomId,
        from: MemberId,
        id: FileId,
        offset: u64,
        piece: Bytes,
    ) -> Result<u64, StoreError> {
        let args = vec![Value::from(number(offset)), Value::from(piece)];
        let mut answer = self.ask_file(&self.files.write, room, from, id, args).await?;
        answer.count().ok_or_else(|| garbled("file_write"))
    }

    /// See [`crate::store::Store::read_file`].
    pub(super) async fn read_file(
        self: &Arc<Self>,
        room: &RoomId,
        reader: MemberId,
        id: FileId,
        offset: Option<u64>,
    ) -> Result<(File, Bytes), StoreError> {
        let args = vec![Value::from(offset.map(number).unwrap_or_default())];
        let mut answer = self.ask_file(&self.files.read, room, reader, id, args).await?;
        let file = answer.word().and_then(|line| read_file(&line));
        file.zip(answer.bytes()).ok_or_else(|| garbled("file_read"))
    }

    /// See [`crate::store::Store::drop_file`].
    pub(super) async fn drop_file(
        self: &Arc<Self>,
        room: &RoomId,
        from: MemberId,
        id: FileId,
    ) -> Result<u64, StoreError> {
        let mut answer = self.ask_file(&self.files.drop, room, from, id, Vec::new()).await?;
        answer.count().ok_or_else(|| garbled("file_drop"))
    }

    /// Runs a script of files. Returns what follows its `OK`.
    async fn ask_file(
        &self,
        script: &Script,
        room: &RoomId,
        member: MemberId,
        id: FileId,
        args: Vec<Value>,
    ) -> Result<Answer, StoreError> {
        let keys = self.keys(room);
        let file = Str::from(id.0.simple().to_string());
        let named = [Value::from(codec::id(member)), Value::from(file)];
        let args: Vec<Value> = named.into_iter().chain(args).collect();
        let (slot, names) = (keys.slot(), keys.all().to_vec());
        let answer = self.router.ask(script, slot, names, args, Instant::now() + DEADLINE).await?;
        let Value::Array(values) = answer else { return Err(garbled("a script of files")) };
        let mut answer = Answer(values.into_iter());
        Err(match answer.word().as_deref() {
            Some("OK") => return Ok(answer),
            Some("ENOMEMBER") => return Err(self.unknown(room, member)),
            Some("ENOFILE") => RoomError::NoFile,
            Some("ETOOBIG") => RoomError::FileTooBig,
            Some("EFULL") => RoomError::FilesFull,
            Some("EBAD") => RoomError::BadFile,
            Some("EINCOMPLETE") => RoomError::FileIncomplete,
            Some("EOFFSET") => {
                let at = answer.count().ok_or_else(|| garbled("file_write"))?;
                RoomError::BadOffset(at)
            }
            _ => return Err(garbled("a script of files")),
        }
        .into())
    }
}

/// The answer of a script of files. A piece of a file may be no text.
struct Answer(std::vec::IntoIter<Value>);

impl Answer {
    fn bytes(&mut self) -> Option<Bytes> {
        match self.0.next()? {
            Value::String(text) => Some(text.into_inner()),
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn word(&mut self) -> Option<Str> {
        Str::from_inner(self.bytes()?).ok()
    }

    fn count(&mut self) -> Option<u64> {
        count(&self.word()?)
    }
}

/// `size received at from attached type name`
fn read_file(line: &str) -> Option<File> {
    let mut words = line.split(' ');
    let mut next = || words.next();
    let (size, received, at) = (next()?, count(next()?)?, count(next()?)?);
    let (from, attached) = (read_id(next()?)?, count(next()?)?);
    let facts = FileFacts::from_words(size, next()?, next()?)?;
    Some(File { facts, from, received, attached: (attached > 0).then_some(attached), at })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_known_of_a_file_is_read_whole_or_not_at_all() {
        let from = MemberId(Uuid::from_u128(7));
        let line = format!("5 2 9 {} 0 a/b Yg", from.0.simple());
        let file = read_file(&line).unwrap();
        assert_eq!((file.from, file.received, file.attached, file.at), (from, 2, None, 9));
        assert_eq!(file.facts, FileFacts::new(5, Some("a/b"), Some("b")).unwrap());
        let attached = read_file(&line.replace(" 0 a/b Yg", " 3 a/b ")).unwrap();
        assert_eq!((attached.attached, attached.facts.name), (Some(3), None));
        for line in ["", "5 2 9", &line.replace(" 0 ", " x "), &line.replace("a/b", "ab")] {
            assert!(read_file(line).is_none(), "{line:?}");
        }
    }
}
