//! How entries, seats and news are written in Redis, and how they are read.
//!
//! Words are separated by single spaces. A name may hold spaces and stands
//! last, or before the line break that comes before the text; it cannot hold
//! a line break itself.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
pub(super) use fred::bytes_utils::Str;
use uuid::Uuid;

use crate::room::{Departure, Entry, Epoch, Joined, Member, MemberId, Millis, Name, RoomKey, Seq, Snapshot};
use crate::store::StoreError;

/// What a room's channel carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum News {
    /// `M epoch entry`
    Said { epoch: Epoch, entry: Entry },
    /// `J epoch version heads member joined-at name`
    Joined { epoch: Epoch, version: u64, count: usize, member: Member },
    /// `L epoch version heads reason member joined-at name`
    Left { epoch: Epoch, version: u64, count: usize, reason: Departure, member: Member },
    /// `R epoch`: the log goes on in another life.
    Reborn { epoch: Epoch },
    /// `T member 0|1 name`
    Typing { from: MemberId, typing: bool, user: Name },
}

/// A number as Redis is given it.
pub(super) fn number(n: impl std::fmt::Display) -> Str {
    Str::from(n.to_string())
}

/// A member's id as Redis is given it.
pub(super) fn id(id: MemberId) -> Str {
    Str::from(id.0.simple().to_string())
}

/// An epoch as Redis is given it.
pub(super) fn epoch(epoch: Epoch) -> Str {
    Str::from(format!("{:x}", epoch.0))
}

/// A room's key as Redis is given it.
pub(super) fn key(key: &RoomKey) -> Str {
    Str::from(STANDARD_NO_PAD.encode(key.0))
}

fn read_id(word: &str) -> Option<MemberId> {
    Uuid::try_parse(word).ok().map(MemberId)
}

pub(super) fn read_epoch(word: &str) -> Option<Epoch> {
    u64::from_str_radix(word, 16).ok().map(Epoch)
}

fn read_key(word: &str) -> Option<RoomKey> {
    STANDARD_NO_PAD.decode(word).ok()?.try_into().ok().map(RoomKey)
}

/// `seq at member n name⏎text`
fn read_entry(line: &str) -> Option<Entry> {
    let (head, text) = line.split_once('\n')?;
    let mut words = head.splitn(5, ' ');
    let mut next = || words.next();
    Some(Entry {
        seq: next()?.parse().ok()?,
        at: next()?.parse().ok()?,
        from: read_id(next()?)?,
        n: next()?.parse().ok()?,
        user: next()?.parse().ok()?,
        text: text.parse().ok()?,
    })
}

/// `node tag new since joined-at name`
fn read_seat(member: &str, line: &str) -> Option<Member> {
    let mut words = line.splitn(6, ' ').skip(4);
    let joined_at = words.next()?.parse().ok()?;
    Some(Member { id: read_id(member)?, name: words.next()?.parse().ok()?, joined_at })
}

/// A line from a room's channel.
pub(super) fn read_news(line: &str) -> Option<News> {
    let (kind, rest) = line.split_once(' ')?;
    if kind == "M" {
        let (life, entry) = rest.split_once(' ')?;
        return Some(News::Said { epoch: read_epoch(life)?, entry: read_entry(entry)? });
    }
    if kind == "T" {
        let (from, rest) = rest.split_once(' ')?;
        let (typing, name) = rest.split_once(' ')?;
        return Some(News::Typing { from: read_id(from)?, typing: typing == "1", user: name.parse().ok()? });
    }
    let mut words = rest.splitn(if kind == "L" { 7 } else { 6 }, ' ');
    let mut next = || words.next();
    let epoch = read_epoch(next()?)?;
    if kind == "R" {
        return Some(News::Reborn { epoch });
    }
    let (version, count) = (next()?.parse().ok()?, next()?.parse().ok()?);
    let reason = if kind == "L" { Some(Departure::from_word(next()?)?) } else { None };
    let member = Member { id: read_id(next()?)?, joined_at: next()?.parse().ok()?, name: next()?.parse().ok()? };
    match (kind, reason) {
        ("J", None) => Some(News::Joined { epoch, version, count, member }),
        ("L", Some(reason)) => Some(News::Left { epoch, version, count, reason, member }),
        _ => None,
    }
}

/// An answer that no script of ours gives.
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

    /// The next word as a yes or no.
    pub(super) fn flag(&mut self) -> Option<bool> {
        Some(self.word()? == "1")
    }

    /// The next word as an epoch.
    pub(super) fn epoch(&mut self) -> Option<Epoch> {
        read_epoch(&self.word()?)
    }

    /// The next words as where the room stands: epoch, seq, version.
    pub(super) fn place(&mut self) -> Option<(Epoch, Seq, u64)> {
        Some((self.epoch()?, self.number()?, self.number()?))
    }

    /// All the rest as a room: `epoch key seq version heads (member seat)* entry*`.
    pub(super) fn snapshot(mut self) -> Option<Snapshot> {
        let (epoch, key) = (self.epoch()?, read_key(&self.word()?)?);
        let (seq, version, heads) = (self.number()?, self.number()?, self.number::<usize>()?);
        let mut members = Vec::with_capacity(heads.min(self.0.len() / 2));
        for _ in 0..heads {
            members.push(read_seat(&self.word()?, &self.word()?)?);
        }
        members.sort_unstable_by_key(|member| (member.joined_at, member.id));
        let history = self.0.map(|line| read_entry(&line)).collect::<Option<_>>()?;
        Some(Snapshot { epoch, key, seq, version, members, history })
    }
}

/// What a join gave.
pub(super) struct Admission {
    /// The answer to it.
    pub(super) joined: Joined,
    /// This node's lease was known: its other members still sit.
    pub(super) leased: bool,
    /// When, by the clock of Redis.
    pub(super) now: Millis,
    /// The room with the member in it.
    pub(super) room: Snapshot,
}

impl Admission {
    pub(super) fn read(mut reply: Reply) -> Option<Self> {
        let (new, last_n, leased, now) = (reply.flag()?, reply.number()?, reply.flag()?, reply.number()?);
        Some(Self { joined: Joined { new, last_n }, leased, now, room: reply.snapshot()? })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ID: &str = "67e5504410b1426f9247bb680e5fe0c8";

    #[test]
    fn news_are_read_with_names_and_texts_that_hold_spaces_and_line_breaks() {
        let from = read_id(ID).unwrap();
        let member = Member { id: from, name: "Ann of Ely".parse().unwrap(), joined_at: 7 };
        let entry = Entry { seq: 3, at: 9, from, user: member.name.clone(), n: 5, text: "two\nlines  here".parse().unwrap() };
        let epoch = Epoch(0xab);
        for (line, news) in [
            (format!("M ab 3 9 {ID} 5 Ann of Ely\ntwo\nlines  here"), News::Said { epoch, entry }),
            (format!("J ab 2 1 {ID} 7 Ann of Ely"), News::Joined { epoch, version: 2, count: 1, member: member.clone() }),
            (
                format!("L ab 4 0 node_lost {ID} 7 Ann of Ely"),
                News::Left { epoch, version: 4, count: 0, reason: Departure::NodeLost, member: member.clone() },
            ),
            ("R ab".to_owned(), News::Reborn { epoch }),
            (format!("T {ID} 1 Ann of Ely"), News::Typing { from, typing: true, user: member.name.clone() }),
        ] {
            assert_eq!(read_news(&line), Some(news), "{line:?}");
        }
    }

    #[test]
    fn anything_else_is_no_news() {
        for line in ["", "M", "X ab 1", "M ab 1 2", "J ab 1 1 nobody 7 Ann", &format!("L ab 4 0 bored {ID} 7 Ann"), "R xyz"] {
            assert_eq!(read_news(line), None, "{line:?}");
        }
    }

    #[test]
    fn keys_survive_being_written() {
        let mine = RoomKey::random();
        assert_eq!(read_key(&key(&mine)), Some(mine));
        assert_eq!(read_key("short"), None);
    }
}
