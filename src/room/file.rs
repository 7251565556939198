//! Files of messages: how they are called, and what is known of one.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use uuid::Uuid;

use super::{Limits, MemberId, Millis, RoomError, Seq, length, member, reaction};

/// The id of a file. The uploading client or its node draws it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileId(pub Uuid);

impl FileId {
    /// The most files of one message.
    pub const MOST: usize = length::FILES;

    /// A new random id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for FileId {
    type Err = RoomError;

    fn from_str(given: &str) -> Result<Self, RoomError> {
        Uuid::try_parse(given).map(Self).map_err(|_| RoomError::BadFile)
    }
}

/// The media type of a file, in lower case and without parameters: `image/png`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileType(Arc<str>);

impl FileType {
    /// The longest type, in bytes.
    const MAX_BYTES: usize = 100;

    /// The type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Nothing is known of what the bytes are.
impl Default for FileType {
    fn default() -> Self {
        Self("application/octet-stream".into())
    }
}

impl FromStr for FileType {
    type Err = RoomError;

    /// Browsers add parameters to the types of recordings: `audio/webm;codecs=opus`.
    fn from_str(given: &str) -> Result<Self, RoomError> {
        let given = given.split(';').next().unwrap_or_default().trim();
        let good = given.len() <= Self::MAX_BYTES
            && given
                .split_once('/')
                .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
        if good { Ok(Self(given.to_ascii_lowercase().into())) } else { Err(RoomError::BadFile) }
    }
}

/// The characters that RFC 6838 allows in a type, and in a subtype.
fn is_token(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

/// The name of a file: 1 to 255 characters, something to see, no path, and no characters that a name of a member may not
/// have; or up to 512 bytes that a client sealed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileName(Arc<str>);

impl FileName {
    /// The longest sealed name, in bytes.
    const MAX_SEALED: usize = 512;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether only clients with the room's key can read it.
    pub fn is_sealed(&self) -> bool {
        reaction::is_sealed(&self.0)
    }
}

impl FromStr for FileName {
    type Err = RoomError;

    fn from_str(given: &str) -> Result<Self, RoomError> {
        let sealed = given.len() <= Self::MAX_SEALED && reaction::is_sealed(given);
        let visible = given.chars().any(|c| c != '.' && !member::is_empty(c));
        let allowed = |c: char| !matches!(c, '/' | '\\') && !member::is_unwelcome(c);
        let plain = visible
            && given.len() <= length::FILE_NAME * 4
            && given.chars().count() <= length::FILE_NAME
            && given.chars().all(allowed);
        if sealed || plain { Ok(Self(given.into())) } else { Err(RoomError::BadFile) }
    }
}

/// What the uploading client says of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileFacts {
    /// Its bytes; at least one.
    pub size: u64,
    /// What it is.
    pub kind: FileType,
    /// Its name, if it has one.
    pub name: Option<FileName>,
}

impl FileFacts {
    /// What a client says of a new file.
    ///
    /// # Errors
    /// [`RoomError::BadFile`].
    pub fn new(size: u64, kind: Option<&str>, name: Option<&str>) -> Result<Self, RoomError> {
        let kind = kind.filter(|kind| !kind.is_empty());
        let name = name.filter(|name| !name.is_empty());
        if size == 0 {
            return Err(RoomError::BadFile);
        }
        Ok(Self {
            size,
            kind: kind.map(str::parse).transpose()?.unwrap_or_default(),
            name: name.map(str::parse).transpose()?,
        })
    }

    /// The name in a form without separators; nothing for none.
    pub fn name_word(&self) -> String {
        self.name.as_ref().map(|name| BASE64.encode(name.as_str())).unwrap_or_default()
    }

    /// Reads the words that a store keeps of them. Not for input from clients.
    pub fn from_words(size: &str, kind: &str, name: &str) -> Option<Self> {
        let name = match name {
            "" => None,
            name => Some(FileName(String::from_utf8(BASE64.decode(name).ok()?).ok()?.into())),
        };
        Some(Self { size: size.parse().ok()?, kind: kind.parse().ok()?, name })
    }
}

/// A file of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttachedFile {
    /// Its id.
    pub id: FileId,
    /// What is known of it.
    pub facts: FileFacts,
}

impl AttachedFile {
    /// The files of a message, from what the store keeps of them.
    pub fn read_all(words: &str) -> impl Iterator<Item = Self> {
        words.split(',').filter_map(Self::from_kept)
    }

    /// `id:size:type:name`, the id in hexadecimal digits and the name in base64
    pub(super) fn to_kept(&self) -> String {
        let Self { id, facts } = self;
        let (size, kind) = (facts.size, facts.kind.as_str());
        format!("{}:{size}:{kind}:{}", id.0.simple(), facts.name_word())
    }

    /// Reads what [`Self::to_kept`] wrote.
    pub(super) fn from_kept(kept: &str) -> Option<Self> {
        let mut words = kept.split(':');
        let mut next = || words.next();
        let id = FileId(Uuid::try_parse(next()?).ok()?);
        let facts = FileFacts::from_words(next()?, next()?, next()?)?;
        words.next().is_none().then_some(Self { id, facts })
    }
}

/// A file in a room, whole or on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// What is known of it.
    pub facts: FileFacts,
    /// The member who uploads it.
    pub from: MemberId,
    /// How many of its bytes have come.
    pub received: u64,
    /// The message that it belongs to; none while only its uploader may use it.
    pub attached: Option<Seq>,
    /// When the newest of it came, or when its message was sent.
    pub at: Millis,
}

impl File {
    /// A room has at most so many files.
    pub const MOST: usize = 1000;

    /// Whether all of it has come.
    pub fn is_whole(&self) -> bool {
        self.received == self.facts.size
    }

    /// Whether nothing came for too long, or its message is too old.
    pub(super) fn is_over(&self, now: Millis, limits: &Limits) -> bool {
        let age = if self.attached.is_some() { limits.history_age } else { limits.upload_age };
        self.at + age <= now
    }
}

/// The result of opening an upload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenedFile {
    /// How many of its bytes have come: the upload goes on there.
    pub received: u64,
    /// False where it was open already.
    pub new: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_two_tokens_in_lower_case() {
        for (given, kept) in [
            ("image/png", "image/png"),
            ("Image/SVG+XML", "image/svg+xml"),
            ("audio/webm;codecs=opus", "audio/webm"),
            (" text/plain ; charset=utf-8", "text/plain"),
            (
                "application/vnd.ms-excel.sheet.macroEnabled.12",
                "application/vnd.ms-excel.sheet.macroenabled.12",
            ),
        ] {
            assert_eq!(given.parse::<FileType>().unwrap().as_str(), kept);
        }
        let long = format!("image/{}", "x".repeat(95));
        for given in [
            "",
            "image",
            "image/",
            "/png",
            "a/b/c",
            "image/p ng",
            "a:b/c",
            "a,b/c",
            "é/x",
            "a/b\nc",
            &long,
        ] {
            assert_eq!(given.parse::<FileType>(), Err(RoomError::BadFile), "{given:?}");
        }
    }

    #[test]
    fn a_name_is_no_path_and_has_something_to_see() {
        let long = "ж".repeat(255);
        let sealed = format!("sealed2.{}", "A".repeat(500));
        for given in ["cat.png", ".profile", "Файл (1).txt", "a:b, c\"d", "…", &long, &sealed]
        {
            assert_eq!(given.parse::<FileName>().unwrap().as_str(), given);
        }
        assert!(sealed.parse::<FileName>().unwrap().is_sealed());
        let (longer, sealed) = (format!("{long}ж"), format!("sealed2.{}", "A".repeat(505)));
        for given in [
            "",
            " ",
            ".",
            "..",
            "a/b",
            "a\\b",
            "a\nb",
            "\u{7}",
            "gnp\u{202e}exe",
            "\u{fffd}",
            &longer,
            &sealed,
        ] {
            assert_eq!(given.parse::<FileName>(), Err(RoomError::BadFile), "{given:?}");
        }
    }

    #[test]
    fn what_is_kept_of_a_file_is_read_whole_or_not_at_all() {
        let id = FileId(Uuid::from_u128(1));
        for (size, kind, name) in [
            (1, None, None),
            (10 << 20, Some("image/png"), Some("a:b, c d.png")),
            (u64::MAX, Some("a/b"), Some("sealed2.AbCd")),
        ] {
            let file = AttachedFile { id, facts: FileFacts::new(size, kind, name).unwrap() };
            assert!(!file.to_kept().contains([' ', ',', '\n']));
            assert_eq!(AttachedFile::from_kept(&file.to_kept()), Some(file));
        }
        assert_eq!(FileFacts::new(0, None, None), Err(RoomError::BadFile));
        let id = id.0.simple();
        for kept in [
            "".to_owned(),
            id.to_string(),
            format!("{id}:1:a/b"),
            format!("{id}:1:a/b::"),
            format!("{id}:-1:a/b:"),
            format!("{id}:1:ab:"),
            format!("{id}:1:a/b:*"),
            "1:1:a/b:".to_owned(),
        ] {
            assert_eq!(AttachedFile::from_kept(&kept), None, "{kept:?}");
        }
    }
}
