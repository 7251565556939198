//! How entries and sessions are written in Redis, and how they and the replies of scripts are read.
//!
//! Words are separated by single spaces. A name (see [`Name::encode`]) may hold spaces. It stands
//! last, or before the line break that comes before the text; it cannot hold a line break itself.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
pub(super) use fred::bytes_utils::Str;
use fred::util::sha1_hash;
use smallvec::SmallVec;
use uuid::Uuid;

use super::written_rules::read_rules;
use crate::room::{
    Address, CallMark, Entry, Epoch, JoinResult, MAX_N, Member, MemberId, Millis, Name, NodeId,
    PublishResult, RoomError, RoomKey, Seq, Snapshot, Text,
};
use crate::store::StoreError;

/// A position that a room has reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    pub(super) epoch: Epoch,
    pub(super) seq: Seq,
    pub(super) version: u64,
    /// Counts sessions taken over at another node, as `version` counts joins and leaves.
    pub(super) moves: u64,
}

impl Position {
    /// Whether this position includes `other`.
    pub(super) fn reaches(self, other: Self) -> bool {
        self.epoch == other.epoch && self.or_later(other) == self
    }

    /// The later of two in the same epoch, each count by itself.
    pub(super) fn or_later(self, other: Self) -> Self {
        let (seq, version) = (self.seq.max(other.seq), self.version.max(other.version));
        Self { epoch: self.epoch, seq, version, moves: self.moves.max(other.moves) }
    }
}

/// A room as a script returns it.
pub(super) struct RoomState {
    pub(super) room: Snapshot,
    /// See [`Position`].
    pub(super) moves: u64,
    /// The rules as Redis has them.
    pub(super) rules: Str,
    /// Which node has each session, and since when.
    pub(super) sessions: Vec<(MemberId, NodeId, Millis)>,
}

impl RoomState {
    /// The position of this state.
    pub(super) fn position(&self) -> Position {
        let Snapshot { epoch, seq, version, .. } = self.room;
        Position { epoch, seq, version, moves: self.moves }
    }
}

/// A number as Redis gets it.
pub(super) fn number(n: impl std::fmt::Display) -> Str {
    Str::from(n.to_string())
}

/// A member's id as Redis gets it.
pub(super) fn id(id: MemberId) -> Str {
    Str::from(id.0.simple().to_string())
}

/// An epoch as Redis gets it.
pub(super) fn epoch(epoch: Epoch) -> Str {
    Str::from(format!("{:x}", epoch.0))
}

/// A node's id as Redis gets it.
pub(super) fn node(node: NodeId) -> Str {
    Str::from(format!("{:x}", node.0))
}

/// How far a node has got as Redis gets it: `epoch seq`.
pub(super) fn received((epoch, seq): (Epoch, Seq)) -> Str {
    Str::from(format!("{:x} {seq}", epoch.0))
}

/// An address as Redis gets it.
pub(super) fn address(address: Option<Address>) -> Str {
    address
        .map(|Address(bytes)| Str::from(format!("{:032x}", u128::from_be_bytes(bytes))))
        .unwrap_or_default()
}

/// What tells lives of one room id apart; see `ending.lua`.
pub(super) fn life(of: &RoomKey) -> String {
    sha1_hash(&key(of)).chars().take(16).collect()
}

/// A room's key as Redis gets it.
pub(super) fn key(key: &RoomKey) -> Str {
    Str::from(STANDARD_NO_PAD.encode(key.0))
}

/// A count or a time. None may exceed what Redis's scripts count exactly, so that nothing can overflow.
pub(super) fn count(word: &str) -> Option<u64> {
    word.parse().ok().filter(|n| *n <= MAX_N)
}

pub(super) fn read_id(word: &str) -> Option<MemberId> {
    Uuid::try_parse(word).ok().map(MemberId)
}

pub(super) fn read_epoch(word: &str) -> Option<Epoch> {
    u64::from_str_radix(word, 16).ok().map(Epoch)
}

pub(super) fn read_node(word: &str) -> Option<NodeId> {
    u64::from_str_radix(word, 16).ok().map(NodeId)
}

fn read_key(word: &str) -> Option<RoomKey> {
    STANDARD_NO_PAD.decode(word).ok()?.try_into().ok().map(RoomKey)
}

/// `seq at member n name⏎text`
pub(super) fn read_entry(line: &str) -> Option<Entry> {
    let (head, text) = line.split_once('\n')?;
    let mut words = head.splitn(5, ' ');
    let mut next = || words.next();
    Some(Entry {
        seq: count(next()?)?,
        at: count(next()?)?,
        from: read_id(next()?)?,
        n: next()?.parse().ok()?,
        user: Name::decode(next()?)?,
        text: Text::from_kept(text)?,
    })
}

/// `node tag new since joined-at name`, and the member's call mark
fn read_session(member: &str, line: &str, call: &str) -> Option<(Member, NodeId, Millis)> {
    let id = read_id(member)?;
    let (node, rest) = line.split_once(' ')?;
    let mut words = rest.splitn(5, ' ').skip(2);
    let since = count(words.next()?)?;
    let joined_at = count(words.next()?)?;
    let (name, call) = (Name::decode(words.next()?)?, CallMark(count(call)?));
    Some((Member { id, name, joined_at, call }, read_node(node)?, since))
}

/// A room's position: `epoch seq version moves`
pub(super) fn read_mark(line: &str) -> Option<Position> {
    let mut words = line.splitn(4, ' ');
    let mut next = || words.next();
    let epoch = read_epoch(next()?)?;
    Some(Position { epoch, seq: count(next()?)?, version: count(next()?)?, moves: count(next()?)? })
}

/// The epoch and the result of a message, or why the room refused it.
pub(super) type Said = Result<(Epoch, PublishResult), RoomError>;

/// The results of a publish, a line each.
pub(super) fn read_said(lines: &str) -> Option<SmallVec<[Said; 1]>> {
    lines.split('\n').map(read_result).collect()
}

/// `epoch seq at repeated n`, or the word of a refusal
fn read_result(line: &str) -> Option<Said> {
    let refusal = match line {
        "ESTALE" => Some(RoomError::StaleN),
        "EMUTED" => Some(RoomError::Muted),
        "ENOTARGET" => Some(RoomError::NoTarget),
        "ENOTYOURS" => Some(RoomError::NotYours),
        "ETOOLATE" => Some(RoomError::TooLate),
        "EFULL" => Some(RoomError::ReactionsFull),
        "ENOFILE" => Some(RoomError::NoFile),
        "EINCOMPLETE" => Some(RoomError::FileIncomplete),
        _ => None,
    };
    if let Some(refusal) = refusal {
        return Some(Err(refusal));
    }
    let mut words = line.split(' ');
    let mut next = || words.next();
    let epoch = read_epoch(next()?)?;
    let (seq, at, repeated) = (count(next()?)?, count(next()?)?, next()? == "1");
    Some(Ok((epoch, PublishResult { n: next()?.parse().ok()?, seq, at, repeated })))
}

/// The error for an answer that no script of ours gives.
pub(super) fn garbled(script: &str) -> StoreError {
    StoreError::Broken(format!("the answer of {script} cannot be read"))
}

/// The answer of a script: its words, read one after the other.
pub(super) struct Reply(std::vec::IntoIter<Str>);

impl Reply {
    /// An answer's words.
    pub(super) fn new(words: Vec<Str>) -> Self {
        Self(words.into_iter())
    }

    /// The next word.
    pub(super) fn word(&mut self) -> Option<Str> {
        self.0.next()
    }

    /// The next word as a number.
    pub(super) fn number<N: std::str::FromStr>(&mut self) -> Option<N> {
        self.word()?.parse().ok()
    }

    /// The next word as a count or a time.
    pub(super) fn count(&mut self) -> Option<u64> {
        count(&self.word()?)
    }

    /// The next word as a yes or no.
    pub(super) fn flag(&mut self) -> Option<bool> {
        Some(self.word()? == "1")
    }

    /// The next word as an epoch.
    pub(super) fn epoch(&mut self) -> Option<Epoch> {
        read_epoch(&self.word()?)
    }

    /// The rest as a room: `epoch key seq version moves rules total listed (member session mark)* entry*`.
    pub(super) fn room_state(mut self) -> Option<RoomState> {
        let (epoch, key) = (self.epoch()?, read_key(&self.word()?)?);
        let (seq, version, moves) = (self.count()?, self.count()?, self.count()?);
        let written = self.word()?;
        let rules = Arc::new(read_rules(&written)?);
        let (total, listed) = (self.number::<usize>()?, self.number::<usize>()?);
        let listed = listed.min(self.0.len() / 3);
        let (mut members, mut sessions) = (Vec::with_capacity(listed), Vec::with_capacity(listed));
        for _ in 0..listed {
            let (member, node, since) = read_session(&self.word()?, &self.word()?, &self.word()?)?;
            sessions.push((member.id, node, since));
            members.push(member);
        }
        members.sort_unstable_by_key(|member| (member.joined_at, member.id));
        let mut history = self.0.map(|line| read_entry(&line)).collect::<Option<Vec<_>>>()?;
        // Amendments come after the messages.
        history.sort_unstable_by_key(|entry| entry.seq);
        let unlisted = total.saturating_sub(listed);
        Some(RoomState {
            room: Snapshot { epoch, key, seq, version, members, unlisted, history, rules },
            moves,
            rules: written,
            sessions,
        })
    }
}

/// The reply to a join.
pub(super) struct JoinReply {
    /// The result for the client.
    pub(super) joined: JoinResult,
    /// This node's lease was known, so its other members are still there.
    pub(super) leased: bool,
    /// Since when the session counts as taken, by the clock of Redis.
    pub(super) since: Millis,
    /// When the member joined.
    pub(super) joined_at: Millis,
    /// The name by which the room knows the member.
    pub(super) name: Name,
    /// The room with the member in it, with all members or none.
    pub(super) room_state: RoomState,
}

impl JoinReply {
    pub(super) fn read(mut reply: Reply) -> Option<Self> {
        let (new, last_n, leased) = (reply.flag()?, reply.number()?, reply.flag()?);
        let (since, joined_at) = (reply.count()?, reply.count()?);
        let (name, since_seq) = (Name::decode(&reply.word()?)?, reply.count()?);
        Some(Self {
            joined: JoinResult { new, last_n, since: since_seq },
            leased,
            since,
            joined_at,
            name,
            room_state: reply.room_state()?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_one_line_are_read_whole_or_not_at_all() {
        let (epoch, said) = (Epoch(0xab), PublishResult { n: 7, seq: 3, at: 9, repeated: false });
        let read = |lines: &str| read_said(lines).map(SmallVec::into_vec);
        assert_eq!(read("ab 3 9 0 7"), Some(vec![Ok((epoch, said))]));
        let again = PublishResult { repeated: true, ..said };
        assert_eq!(
            read("ab 3 9 1 7\nESTALE\nab 3 9 0 7"),
            Some(vec![Ok((epoch, again)), Err(RoomError::StaleN), Ok((epoch, said))])
        );
        assert_eq!(read_mark("ab 3 2 1"), Some(Position { epoch, seq: 3, version: 2, moves: 1 }));
        assert_eq!(received((epoch, 3)), "ab 3");
        let beyond = format!("ab 3 {} 0 7", MAX_N + 1);
        for line in ["", "ENOROOM", "ab 3 9", "xyz 3 9 0", "ab 3 x 0 7", "ab 3 -9 0 7", &beyond] {
            assert_eq!((read(line), read_mark(line)), (None, None), "{line:?}");
            assert_eq!(read(&format!("ab 3 9 0 7\n{line}")), None, "{line:?}");
        }
    }

    #[test]
    fn keys_survive_being_written() {
        let mine = RoomKey::random();
        assert_eq!(read_key(&key(&mine)), Some(mine));
        assert_eq!(read_key("short"), None);
    }
}
