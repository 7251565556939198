#![allow(clippy::unwrap_used)]

use super::*;
use crate::room::{CallMark, Entry, Member, Name, SessionOwner};

pub(super) const LIFE: Epoch = Epoch(7);
pub(super) const HERE: NodeId = NodeId(1);
pub(super) const THERE: NodeId = NodeId(2);

fn somebody(number: u128) -> Member {
    let id = MemberId(uuid::Uuid::from_u128(number));
    Member { id, name: Name::guest(id), joined_at: number as u64, call: CallMark::default() }
}

fn entry(seq: Seq) -> Entry {
    let Member { id, name, .. } = somebody(1);
    Entry { seq, at: 0, from: id, user: name, n: seq, text: format!("text {seq}").parse().unwrap() }
}

fn said(seq: Seq) -> BrokerMessage {
    BrokerMessage::Said { epoch: LIFE, entry: entry(seq) }
}

fn joined(version: u64, who: u128) -> BrokerMessage {
    BrokerMessage::Joined { epoch: LIFE, version, count: 0, member: somebody(who) }
}

fn left(version: u64, who: u128, reason: LeaveReason) -> BrokerMessage {
    BrokerMessage::Left { epoch: LIFE, version, count: 0, reason, member: somebody(who) }
}

/// A room in which the first member sits at the node of [`live`], and the others elsewhere.
fn room(seq: Seq, version: u64, people: &[u128], log: impl Iterator<Item = Seq>) -> RoomState {
    let members: Vec<_> = people.iter().map(|who| somebody(*who)).collect();
    let seats = members
        .iter()
        .map(|member| (member.id, if member.id == somebody(1).id { HERE } else { THERE }, 0))
        .collect();
    let room = Snapshot {
        epoch: LIFE,
        key: RoomKey([1; 32]),
        seq,
        version,
        members,
        unlisted: 0,
        history: log.map(entry).collect(),
    };
    RoomState { room, moves: 0, seats }
}

fn moved(moves: u64, who: u128, node: NodeId, tag: u64) -> BrokerMessage {
    BrokerMessage::Moved {
        epoch: LIFE,
        moves,
        member: somebody(who).id,
        from: SessionOwner { node, tag },
    }
}

fn seat(who: u128, tag: u64, version: u64) -> Seat {
    let Member { name, joined_at, .. } = somebody(who);
    Seat { tag, since: 0, name, joined_at, version, leaving: false }
}

fn position(seq: Seq, version: u64) -> Position {
    Position { epoch: LIFE, seq, version, moves: 0 }
}

/// A replica that is live at seq 5 and version 3, with members 1, 2 and 3; the first is of this node.
fn live() -> (RoomReplica, Vec<String>) {
    let mut replica = RoomReplica::new(HERE);
    replica.add_session(somebody(1).id, seat(1, 1, 3));
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
        Event::Left { member, version, count, .. } => {
            format!("left {} at {version}, {count} heads", who(member))
        }
        Event::Unchanged { version, count, .. } => format!("unchanged at {version}, {count} heads"),
        Event::Typing { .. } => "typing".to_owned(),
        Event::Unloading { member } => format!("{} unloads", member.0.as_u128()),
        Event::Moved { member, tag } => format!("moved {} of {tag}", member.0.as_u128()),
        Event::Call { from, call, .. } => {
            format!("{} {} the call", from.0.as_u128(), if call.is_on() { "in" } else { "out of" })
        }
        Event::Reset(room) => format!("reset to {}", room.seq),
    });
}

fn hear(
    replica: &mut RoomReplica,
    told: &mut Vec<String>,
    news: impl IntoIterator<Item = BrokerMessage>,
) {
    for news in news {
        replica.hear(news, &mut |event| note(told, event));
    }
}

#[test]
fn next_is_told_and_old_is_dropped() {
    let (mut replica, mut told) = live();
    hear(
        &mut replica,
        &mut told,
        [said(4), said(6), said(6), said(1), said(7), joined(2, 9), joined(4, 4), joined(4, 4)],
    );
    assert_eq!(told, ["said 6", "said 7", "joined 4 at 4, 0 heads"]);
    assert!(!replica.is_faulty());
    assert_eq!(replica.heard(), (LIFE, 7));
}

#[test]
fn hole_stops_the_stream_until_it_is_filled() {
    let (mut replica, mut told) = live();
    hear(&mut replica, &mut told, [said(7), said(8)]);
    assert!(replica.is_filling() && told.is_empty());
    replica.refill();
    hear(&mut replica, &mut told, [said(8), said(9), said(10)]);
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
    hear(&mut replica, &mut told, [joined(9, 5)]);
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
fn seat_that_was_taken_and_moved_and_left_unheard_is_let_go_of() {
    let (mut replica, mut told) = live();
    replica.mark_gap();
    replica.add_session(somebody(4).id, seat(4, 4, 4));
    let now = RoomState { moves: 1, ..room(5, 5, &[1, 2, 3], 5..=5) };
    assert!(!replica.forks(&now));
    replica.fill(now, true, &mut |event| note(&mut told, event));
    assert_eq!(
        (told, replica.seats().len()),
        (vec!["moved 4 of 4".to_owned(), "unchanged at 5, 3 heads".to_owned()], 1)
    );
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
        assert_eq!(replica.heard(), (epoch, 300));
    }
}

#[test]
fn another_entry_with_the_newest_number_is_a_fork() {
    let (mut replica, mut told) = live();
    let mut other = entry(5);
    other.n = 99;
    hear(&mut replica, &mut told, [BrokerMessage::Said { epoch: LIFE, entry: other }]);
    assert!(replica.is_filling());
    replica.fill(room(5, 3, &[1, 2, 3], 6..6), true, &mut |event| note(&mut told, event));
    assert_eq!(told, ["reset to 5"]);
}

#[test]
fn news_of_another_life_are_not_told() {
    let (mut replica, mut told) = live();
    hear(&mut replica, &mut told, [BrokerMessage::Said { epoch: Epoch(8), entry: entry(6) }]);
    assert!(replica.is_filling() && told.is_empty());
    let (mut replica, mut told) = live();
    hear(&mut replica, &mut told, [BrokerMessage::Reborn { epoch: Epoch(8) }]);
    assert!(replica.is_filling() && told.is_empty());
}

#[test]
fn node_taken_for_dead_hears_it_by_its_members() {
    let (mut replica, mut told) = live();
    hear(
        &mut replica,
        &mut told,
        [left(4, 2, LeaveReason::NodeLost), left(5, 1, LeaveReason::NodeLost)],
    );
    assert_eq!(told, ["left 2 at 4, 0 heads"]);
    assert!(replica.take_evicted() && replica.is_filling());
}

#[test]
fn member_that_left_through_another_node_is_no_longer_of_this_one() {
    let (mut replica, mut told) = live();
    hear(&mut replica, &mut told, [left(4, 1, LeaveReason::Left)]);
    assert_eq!(
        told,
        ["moved 1 of 1"],
        "its link is closed, and nobody else of this node is there to be told"
    );
    assert!(replica.seats().is_empty() && replica.is_faulty());
    // But a late message about an earlier session is not about this one.
    let (mut replica, mut told) = live();
    replica.add_session(somebody(1).id, seat(1, 2, 5));
    hear(&mut replica, &mut told, [left(4, 1, LeaveReason::Left), joined(5, 1)]);
    assert_eq!(replica.seats().len(), 1);
}

#[test]
fn seat_that_moved_away_is_let_go_of_and_a_newer_one_is_kept() {
    let (mut replica, mut told) = live();
    hear(&mut replica, &mut told, [moved(1, 2, THERE, 9), moved(2, 1, THERE, 1)]);
    assert_eq!(
        (told.len(), replica.seats().len(), replica.is_faulty()),
        (0, 1, false),
        "others move as they like"
    );
    // It is taken again here and moves away from there, in whatever order the messages come.
    replica.add_session(somebody(1).id, seat(1, 5, 3));
    hear(&mut replica, &mut told, [moved(3, 1, HERE, 1)]);
    assert_eq!((told.len(), replica.is_faulty()), (0, false));
    hear(&mut replica, &mut told, [moved(4, 1, HERE, 5), said(6)]);
    assert_eq!(told, ["moved 1 of 5"], "and then nothing more");
    assert!(replica.seats().is_empty() && replica.is_faulty());
}

#[test]
fn lost_news_of_a_move_are_found_when_the_room_is_read_again() {
    let away = |moves| RoomState {
        moves,
        seats: vec![(somebody(1).id, THERE, 0)],
        ..room(5, 3, &[1, 2, 3], 6..6)
    };
    let news: [&dyn Fn(&mut RoomReplica); 3] = [
        // A message about another move comes.
        &|replica| hear(replica, &mut Vec::new(), [moved(2, 3, THERE, 7)]),
        // The message about the session here comes only after it has moved away.
        &|replica| hear(replica, &mut Vec::new(), [moved(1, 1, HERE, 2)]),
        // A renewal counts one more.
        &|replica| {
            let now = Instant::now();
            assert!(replica.expect(Position { moves: 1, ..position(5, 3) }, now));
            let position = replica.overdue(replica.alarm().unwrap()).unwrap();
            assert!(replica.missed(position));
        },
    ];
    for news in news {
        let (mut replica, mut told) = live();
        replica.add_session(somebody(2).id, seat(2, 3, 2));
        news(&mut replica);
        assert!(replica.is_filling());
        let mut now = away(2);
        now.seats.push((somebody(2).id, HERE, 0));
        replica.fill(now, true, &mut |event| note(&mut told, event));
        assert_eq!(told, ["moved 1 of 1"]);
        assert!(replica.seats().keys().eq([&somebody(2).id]) && !replica.is_filling());
    }
    // A session that is newer than what another node believes in is not given up.
    let (mut replica, mut told) = live();
    replica.add_session(somebody(1).id, Seat { since: 9, ..seat(1, 4, 3) });
    replica.mark_gap();
    replica.fill(away(0), true, &mut |event| note(&mut told, event));
    assert_eq!((told.len(), replica.seats().len()), (0, 1));
}

#[test]
fn who_is_leaving_need_not_be_told_to_be_gone() {
    for news in [left(4, 1, LeaveReason::Left), moved(1, 1, HERE, 1)] {
        let (mut replica, mut told) = live();
        replica.add_session(somebody(2).id, seat(2, 2, 2));
        assert!(
            !replica.mark_leaving(somebody(1).id, 7) && replica.mark_leaving(somebody(1).id, 1)
        );
        hear(&mut replica, &mut told, [news]);
        assert!(
            replica.seats().len() == 1 && told.iter().all(|told| told.starts_with("left")),
            "{told:?}"
        );
    }
}

#[test]
fn joining_holds_news_and_drops_what_the_snapshot_knows() {
    let mut replica = RoomReplica::new(HERE);
    let mut told = Vec::new();
    hear(&mut replica, &mut told, [said(4), said(5), joined(3, 1), said(6), joined(4, 2)]);
    assert!(told.is_empty());
    replica.add_session(somebody(1).id, seat(1, 1, 3));
    replica
        .open(&room(5, 3, &[1], 1..=5), Some(somebody(1).id), &mut |event| note(&mut told, event));
    assert_eq!(told, ["joined 1 at 3, 0 heads", "said 6", "joined 2 at 4, 0 heads"]);
}

#[test]
fn who_joins_while_the_last_seat_moves_away_hears_nothing_twice() {
    let (mut replica, mut told) = live();
    // The answer to a join says 5 and 4. Before it comes, later messages come, and the only session moves away.
    hear(&mut replica, &mut told, [joined(4, 4), said(6), said(7), moved(1, 1, HERE, 1), said(8)]);
    replica.add_session(somebody(4).id, seat(4, 9, 4));
    replica.open(&room(5, 4, &[1, 2, 3, 4], 1..=5), Some(somebody(4).id), &mut |event| {
        note(&mut told, event)
    });
    hear(&mut replica, &mut told, [said(9)]);
    assert_eq!(
        told.iter().filter(|told| told.starts_with("said")).collect::<Vec<_>>(),
        ["said 6", "said 7", "said 8", "said 9"]
    );
    assert!(
        !replica.is_filling() && told.iter().filter(|told| told.starts_with("joined")).count() == 1,
        "{told:?}"
    );
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
    hear(&mut replica, &mut told, [said(6)]);
    // The first came in time; the second gets its own alarm.
    assert_eq!(replica.overdue(then), None);
    let then = replica.alarm().unwrap();
    assert_eq!(replica.overdue(then), Some(position(7, 0)));
    // Late, but there.
    hear(&mut replica, &mut told, [said(7)]);
    assert!(!replica.missed(position(7, 0)) && !replica.is_faulty());
    assert!(replica.expect(position(8, 0), then));
    let then = replica.alarm().unwrap();
    assert_eq!(replica.overdue(then), Some(position(8, 0)));
    assert!(replica.missed(position(8, 0)));
    assert!(replica.is_filling() && replica.take_unsubscribed());
    assert_eq!(replica.alarm(), None);
}

#[test]
fn what_a_failover_lost_is_noticed_when_the_room_is_read_again() {
    let other = |seq| Entry { n: 99, ..entry(seq) };
    let with = |history: Vec<Entry>, version| {
        let mut room_state = room(6, version, &[1, 2, 3], std::iter::empty());
        room_state.room.history = history;
        room_state
    };
    for (there, forks) in [
        (with(vec![entry(5), entry(6)], 3), false),
        (with(vec![entry(6)], 4), false),
        (with(vec![other(5), entry(6)], 3), true),
        (with(vec![entry(5), entry(6)], 2), true),
    ] {
        let (mut replica, mut told) = live();
        replica.mark_unsubscribed();
        assert_eq!(replica.forks(&there), forks);
        assert!(!replica.forks(&there), "noticed once");
        replica.fill(there, true, &mut |event| note(&mut told, event));
        assert_eq!(told.iter().any(|told| told == "reset to 6"), forks, "{told:?}");
    }
}

#[test]
fn seat_that_a_failover_lost_is_brought_back_and_not_taken_for_one_that_moved() {
    // Its join is lost, and newcomers have its version and the next ones by now.
    for (version, people) in [(3, &[2, 3, 4][..]), (4, &[2, 3, 4]), (9, &[2, 3])] {
        let (mut replica, mut told) = live();
        replica.mark_unsubscribed();
        assert!(replica.forks(&room(5, version, people, 5..=5)), "{version}");
        assert!(replica.take_evicted());
        let back: Vec<_> = people.iter().copied().chain([1]).collect();
        replica.fill(room(5, version + 1, &back, 1..=5), true, &mut |event| note(&mut told, event));
        assert_eq!((told, replica.seats().len()), (vec!["reset to 5".to_owned()], 1));
    }
    // So is another node's, if as many joins and leaves as there were cannot explain the members.
    let (mut replica, _) = live();
    replica.mark_unsubscribed();
    assert!(replica.forks(&room(5, 4, &[1, 3, 4], 5..=5)) && replica.take_evicted());
    // A member that has moved and left from there, or whose leave is under way, is gone.
    let moves: [&dyn Fn(&mut RoomReplica); 3] =
        [&|_| {}, &|replica| hear(replica, &mut Vec::new(), [moved(2, 3, THERE, 7)]), &|replica| {
            hear(replica, &mut Vec::new(), [moved(1, 1, HERE, 2)])
        }];
    for news in moves {
        let (mut replica, mut told) = live();
        replica.add_session(somebody(2).id, seat(2, 3, 2));
        news(&mut replica);
        replica.mark_gap();
        let now = || RoomState {
            moves: 2,
            seats: vec![(somebody(2).id, HERE, 0)],
            ..room(5, 4, &[2, 3], 5..=5)
        };
        assert!(!replica.forks(&now()));
        replica.fill(now(), true, &mut |event| note(&mut told, event));
        assert_eq!(told, ["moved 1 of 1", "left 1 at 4, 2 heads"]);
    }
    let (mut replica, _) = live();
    assert!(replica.mark_leaving(somebody(1).id, 1));
    replica.mark_gap();
    assert!(!replica.forks(&room(5, 4, &[2, 3], 5..=5)));
}
