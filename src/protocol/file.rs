//! Files on the wire: those of a message, and the answer to an upload.

use serde::{Serialize, Serializer};

use crate::room::{AttachedFile, FileId, FileName, FileType, Message};

/// The files of a message.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a>(&'a str);

impl<'a> Files<'a> {
    pub(super) fn of(message: &Message<'a>) -> Option<Self> {
        (!message.files.is_empty()).then_some(Self(message.files))
    }

    /// One after the other, in the order in which its sender named them.
    pub fn list(&self) -> impl Iterator<Item = FileDto> + use<'a> {
        AttachedFile::read_all(self.0).map(|file| FileDto {
            file: file.id,
            size: file.facts.size,
            content_type: file.facts.kind,
            name: file.facts.name,
        })
    }
}

impl Serialize for Files<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.list())
    }
}

/// A file of a message.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS))]
#[cfg_attr(test, schemars(rename = "Attachment"), ts(rename = "Attachment", optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct FileDto {
    /// Its id: `GET …/files/{file}` has its bytes.
    pub file: FileId,
    /// Its size in bytes; of what a client sealed, with the seal.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub size: u64,
    /// Its media type; of what a client sealed `application/octet-stream`.
    pub content_type: FileType,
    /// Its name, or what a client sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<FileName>,
}

/// The answer to the opening of an upload.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Upload {
    /// The id of the file.
    pub file: FileId,
    /// How many of its bytes have come: the next piece begins there.
    pub offset: u64,
    /// The length of each piece but the last.
    pub chunk: usize,
}
