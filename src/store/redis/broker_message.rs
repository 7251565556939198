//! What a room's channel carries, and how it is read. How a word is written, [`codec`](super::codec) says.

use std::sync::Arc;

use super::{
    codec::{Str, count, read_entry, read_epoch, read_id, read_node},
    written_rules::read_rules,
};
use crate::room::{
    CallMark, EndCause, Entry, Epoch, LeaveReason, Member, MemberId, Name, RoomEnd, RoomId,
    RoomRules, SessionOwner,
};

/// What a room's channel carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum BrokerMessage {
    /// `M epoch entry`
    Said { epoch: Epoch, entry: Entry },
    /// `J epoch version count member joined-at name`
    Joined { epoch: Epoch, version: u64, count: usize, member: Member },
    /// `L epoch version count reason member joined-at name`
    Left { epoch: Epoch, version: u64, count: usize, reason: LeaveReason, member: Member },
    /// `N epoch version count member name⏎previous`
    Renamed {
        epoch: Epoch,
        version: u64,
        count: usize,
        member: MemberId,
        user: Name,
        previous: Name,
    },
    /// `H epoch version count host's-name⏎rules`: the rules have changed. Nodes from before there were rules cannot read
    /// it, and find out by the next version.
    Rules { epoch: Epoch, version: u64, count: usize, host: Option<Name>, rules: Arc<RoomRules> },
    /// `B epoch life cause members entries bytes files key key key key left`: the room was ended. `life` tells lives of
    /// one id apart.
    Burned { life: Str, end: Arc<RoomEnd> },
    /// `V epoch moves member node tag`: a member took its session to another node, so that this owner lost it.
    Moved { epoch: Epoch, moves: u64, member: MemberId, from: SessionOwner },
    /// `R epoch`: the log goes on in another epoch.
    Reborn { epoch: Epoch },
    /// `T member 0|1 name`
    Typing { from: MemberId, typing: bool, user: Name },
    /// `U member`: its page unloads.
    Unloading { member: MemberId },
    /// `C member mark`
    Call { from: MemberId, call: CallMark },
}

/// Reads a message from a room's channel.
pub(super) fn read_messages(room: &RoomId, line: &str) -> Option<BrokerMessage> {
    let (kind, rest) = line.split_once(' ')?;
    if kind == "M" {
        let (life, entry) = rest.split_once(' ')?;
        return Some(BrokerMessage::Said { epoch: read_epoch(life)?, entry: read_entry(entry)? });
    }
    if kind == "T" {
        let (from, rest) = rest.split_once(' ')?;
        let (typing, name) = rest.split_once(' ')?;
        return Some(BrokerMessage::Typing {
            from: read_id(from)?,
            typing: typing == "1",
            user: Name::decode(name)?,
        });
    }
    if kind == "U" {
        return Some(BrokerMessage::Unloading { member: read_id(rest)? });
    }
    if kind == "C" {
        let (from, mark) = rest.split_once(' ')?;
        return Some(BrokerMessage::Call { from: read_id(from)?, call: CallMark(count(mark)?) });
    }
    if kind == "B" {
        let (life, end) = read_end(room, line)?;
        return Some(BrokerMessage::Burned { life, end: Arc::new(end) });
    }
    let words = match kind {
        "H" => 4,
        "L" => 7,
        "N" => 5,
        _ => 6,
    };
    let mut words = rest.splitn(words, ' ');
    let mut next = || words.next();
    let epoch = read_epoch(next()?)?;
    if kind == "R" {
        return Some(BrokerMessage::Reborn { epoch });
    }
    if kind == "V" {
        let (moves, member) = (count(next()?)?, read_id(next()?)?);
        return Some(BrokerMessage::Moved {
            epoch,
            moves,
            member,
            from: SessionOwner { node: read_node(next()?)?, tag: next()?.parse().ok()? },
        });
    }
    let (version, members) = (count(next()?)?, next()?.parse().ok()?);
    if kind == "H" {
        let (host, rules) = next()?.split_once('\n')?;
        let (host, rules) = (Name::decode(host), Arc::new(read_rules(rules)?));
        return Some(BrokerMessage::Rules { epoch, version, count: members, host, rules });
    }
    if kind == "N" {
        let (member, (user, previous)) = (read_id(next()?)?, next()?.split_once('\n')?);
        return Some(BrokerMessage::Renamed {
            epoch,
            version,
            count: members,
            member,
            user: Name::decode(user)?,
            previous: Name::decode(previous)?,
        });
    }
    let reason = if kind == "L" { Some(LeaveReason::decode(next()?)?) } else { None };
    let (id, joined_at, name) = (read_id(next()?)?, count(next()?)?, Name::decode(next()?)?);
    let member = Member { id, name, joined_at, call: CallMark::default() };
    match (kind, reason) {
        ("J", None) => Some(BrokerMessage::Joined { epoch, version, count: members, member }),
        ("L", Some(reason)) => {
            Some(BrokerMessage::Left { epoch, version, count: members, reason, member })
        }
        _ => None,
    }
}

/// What was removed with a room, as the scripts say it, and the mark of its life; see [`BrokerMessage::Burned`].
pub(super) fn read_end(room: &RoomId, line: &str) -> Option<(Str, RoomEnd)> {
    let mut words = line.strip_prefix("B ")?.split(' ');
    let mut next = || words.next();
    let (epoch, life) = (read_epoch(next()?)?, Str::from(next()?));
    let cause = EndCause::decode(next()?)?;
    let (members, entries) = (count(next()?)?, count(next()?)?);
    let (bytes, files) = (count(next()?)?, count(next()?)?);
    let mut keys = Vec::with_capacity(4);
    for kind in ["members", "room", "log", "files"] {
        keys.push((kind, count(next()?)?));
    }
    let keys_left = count(next()?)?;
    let room = room.clone();
    let end = RoomEnd { room, epoch, cause, entries, bytes, members, files, keys, keys_left };
    Some((life, end))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::room::{Lock, NodeId};

    fn room() -> RoomId {
        "general".parse().unwrap()
    }

    const ID: &str = "67e5504410b1426f9247bb680e5fe0c8";

    #[test]
    fn news_are_read_with_names_and_texts_that_hold_spaces_and_line_breaks() {
        let from = read_id(ID).unwrap();
        let member = Member {
            id: from,
            name: "Ann of Ely".parse().unwrap(),
            joined_at: 7,
            call: CallMark::default(),
        };
        let entry = Entry {
            seq: 3,
            at: 9,
            from,
            user: member.name.clone(),
            n: 5,
            text: "two\nlines  here".parse().unwrap(),
        };
        let epoch = Epoch(0xab);
        for (line, news) in [
            (
                format!("M ab 3 9 {ID} 5 Ann of Ely\ntwo\nlines  here"),
                BrokerMessage::Said { epoch, entry },
            ),
            (
                format!("J ab 2 1 {ID} 7 Ann of Ely"),
                BrokerMessage::Joined { epoch, version: 2, count: 1, member: member.clone() },
            ),
            (
                format!("L ab 4 0 node_lost {ID} 7 Ann of Ely"),
                BrokerMessage::Left {
                    epoch,
                    version: 4,
                    count: 0,
                    reason: LeaveReason::NodeLost,
                    member: member.clone(),
                },
            ),
            (
                format!("V ab 3 {ID} f0 12"),
                BrokerMessage::Moved {
                    epoch,
                    moves: 3,
                    member: from,
                    from: SessionOwner { node: NodeId(0xf0), tag: 12 },
                },
            ),
            (
                format!("N ab 5 2 {ID} Anna of Ely\nAnn of Ely"),
                BrokerMessage::Renamed {
                    epoch,
                    version: 5,
                    count: 2,
                    member: from,
                    user: "Anna of Ely".parse().unwrap(),
                    previous: member.name.clone(),
                },
            ),
            (
                format!("H ab 6 2 Ann of Ely\n{} 1 0 0 {{\"l\":\"locked\"}}", from),
                BrokerMessage::Rules {
                    epoch,
                    version: 6,
                    count: 2,
                    host: Some(member.name.clone()),
                    rules: Arc::new(RoomRules {
                        host: Some(from),
                        lock: Lock::Locked,
                        ..RoomRules::default()
                    }),
                },
            ),
            (
                "B ab 0123456789abcdef burned 2 3 40 1 1 1 1 0 0".to_owned(),
                BrokerMessage::Burned {
                    life: "0123456789abcdef".into(),
                    end: Arc::new(RoomEnd {
                        room: room(),
                        epoch,
                        cause: EndCause::Burned,
                        entries: 3,
                        bytes: 40,
                        members: 2,
                        files: 1,
                        keys: vec![("members", 1), ("room", 1), ("log", 1), ("files", 0)],
                        keys_left: 0,
                    }),
                },
            ),
            ("R ab".to_owned(), BrokerMessage::Reborn { epoch }),
            (format!("U {ID}"), BrokerMessage::Unloading { member: from }),
            (format!("C {ID} 16"), BrokerMessage::Call { from, call: CallMark::since(8) }),
            (
                format!("T {ID} 1 Ann of Ely"),
                BrokerMessage::Typing { from, typing: true, user: member.name.clone() },
            ),
        ] {
            assert_eq!(read_messages(&room(), &line), Some(news), "{line:?}");
        }
    }

    #[test]
    fn anything_else_is_no_news() {
        for line in [
            "",
            "M",
            "X ab 1",
            "M ab 1 2",
            "J ab 1 1 nobody 7 Ann",
            &format!("L ab 4 0 bored {ID} 7 Ann"),
            "R xyz",
            &format!("N ab 5 2 {ID} Anna"),
            &format!("N ab 5 2 {ID} \nAnn"),
            "U nobody",
            "H ab 6 2 Ann",
            "H ab 6 2 Ann\nno rules",
            "B ab 0123456789abcdef bored 2 3 40 1 1 1 1 0 0",
            "B ab 0123456789abcdef burned 2 3 40",
            &format!("V ab 3 {ID} f0"),
            &format!("C {ID} in"),
            &format!("C {ID} {}", u64::MAX),
            &format!("M ab {} 9 {ID} 5 Ann\ntext", u64::MAX),
            &format!("J ab {} 1 {ID} 7 Ann", u64::MAX),
        ] {
            assert_eq!(read_messages(&room(), line), None, "{line:?}");
        }
    }
}
