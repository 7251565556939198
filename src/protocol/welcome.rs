//! The fields of `welcome` and `reset`: the whole room, as one member sees it.

use serde::Serialize;

use super::{
    EntryDto, KnockDto, RulesDto,
    scalar::{Timestamp, True},
};
use crate::room::{
    Cursor, Entry, Limits, Member, MemberId, Millis, Name, RoomId, RoomRules, Seq, Snapshot, Text,
};

/// The fields of `welcome` and `reset`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct Welcome<'a> {
    /// The member that is welcomed.
    pub client_id: MemberId,
    /// The room.
    pub room_id: &'a RoomId,
    /// The member's name.
    pub user: &'a Name,
    /// The name is an account's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<True>,
    /// The proof of the session.
    #[cfg_attr(test, schemars(with = "super::schema::Ticket"))]
    pub ticket: &'a str,
    /// The client's position in the log.
    pub cursor: Cursor,
    /// The same member as before.
    pub resumed: bool,
    /// What the client had before is void: `history` is all there is.
    pub reset: bool,
    /// The counter of the member's last message.
    pub last_n: u64,
    /// Members now.
    pub count: usize,
    /// There are more members than are listed or announced one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crowd: Option<True>,
    /// All members; of a crowd the client's own, those in the call, and some of the others.
    pub members: Vec<MemberDto<'a>>,
    /// What the host of the room has decided.
    pub room: RulesDto<'a>,
    /// Who waits to be admitted; only the host gets it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(with = "Option<Vec<KnockDto>>"), ts(as = "Option<Vec<KnockDto>>"))]
    pub knocks: Vec<KnockDto>,
    /// What the server allows.
    pub limits: LimitsDto,
    /// The server can mint LiveKit tokens.
    pub video: bool,
    /// The server's time.
    pub timestamp: Timestamp,
    /// The entries of the log that the client lacks, oldest first. Last, because it is the longest.
    pub history: Vec<EntryDto<'a>>,
}

/// What `welcome` says about its member, beside the room itself.
#[derive(Clone, Copy, Debug)]
pub struct WelcomeParams<'a> {
    /// The member that is welcomed.
    pub member: MemberId,
    /// The member's name.
    pub user: &'a Name,
    /// The proof of the session.
    pub ticket: &'a str,
    /// The same member as before.
    pub resumed: bool,
    /// What the client had before is void.
    pub reset: bool,
    /// The counter of the member's last message.
    pub last_n: u64,
    /// The room is a crowd, of which at most so many members are listed.
    pub crowd: Option<usize>,
    /// The server can mint LiveKit tokens.
    pub video: bool,
    /// What the client has read of the log: amendments of what lies behind it are told, others are in their messages.
    pub after: Seq,
    /// What was sent up to here is not for this member, by the rules of the room.
    pub since: Seq,
    /// The server's time.
    pub now: Millis,
}

impl<'a> Welcome<'a> {
    /// Welcomes a member into `room`, with `history`.
    pub fn new(
        room: &'a RoomId,
        snapshot: &'a Snapshot,
        history: &'a [Entry],
        params: WelcomeParams<'a>,
        allowed: LimitsDto,
    ) -> Self {
        let own = |entry: &Entry| entry.from == params.member;
        let rules = &*snapshot.rules;
        let waiting = rules.waiting().filter(|_| rules.host == Some(params.member));
        Self {
            client_id: params.member,
            room_id: room,
            user: params.user,
            verified: True::when(params.user.is_verified()),
            ticket: params.ticket,
            cursor: snapshot.cursor(),
            resumed: params.resumed,
            reset: params.reset,
            last_n: params.last_n,
            count: snapshot.count(),
            crowd: True::when(params.crowd.is_some()),
            members: listed(snapshot, params),
            room: RulesDto::from(rules),
            knocks: waiting.filter_map(KnockDto::of).collect(),
            limits: allowed,
            video: params.video,
            timestamp: Timestamp(params.now),
            history: history
                .iter()
                .filter(|entry| entry.seq > params.since)
                .filter(|entry| {
                    entry.text.amendment().is_none_or(|change| change.target() <= params.after)
                })
                .map(|entry| EntryDto::new(room, snapshot.epoch, entry, own(entry)))
                .collect(),
        }
    }
}

/// The members that a welcome lists: all, or of a crowd its member, then those in the call, then the others as they
/// joined.
fn listed<'a>(snapshot: &'a Snapshot, params: WelcomeParams<'a>) -> Vec<MemberDto<'a>> {
    let (members, rules) = (&snapshot.members, &*snapshot.rules);
    let dto = |member: &'a Member| MemberDto::new(member, rules);
    let Some(most) = params.crowd else { return members.iter().map(dto).collect() };
    let rank = |member: &&Member| match member {
        member if member.id == params.member => 0,
        member if member.call.is_on() => 1,
        _ => 2,
    };
    let of = |at| members.iter().filter(move |member| rank(member) == at).map(dto);
    // A reset may be older than its member's join, and a crowd's joins are not sent.
    let reader = of(0).next().unwrap_or_else(|| MemberDto {
        client_id: params.member,
        user: params.user,
        verified: True::when(params.user.is_verified()),
        joined_at: Timestamp(params.now),
        in_call: None,
        host: None,
        muted: None,
    });
    std::iter::once(reader).chain(of(1)).chain(of(2)).take(most).collect()
}

/// What a room allows, as clients are told.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema, ts_rs::TS),
    schemars(rename = "Limits"),
    ts(rename = "Limits", optional_fields)
)]
#[serde(rename_all = "camelCase")]
pub struct LimitsDto {
    /// Characters.
    text_length: usize,
    /// Messages; 0: nothing is kept.
    history_length: usize,
    /// Whole seconds.
    history_age: u64,
    /// Whole seconds for which the sender of a message may change its text.
    edit_age: u64,
    /// Whole seconds that a lost connection keeps its session.
    grace: u64,
    /// Whole seconds that a silent poller keeps its session.
    poll: u64,
    /// The most members.
    members: usize,
    /// Bytes of the largest file; 0: there are no files.
    file_bytes: u64,
    /// Bytes of all files of a room.
    room_file_bytes: u64,
    /// Bytes of each piece in which a file is uploaded, but the last.
    file_chunk: usize,
    /// The operator asks pages not to offer a copy of the talk.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_export: Option<True>,
}

impl LimitsDto {
    /// The limits of rooms, and how long (ms) a lost connection and a silent poller keep their session.
    pub fn new(limits: &Limits, grace: Millis, poll: Millis) -> Self {
        Self {
            text_length: Text::MAX_CHARS,
            history_length: limits.history_len,
            history_age: limits.history_age / 1000,
            edit_age: limits.edit_age / 1000,
            grace: grace / 1000,
            poll: poll / 1000,
            members: limits.members,
            file_bytes: limits.file_bytes,
            room_file_bytes: limits.room_file_bytes,
            file_chunk: limits.file_chunk,
            no_export: None,
        }
    }

    /// Whether pages are asked not to offer a copy of the talk.
    #[must_use]
    pub fn no_export(self, asked: bool) -> Self {
        Self { no_export: True::when(asked), ..self }
    }
}

/// A member of the room.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, ts_rs::TS))]
#[cfg_attr(test, schemars(rename = "Member"), ts(rename = "Member", optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct MemberDto<'a> {
    /// The member's id in this room; public, proves nothing.
    pub client_id: MemberId,
    /// The member's name.
    pub user: &'a Name,
    /// The name is an account's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<True>,
    /// When the member joined.
    pub joined_at: Timestamp,
    /// The member is in the video call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_call: Option<True>,
    /// The member is the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<True>,
    /// The host lets the member send no messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted: Option<True>,
}

impl<'a> MemberDto<'a> {
    /// A member of a room with these rules.
    pub fn new(member: &'a Member, rules: &RoomRules) -> Self {
        Self {
            client_id: member.id,
            user: &member.name,
            verified: True::when(member.name.is_verified()),
            joined_at: Timestamp(member.joined_at),
            in_call: True::when(member.call.is_on()),
            host: True::when(rules.host == Some(member.id)),
            muted: True::when(rules.muted.contains(&member.id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::room::{CallMark, Epoch, RoomKey};

    #[test]
    fn a_crowd_lists_its_reader_then_who_is_in_the_call_then_who_came_first() {
        let ids: Vec<MemberId> = (1..=4).map(|id| MemberId(Uuid::from_u128(id))).collect();
        let member = |id: &MemberId| Member {
            id: *id,
            name: Name::guest(*id),
            joined_at: 0,
            call: CallMark::default(),
        };
        let mut members: Vec<Member> = ids.iter().map(member).collect();
        members[3].call = CallMark::since(1);
        let snapshot = Snapshot {
            epoch: Epoch(1),
            key: RoomKey([0; 32]),
            seq: 0,
            version: 4,
            members,
            unlisted: 0,
            history: Vec::new(),
            rules: RoomRules { host: Some(ids[3]), ..RoomRules::default() }.into(),
        };
        let (stranger, user) = (MemberId(Uuid::from_u128(9)), Name::guest(ids[0]));
        let of = |member, crowd| {
            let (now, ticket) = (0, "");
            let params = WelcomeParams {
                member,
                user: &user,
                ticket,
                resumed: true,
                reset: true,
                last_n: 0,
                crowd,
                video: false,
                after: 0,
                since: 0,
                now,
            };
            listed(&snapshot, params)
                .iter()
                .map(|person| person.client_id.0.as_u128())
                .collect::<Vec<_>>()
        };
        let host = MemberDto::new(&snapshot.members[3], &snapshot.rules);
        assert!(host.host.is_some() && host.muted.is_none());
        assert_eq!(of(ids[1], Some(3)), [2, 4, 1]);
        assert_eq!(of(ids[1], None), [1, 2, 3, 4]);
        assert_eq!(
            of(stranger, Some(3)),
            [9, 4, 1],
            "the reader of a reset that is older than its join"
        );
    }
}
