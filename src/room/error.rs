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
    /// Only the host may do this.
    #[error("only the host of this room may do this")]
    NotHost,
    /// The host has removed the member.
    #[error("the host removed you from this room")]
    Kicked,
    /// No new members.
    #[error("this room is locked: its host lets no new member in")]
    RoomLocked,
    /// New members wait for the host.
    #[error(
        "this room's host decides who joins: ask again with the ticket of this answer, or wait"
    )]
    Knocking,
    /// The host said no, or did not answer.
    #[error("the host did not let you in")]
    NotAdmitted,
    /// Too many wait.
    #[error("{max} people wait to be let in already", max = length::KNOCKS)]
    KnocksFull,
    /// New members need an invite.
    #[error("this room takes only people with an invite")]
    InviteOnly,
    /// Not an invite to this room.
    #[error("this invite is not one of this room")]
    BadInvite,
    /// As many have used the invite as may.
    #[error("this invite was used as often as it may be")]
    InviteSpent,
    /// The invite's time is over, or its room's.
    #[error("this invite, or the room that it was for, has ended")]
    InviteExpired,
    /// The host has taken the invite back.
    #[error("the host took this invite back")]
    InviteRevoked,
    /// Too many invites.
    #[error("a room has at most {max} invites: revoke one, or wait until one ends", max = length::INVITES)]
    InvitesFull,
    /// The host lets the member send nothing.
    #[error("the host has muted you: you can read, but send no messages")]
    Muted,
    /// No such member, and no person who waits.
    #[error("there is no such member, and no person who waits, with this clientId")]
    NoMember,
    /// A host cannot do this to itself.
    #[error("a host cannot remove or mute itself: name another host first")]
    BadTarget,
    /// Too soon, too late, or too short.
    #[error(
        "a room ends between 10 minutes and 7 days from now, and keeps its messages for at least 60 s and no longer than \
         limits.historyAge"
    )]
    BadLifetime,
    /// Too long, or with characters that cannot be seen.
    #[error("a title has at most {max} bytes, in one line", max = length::TITLE)]
    BadTitle,
    /// Too many bans.
    #[error("this room has as many bans as it may: lock it, or end it")]
    BansFull,
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
            Self::NotHost => "not_host",
            Self::Kicked => "kicked",
            Self::RoomLocked => "room_locked",
            Self::Knocking => "knocking",
            Self::NotAdmitted => "not_admitted",
            Self::KnocksFull => "knocks_full",
            Self::InviteOnly => "invite_only",
            Self::BadInvite => "bad_invite",
            Self::InviteSpent => "invite_spent",
            Self::InviteExpired => "invite_expired",
            Self::InviteRevoked => "invite_revoked",
            Self::InvitesFull => "invites_full",
            Self::Muted => "muted",
            Self::NoMember => "no_member",
            Self::BadTarget => "bad_target",
            Self::BadLifetime => "bad_lifetime",
            Self::BadTitle => "bad_title",
            Self::BansFull => "bans_full",
            Self::StaleN => "stale_n",
        }
    }
}
