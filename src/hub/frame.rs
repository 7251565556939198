//! A frame on its way to subscribers: the typed message, with its JSON beside it.

use std::sync::Arc;

use crate::{
    protocol::{Ack, EntryDto, MemberDto, RulesDto, ServerMessage, StatusCode, Timestamp, True},
    room::{Cursor, Entry, Epoch, LeaveReason, Member, MemberId, Name, RoomId, RoomRules},
};

/// A frame as an [`Encoder`](super::Encoder) gets it.
pub struct Frame<'a> {
    /// The message.
    pub message: &'a ServerMessage<'a>,
    /// The same as JSON text.
    pub json: &'a [u8],
}

impl Frame<'_> {
    /// The subscriber's position after it, if it moves.
    pub fn cursor(&self) -> Option<Cursor> {
        match self.message {
            ServerMessage::Entry(entry) => Some(entry.cursor()),
            ServerMessage::Ack(ack) => ack.cursor,
            ServerMessage::Welcome(welcome) | ServerMessage::Reset(welcome) => Some(welcome.cursor),
            _ => None,
        }
    }
}

/// What a frame for all subscribers of a room says. Kept until each of them has it.
pub(super) enum Content {
    Said { epoch: Epoch, entry: Entry },
    Joined { member: Member, rules: Arc<RoomRules>, count: usize },
    Left { member: Member, reason: LeaveReason, count: usize },
    Count { count: usize },
    Listing { members: Vec<Member>, rules: Arc<RoomRules> },
    Host { host: MemberId, user: Name },
    Rules { rules: Arc<RoomRules> },
    Typing { from: MemberId, user: Name, typing: bool },
    Renamed { from: MemberId, user: Name, previous: Name },
    Call { from: MemberId, user: Name, in_call: bool },
    Status { code: StatusCode, message: &'static str },
}

impl Content {
    /// The message for everyone but its author.
    pub(super) fn message<'a>(&'a self, room: &'a RoomId) -> ServerMessage<'a> {
        match self {
            Self::Said { epoch, entry } => {
                ServerMessage::Entry(EntryDto::new(room, *epoch, entry, false))
            }
            Self::Joined { member, rules, count } => {
                // A host, or a muted member, that its node brings back is told of by a join.
                let member = MemberDto::new(member, rules);
                ServerMessage::Joined { member, room, count: *count }
            }
            Self::Left { member, reason, count } => {
                let (client_id, user) = (member.id, &member.name);
                ServerMessage::Left { client_id, user, room, reason: *reason, count: *count }
            }
            Self::Count { count } => ServerMessage::Presence { room, count: *count, members: None },
            Self::Listing { members, rules } => {
                let listed = members.iter().map(|member| MemberDto::new(member, rules)).collect();
                ServerMessage::Presence { room, count: members.len(), members: Some(listed) }
            }
            Self::Host { host, user } => {
                let verified = True::when(user.is_verified());
                ServerMessage::Host { client_id: *host, user, verified, room }
            }
            Self::Rules { rules } => {
                ServerMessage::Rules { room, rules: RulesDto::from(&**rules), muted: &rules.muted }
            }
            Self::Typing { from, user, typing } => {
                ServerMessage::Typing { from: *from, user, room, typing: *typing }
            }
            Self::Renamed { from, user, previous } => {
                ServerMessage::Renamed { client_id: *from, user, previous, room }
            }
            Self::Call { from, user, in_call } => {
                let verified = True::when(user.is_verified());
                ServerMessage::Call { client_id: *from, user, verified, in_call: *in_call }
            }
            Self::Status { code, message } => ServerMessage::Status { code: *code, message },
        }
    }

    /// The message for its author: an entry comes back as an `ack`, or with its `n` where that is asked for (`echo`).
    /// `None` where the author gets nothing.
    pub(super) fn for_author<'a>(
        &'a self,
        room: &'a RoomId,
        echo: bool,
    ) -> Option<ServerMessage<'a>> {
        match self {
            Self::Said { epoch, entry } if echo => {
                Some(ServerMessage::Entry(EntryDto::new(room, *epoch, entry, true)))
            }
            Self::Said { epoch, entry } => {
                let cursor = Some(Cursor { epoch: *epoch, seq: entry.seq });
                let (n, seq) = (Some(entry.n), Some(entry.seq));
                let timestamp = Timestamp(entry.at);
                Some(ServerMessage::Ack(Ack { n, seq, timestamp, cursor, duplicate: None }))
            }
            Self::Typing { .. } => None,
            _ => Some(self.message(room)),
        }
    }

    /// The member who gets another frame than the others, or none.
    pub(super) fn author(&self) -> Option<MemberId> {
        match self {
            Self::Said { entry, .. } => Some(entry.from),
            Self::Typing { from, .. } => Some(*from),
            _ => None,
        }
    }
}
