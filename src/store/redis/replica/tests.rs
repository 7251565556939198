#![allow(clippy::unwrap_used)]

mod failover;
mod hosting;
mod moves;

use tokio::time::Instant;

use super::*;
use crate::room::{CallMark, Entry, LeaveReason, Member, Name, SessionOwner};

pub(super) const LIFE: Epoch = Epoch(7);
pub(super) const HERE: NodeId = NodeId(1);
pub(super) const THERE: NodeId = NodeId(2);

fn member_of(number: u128) -> Member {
    let id = MemberId(uuid::Uuid::from_u128(number));
    Member { id, name: Name::guest(id), joined_at: number as u64, call: CallMark::default() }
}

fn entry(seq: Seq) -> Entry {
    let Member { id, name, .. } = member_of(1);
    Entry { seq, at: 0, from: id, user: name, n: seq, text: format!("text {seq}").parse().unwrap() }
}

fn said(seq: Seq) -> BrokerMessage {
    BrokerMessage::Said { epoch: LIFE, entry: entry(seq) }
}

fn joined(version: u64, who: u128) -> BrokerMessage {
    BrokerMessage::Joined { epoch: LIFE, version, count: 0, member: member_of(who) }
}

fn left(version: u64, who: u128, reason: LeaveReason) -> BrokerMessage {
    BrokerMessage::Left { epoch: LIFE, version, count: 0, reason, member: member_of(who) }
}

/// A room in which the first member sits at the node of [`live`], and the others elsewhere.
fn room(seq: Seq, version: u64, people: &[u128], log: impl Iterator<Item = Seq>) -> RoomState {
    let members: Vec<_> = people.iter().map(|who| member_of(*who)).collect();
    let sessions = members
        .iter()
        .map(|member| (member.id, if member.id == member_of(1).id { HERE } else { THERE }, 0))
        .collect();
    let room = Snapshot {
        epoch: LIFE,
        key: RoomKey([1; 32]),
        seq,
        version,
        members,
        unlisted: 0,
        history: log.map(entry).collect(),
        rules: Arc::default(),
    };
    RoomState { room, moves: 0, rules: "".into(), sessions }
}

fn moved(moves: u64, who: u128, node: NodeId, tag: u64) -> BrokerMessage {
    BrokerMessage::Moved {
        epoch: LIFE,
        moves,
        member: member_of(who).id,
        from: SessionOwner { node, tag },
    }
}

fn session(who: u128, tag: u64, version: u64) -> HeldSession {
    let Member { name, joined_at, .. } = member_of(who);
    HeldSession {
        tag,
        since: 0,
        name,
        joined_at,
        key: RoomKey([1; 32]),
        since_seq: 0,
        address: None,
        version,
        leaving: false,
    }
}

fn position(seq: Seq, version: u64) -> Position {
    Position { epoch: LIFE, seq, version, moves: 0 }
}

/// A replica that is live at seq 5 and version 3, with members 1, 2 and 3; the first is of this node.
fn live() -> (RoomReplica, Vec<String>) {
    let mut replica = RoomReplica::new(HERE);
    replica.add_session(member_of(1).id, session(1, 1, 3));
    replica.open(&room(5, 3, &[1, 2, 3], 1..=5), None, &mut |_| panic!("nothing to tell yet"));
    (replica, Vec::new())
}

fn note(told: &mut Vec<String>, event: &Event) {
    let who = |member: &Member| member.id.0.as_u128();
    told.push(match event {
        Event::Said { entry, .. } => format!("said {}", entry.seq),
        Event::Joined { member, version, count, .. } => {
            format!("joined {} at {version}, {count} heads", who(member))
        }
        Event::Left { member, reason: LeaveReason::Kicked, version, count, .. } => {
            format!("kicked {} at {version}, {count} heads", who(member))
        }
        Event::Left { member, version, count, .. } => {
            format!("left {} at {version}, {count} heads", who(member))
        }
        Event::Renamed { from, user, version, .. } => {
            format!("{} is {user} at {version}", from.0.as_u128())
        }
        Event::Unchanged { version, count, .. } => format!("unchanged at {version}, {count} heads"),
        Event::Typing { .. } => "typing".to_owned(),
        Event::Unloading { member } => format!("{} unloads", member.0.as_u128()),
        Event::Moved { member, tag } => format!("moved {} of {tag}", member.0.as_u128()),
        Event::Call { from, call, .. } => {
            format!("{} {} the call", from.0.as_u128(), if call.is_on() { "in" } else { "out of" })
        }
        Event::Rules { rules, version, .. } => {
            format!("{} hosts at {version}", rules.host.map_or(0, |host| host.0.as_u128()))
        }
        Event::Burned { end } => format!("burned with {} members", end.members),
        Event::Reset(room) => format!("reset to {}", room.seq),
    });
}

fn receive(
    replica: &mut RoomReplica,
    told: &mut Vec<String>,
    message: impl IntoIterator<Item = BrokerMessage>,
) {
    for message in message {
        replica.receive(message, &mut |event| note(told, event));
    }
}

#[test]
fn next_is_told_and_old_is_dropped() {
    let (mut replica, mut told) = live();
    receive(
        &mut replica,
        &mut told,
        [said(4), said(6), said(6), said(1), said(7), joined(2, 9), joined(4, 4), joined(4, 4)],
    );
    assert_eq!(told, ["said 6", "said 7", "joined 4 at 4, 0 heads"]);
    assert!(!replica.is_faulty());
    assert_eq!(replica.received(), (LIFE, 7));
}

#[test]
fn hole_stops_the_stream_until_it_is_filled() {
    let (mut replica, mut told) = live();
    receive(&mut replica, &mut told, [said(7), said(8)]);
    assert!(replica.is_filling() && told.is_empty());
    replica.refill();
    receive(&mut replica, &mut told, [said(8), said(9), said(10)]);
    replica.fill(room(9, 3, &[1, 2, 3], 6..=9), true, &mut |event| note(&mut told, event));
    assert_eq!(told, ["said 6", "said 7", "said 8", "said 9", "said 10"]);
    assert!(!replica.is_faulty());
}

#[test]
fn filling_tells_who_came_and_who_went() {
    let (mut replica, mut told) = live();
    replica.mark_gap();
    // 2 left; 4 joined; 9 joined and left: five versions, of which three can be passed on.
    replica.fill(room(6, 8, &[1, 3, 4], 6..=6), true, &mut |event| note(&mut told, event));
    assert_eq!(told, ["joined 4 at 7, 4 heads", "said 6", "left 2 at 8, 3 heads"]);
    receive(&mut replica, &mut told, [joined(9, 5)]);
    assert_eq!(told.last().unwrap(), "joined 5 at 9, 0 heads");
}

#[test]
fn filling_tells_how_far_it_got_when_who_is_there_has_not_changed() {
    let (mut replica, mut told) = live();
    replica.mark_gap();
    replica.fill(room(5, 5, &[1, 2, 3], 5..=5), true, &mut |event| note(&mut told, event));
    replica.mark_gap();
    replica.fill(room(5, 5, &[1, 2, 3], 5..=5), true, &mut |event| note(&mut told, event));
    assert_eq!(told, ["unchanged at 5, 3 heads"]);
}

#[test]
fn filling_tells_of_a_seat_taken_anew_as_leaving_and_coming() {
    let (mut replica, mut told) = live();
    replica.mark_gap();
    let mut now = room(5, 5, &[1, 2, 3], 6..6);
    now.room.members[1].joined_at = 77;
    replica.fill(now, true, &mut |event| note(&mut told, event));
    assert_eq!(told, ["left 2 at 4, 2 heads", "joined 2 at 5, 3 heads"]);
}

#[test]
fn anything_that_cannot_be_mended_is_a_reset() {
    for (reaches, epoch) in [(false, LIFE), (true, Epoch(8))] {
        let (mut replica, mut told) = live();
        replica.mark_gap();
        let mut now = room(300, 9, &[1], 101..=300);
        now.room.epoch = epoch;
        replica.fill(now, reaches, &mut |event| note(&mut told, event));
        assert_eq!(told, ["reset to 300"]);
        assert_eq!(replica.received(), (epoch, 300));
    }
}

#[test]
fn another_entry_with_the_newest_number_is_a_fork() {
    let (mut replica, mut told) = live();
    let mut other = entry(5);
    other.n = 99;
    receive(&mut replica, &mut told, [BrokerMessage::Said { epoch: LIFE, entry: other }]);
    assert!(replica.is_filling());
    replica.fill(room(5, 3, &[1, 2, 3], 6..6), true, &mut |event| note(&mut told, event));
    assert_eq!(told, ["reset to 5"]);
}

#[test]
fn news_of_another_life_are_not_told() {
    let (mut replica, mut told) = live();
    receive(&mut replica, &mut told, [BrokerMessage::Said { epoch: Epoch(8), entry: entry(6) }]);
    assert!(replica.is_filling() && told.is_empty());
    let (mut replica, mut told) = live();
    receive(&mut replica, &mut told, [BrokerMessage::Reborn { epoch: Epoch(8) }]);
    assert!(replica.is_filling() && told.is_empty());
}

#[test]
fn joining_holds_news_and_drops_what_the_snapshot_knows() {
    let mut replica = RoomReplica::new(HERE);
    let mut told = Vec::new();
    receive(&mut replica, &mut told, [said(4), said(5), joined(3, 1), said(6), joined(4, 2)]);
    assert!(told.is_empty());
    replica.add_session(member_of(1).id, session(1, 1, 3));
    replica
        .open(&room(5, 3, &[1], 1..=5), Some(member_of(1).id), &mut |event| note(&mut told, event));
    assert_eq!(told, ["joined 1 at 3, 0 heads", "said 6", "joined 2 at 4, 0 heads"]);
}

#[test]
fn what_was_expected_and_not_heard_raises_the_alarm_once() {
    let start = Instant::now();
    let (mut replica, mut told) = live();
    assert!(!replica.expect(position(5, 3), start), "heard already");
    assert!(replica.expect(position(6, 0), start));
    assert!(!replica.expect(position(7, 0), start), "one alarm is enough");
    let then = replica.alarm().unwrap();
    assert_eq!(replica.overdue(start), None);
    receive(&mut replica, &mut told, [said(6)]);
    // The first came in time; the second gets its own alarm.
    assert_eq!(replica.overdue(then), None);
    let then = replica.alarm().unwrap();
    assert_eq!(replica.overdue(then), Some(position(7, 0)));
    // Late, but there.
    receive(&mut replica, &mut told, [said(7)]);
    assert!(!replica.missed(position(7, 0)) && !replica.is_faulty());
    assert!(replica.expect(position(8, 0), then));
    let then = replica.alarm().unwrap();
    assert_eq!(replica.overdue(then), Some(position(8, 0)));
    assert!(replica.missed(position(8, 0)));
    assert!(replica.is_filling() && replica.take_unsubscribed());
    assert_eq!(replica.alarm(), None);
}
