//! The form in which frames gather for pollers: a record has what a response needs of a frame beside its JSON. Records
//! are bytes, because those of a room are shared between its pollers.

use bytes::{Buf, BufMut, Bytes};

use super::fingerprint::{Change, Members, RulesMark, host_mark, mark, rules_mark};
use crate::{
    hub::{Encoder, Frame},
    protocol::{MemberDto, ServerMessage, Welcome},
    room::{Cursor, Epoch},
};

/// Records for a member that resumes, of which a response needs the parts of a welcome.
pub(super) static RESUMED: Encoder =
    Encoder { frame: |frame, out| record(frame, false, out), echo: true };

/// Records for a member that joins: the response is the welcome as it is.
pub(super) static JOINED: Encoder =
    Encoder { frame: |frame, out| record(frame, true, out), echo: true };

/// What a record begins with.
const ENTRY: u8 = 0;
const EVENT: u8 = 1;
const START: u8 = 2;
/// An entry that makes text void which was sent before.
const REPLACES: u8 = 3;

/// A change of the members in an event.
const UNCHANGED: u8 = 0;
const ONE: u8 = 1;
const LISTED: u8 = 2;
const COUNTED: u8 = 3;
const RENAMED: u8 = 4;
const RULES: u8 = 5;
const HOST: u8 = 6;

/// A record, read.
pub(super) enum Record {
    /// An entry of the log.
    Entry { json: Bytes, cursor: Cursor },
    /// Any other frame.
    Event { json: Bytes, change: Option<Change> },
    /// A welcome or a reset.
    Start(Start),
}

/// A welcome or a reset: it replaces all frames before it. Made for one client, and as long as the log.
pub(super) struct Start {
    pub(super) cursor: Cursor,
    /// The client must discard what it has read before.
    pub(super) reset: bool,
    pub(super) last_n: u64,
    pub(super) members: Members,
    pub(super) ticket: Bytes,
    /// The JSON of the list of members; empty for a member that joins.
    pub(super) listed: Bytes,
    /// The JSON of the rules, and for the host of those who wait; empty for a member that joins.
    pub(super) rules: Bytes,
    /// The JSON of the entries, with commas between them; empty for a member that joins.
    pub(super) history: Bytes,
    /// The JSON of the whole frame for a member that joins.
    pub(super) whole: Bytes,
}

fn record(frame: &Frame<'_>, joined: bool, out: &mut Vec<u8>) {
    match frame.message {
        ServerMessage::Welcome(welcome) | ServerMessage::Reset(welcome) => {
            start(welcome, frame.json, joined, out)
        }
        ServerMessage::Entry(entry) => {
            out.put_u8(if entry.replaces_text() { REPLACES } else { ENTRY });
            cursor(entry.cursor(), out);
            text(frame.json, out);
        }
        message => {
            out.put_u8(EVENT);
            change(message, out);
            text(frame.json, out);
        }
    }
}

fn start(welcome: &Welcome<'_>, json: &[u8], joined: bool, out: &mut Vec<u8>) {
    out.put_u8(START);
    cursor(welcome.cursor, out);
    out.put_u8(u8::from(welcome.reset));
    out.put_u64(welcome.last_n);
    out.put_u8(u8::from(welcome.crowd.is_some()));
    out.put_u64(welcome.count as u64);
    out.put_u64(marks(&welcome.members));
    // Writing to memory cannot fail.
    let mut rules = serde_json::to_vec(&welcome.room).unwrap_or_default();
    out.put_u64(rules_mark(&rules));
    let host = welcome.members.iter().find(|member| member.host.is_some());
    out.put_u64(host.map_or(0, |host| host_mark(host.client_id)));
    text(welcome.ticket.as_bytes(), out);
    if joined {
        text(json, out);
        return;
    }
    text(b"", out);
    text_of(out, |out| drop(serde_json::to_writer(out, &welcome.members)));
    if !welcome.knocks.is_empty() {
        rules.extend_from_slice(b",\"knocks\":");
        drop(serde_json::to_writer(&mut rules, &welcome.knocks));
    }
    text(&rules, out);
    text_of(out, |out| {
        for (at, entry) in welcome.history.iter().enumerate() {
            if at > 0 {
                out.put_u8(b',');
            }
            entry.write(out);
        }
    });
}

fn change(message: &ServerMessage<'_>, out: &mut Vec<u8>) {
    let (kind, number, count) = match message {
        ServerMessage::Joined { member, count, .. } => {
            (ONE, mark(member.client_id, member.user), *count)
        }
        ServerMessage::Left { client_id, user, count, .. } => (ONE, mark(*client_id, user), *count),
        ServerMessage::Renamed { client_id, user, previous, .. } => {
            (RENAMED, mark(*client_id, previous) ^ mark(*client_id, user), 0)
        }
        ServerMessage::Presence { count, members: Some(members), .. } => {
            (LISTED, marks(members), *count)
        }
        ServerMessage::Presence { count, .. } => (COUNTED, 0, *count),
        ServerMessage::Rules { rules, .. } => {
            (RULES, rules_mark(&serde_json::to_vec(rules).unwrap_or_default()), 0)
        }
        ServerMessage::Host { client_id, .. } => (HOST, host_mark(*client_id), 0),
        _ => return out.put_u8(UNCHANGED),
    };
    out.put_u8(kind);
    out.put_u64(number);
    out.put_u64(count as u64);
}

fn marks(members: &[MemberDto<'_>]) -> u64 {
    members.iter().fold(0, |all, member| all ^ mark(member.client_id, member.user))
}

fn cursor(Cursor { epoch, seq }: Cursor, out: &mut Vec<u8>) {
    out.put_u64(epoch.0);
    out.put_u64(seq);
}

fn text(text: &[u8], out: &mut Vec<u8>) {
    text_of(out, |out| out.put_slice(text));
}

/// Appends what `write` writes, after its length.
fn text_of(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.put_u32(0);
    write(out);
    let length = u32::try_from(out.len() - at - 4).unwrap_or(u32::MAX);
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

impl Record {
    /// Reads the next record; `None` at the end.
    pub(super) fn read(rest: &mut Bytes) -> Option<Self> {
        match rest.try_get_u8().ok()? {
            ENTRY | REPLACES => {
                let cursor = read_cursor(rest)?;
                Some(Self::Entry { json: read_text(rest)?, cursor })
            }
            EVENT => {
                let kind = rest.try_get_u8().ok()?;
                let change = if kind == UNCHANGED { None } else { Some(read_change(kind, rest)?) };
                Some(Self::Event { json: read_text(rest)?, change })
            }
            _ => {
                let (cursor, reset) = (read_cursor(rest)?, rest.try_get_u8().ok()? == 1);
                let (last_n, crowd) = (rest.try_get_u64().ok()?, rest.try_get_u8().ok()? == 1);
                let members = Members {
                    crowd,
                    count: rest.try_get_u64().ok()?,
                    marks: rest.try_get_u64().ok()?,
                    rules: RulesMark {
                        rules: rest.try_get_u64().ok()?,
                        host: rest.try_get_u64().ok()?,
                    },
                };
                let (ticket, whole) = (read_text(rest)?, read_text(rest)?);
                let joined = !whole.is_empty();
                let listed = if joined { Bytes::new() } else { read_text(rest)? };
                let rules = if joined { Bytes::new() } else { read_text(rest)? };
                let history = if joined { Bytes::new() } else { read_text(rest)? };
                Some(Self::Start(Start {
                    cursor,
                    reset,
                    last_n,
                    members,
                    ticket,
                    listed,
                    rules,
                    history,
                    whole,
                }))
            }
        }
    }

    /// Whether any of the records makes text void which was sent before.
    pub(super) fn replaces_text(records: &Bytes) -> bool {
        let mut rest = records.clone();
        while let Some(&kind) = rest.first() {
            if kind == REPLACES {
                return true;
            }
            if Self::read(&mut rest).is_none() {
                return false;
            }
        }
        false
    }

    /// Whether there is more than one record.
    pub(super) fn is_several(records: &Bytes) -> bool {
        let mut rest = records.clone();
        Self::read(&mut rest).is_some() && !rest.is_empty()
    }

    /// The welcome or reset that `frame` is, if it is one.
    pub(super) fn start(frame: &Bytes) -> Option<Start> {
        match frame.first() {
            Some(&START) => match Self::read(&mut frame.clone())? {
                Self::Start(start) => Some(start),
                _ => None,
            },
            _ => None,
        }
    }
}

fn read_change(kind: u8, rest: &mut Bytes) -> Option<Change> {
    let (number, count) = (rest.try_get_u64().ok()?, rest.try_get_u64().ok()?);
    Some(match kind {
        ONE => Change::One { mark: number, count },
        RENAMED => Change::Renamed { mark: number },
        LISTED => {
            let rules = RulesMark::default();
            Change::Listed(Members { crowd: false, count, marks: number, rules })
        }
        RULES => Change::Rules(number),
        HOST => Change::Host(number),
        _ => Change::Counted(count),
    })
}

fn read_cursor(rest: &mut Bytes) -> Option<Cursor> {
    Some(Cursor { epoch: Epoch(rest.try_get_u64().ok()?), seq: rest.try_get_u64().ok()? })
}

fn read_text(rest: &mut Bytes) -> Option<Bytes> {
    let length = rest.try_get_u32().ok()? as usize;
    (rest.len() >= length).then(|| rest.split_to(length))
}
