//! Every error of a room. A refusal is an answer, not an incident.

use super::length;

/// Why a room refused. The message says what is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[cfg_attr(test, derive(Default, strum::EnumIter))]
pub enum RoomError {
    /// The room id breaks the rule.
    #[cfg_attr(test, default)]
    #[error("a room id has 1 to {max} letters, digits or . _ - ~ and is not . or ..", max = length::ROOM_ID)]
    BadRoom,
    /// The display name breaks the rule.
    #[error("a name has 1 to {max} characters, something to see and no control, private or unassigned characters", max = length::NAME)]
    BadName,
    /// The name of an account, which its member keeps.
    #[error("you are here under the name of your account, and that stays")]
    NameVerified,
    /// Nothing but white space.
    #[error("a message needs some text")]
    EmptyText,
    /// More text than a message holds.
    #[error("a message has at most {max} characters", max = length::TEXT)]
    TooLong,
    /// Not one emoji.
    #[error("a reaction has one emoji, of at most {max} bytes, or one that is sealed", max = length::EMOJI)]
    BadEmoji,
    /// No message that can be changed or answered.
    #[error("there is no such message in this room, or it was deleted")]
    NoTarget,
    /// The message of another member.
    #[error("only the sender of a message edits or deletes it")]
    NotYours,
    /// The message is too old.
    #[error("a message can be edited for {max} minutes", max = length::EDIT_MINUTES)]
    TooLate,
    /// No more reactions to this message.
    #[error("a message has at most {max} reactions, and {kib} KiB of them", max = length::REACTIONS, kib = length::REACTION_BYTES / 1024)]
    ReactionsFull,
    /// What is said of a file breaks the rule, or a piece of it has another length than it should.
    #[error(
        "a file has a size from 1, a type such as image/png and a name of at most {max} characters without / and \\; its \
         pieces are as long as 'chunk' says, and the last one ends it",
        max = length::FILE_NAME
    )]
    BadFile,
    /// More bytes than a file may have.
    #[error("a file may not be as large as this: limits.fileBytes of the welcome says how large")]
    FileTooBig,
    /// The room has no space for the file.
    #[error("this room has no space left for this file: limits.roomFileBytes says how much it has")]
    FilesFull,
    /// No such file, or not one that this member may read, continue or attach.
    #[error("there is no such file in this room, or it is not yours to use")]
    NoFile,
    /// The upload has not come to its end.
    #[error("this file has not come whole yet: continue the upload")]
    FileIncomplete,
    /// Bytes for another place than where the upload has stopped.
    #[error("this upload goes on at byte {0}")]
    BadOffset(u64),
    /// Not a cursor of this server.
    #[error("a cursor is given back exactly as it was received")]
    BadCursor,
    /// The sender is not, or no longer, a member of this room.
    #[error("you are not in this room")]
    NotMember,
    /// A connection that began later has the session.
    #[error("this session was opened elsewhere")]
    Overtaken,
    /// The room has as many members as it may.
    #[error("this room is full")]
    RoomFull,
    /// A counter below the last one whose entry is no longer in the log.
    #[error("n must grow: this one lies before your last message and its entry is gone")]
    StaleN,
}

impl RoomError {
    /// The stable code that goes over the wire.
    pub fn code(self) -> &'static str {
        match self {
            Self::BadRoom => "bad_room",
            Self::BadName => "bad_name",
            Self::NameVerified => "name_verified",
            Self::EmptyText => "empty_text",
            Self::TooLong => "too_long",
            Self::BadEmoji => "bad_emoji",
            Self::NoTarget => "no_target",
            Self::NotYours => "not_yours",
            Self::TooLate => "too_late",
            Self::ReactionsFull => "reactions_full",
            Self::BadFile => "bad_file",
            Self::FileTooBig => "file_too_big",
            Self::FilesFull => "files_full",
            Self::NoFile => "no_file",
            Self::FileIncomplete => "file_incomplete",
            Self::BadOffset(_) => "bad_offset",
            Self::BadCursor => "bad_cursor",
            Self::NotMember => "not_member",
            Self::Overtaken => "replaced",
            Self::RoomFull => "room_full",
            Self::StaleN => "stale_n",
        }
    }
}
