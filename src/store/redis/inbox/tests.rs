#![allow(clippy::unwrap_used)]

use super::*;
use crate::room::Entry;

const LIFE: Epoch = Epoch(7);

fn somebody(number: u128) -> Member {
    let id = MemberId(uuid::Uuid::from_u128(number));
    Member { id, name: Name::guest(id), joined_at: number as u64 }
}

fn entry(seq: Seq) -> Entry {
    let Member { id, name, .. } = somebody(1);
    Entry { seq, at: 0, from: id, user: name, n: seq, text: format!("text {seq}").parse().unwrap() }
}

fn said(seq: Seq) -> News {
    News::Said { epoch: LIFE, entry: entry(seq) }
}

fn joined(version: u64, who: u128) -> News {
    News::Joined { epoch: LIFE, version, count: 0, member: somebody(who) }
}

fn left(version: u64, who: u128, reason: Departure) -> News {
    News::Left { epoch: LIFE, version, count: 0, reason, member: somebody(who) }
}

fn room(seq: Seq, version: u64, people: &[u128], log: impl Iterator<Item = Seq>) -> Snapshot {
    let members = people.iter().map(|who| somebody(*who)).collect();
    Snapshot { epoch: LIFE, key: RoomKey([1; 32]), seq, version, members, history: log.map(entry).collect() }
}

/// An inbox that is live at seq 5 and version 3, with members 1, 2 and 3; the first is of this node.
fn live() -> (Inbox, Vec<String>) {
    let mut inbox = Inbox::new();
    let Member { id, name, joined_at } = somebody(1);
    inbox.sit(id, Seat { tag: 1, since: 0, name, joined_at, version: 3 });
    inbox.open(&room(5, 3, &[1, 2, 3], 1..=5), None, &mut |_| panic!("nothing to tell yet"));
    (inbox, Vec::new())
}

fn note(told: &mut Vec<String>, event: &Event) {
    let who = |member: &Member| member.id.0.as_u128();
    told.push(match event {
        Event::Said { entry, .. } => format!("said {}", entry.seq),
        Event::Joined { member, version, count, .. } => format!("joined {} at {version}, {count} heads", who(member)),
        Event::Left { member, version, count, .. } => format!("left {} at {version}, {count} heads", who(member)),
        Event::Typing { .. } => "typing".to_owned(),
        Event::Reset(room) => format!("reset to {}", room.seq),
    });
}

fn hear(inbox: &mut Inbox, told: &mut Vec<String>, news: impl IntoIterator<Item = News>) {
    for news in news {
        inbox.hear(news, &mut |event| note(told, event));
    }
}

#[test]
fn next_is_told_and_old_is_dropped() {
    let (mut inbox, mut told) = live();
    hear(&mut inbox, &mut told, [said(4), said(6), said(6), said(1), said(7), joined(2, 9), joined(4, 4), joined(4, 4)]);
    assert_eq!(told, ["said 6", "said 7", "joined 4 at 4, 0 heads"]);
    assert!(!inbox.is_faulty());
    assert_eq!(inbox.heard(), (LIFE, 7));
}

#[test]
fn hole_stops_the_stream_until_it_is_filled() {
    let (mut inbox, mut told) = live();
    hear(&mut inbox, &mut told, [said(7), said(8)]);
    assert!(inbox.is_filling() && told.is_empty());
    inbox.refill();
    hear(&mut inbox, &mut told, [said(8), said(9), said(10)]);
    assert!(inbox.fill(room(9, 3, &[1, 2, 3], 6..=9), true, &mut |event| note(&mut told, event)));
    assert_eq!(told, ["said 6", "said 7", "said 8", "said 9", "said 10"]);
    assert!(!inbox.is_faulty());
}

#[test]
fn filling_tells_who_came_and_who_went() {
    let (mut inbox, mut told) = live();
    inbox.distrust();
    // 2 left; 4 came; 9 came and went: five versions, of which three can be told.
    assert!(inbox.fill(room(6, 8, &[1, 3, 4], 6..=6), true, &mut |event| note(&mut told, event)));
    assert_eq!(told, ["joined 4 at 7, 4 heads", "said 6", "left 2 at 8, 3 heads"]);
    hear(&mut inbox, &mut told, [joined(9, 5)]);
    assert_eq!(told.last().unwrap(), "joined 5 at 9, 0 heads");
}

#[test]
fn filling_tells_of_a_seat_taken_anew_as_leaving_and_coming() {
    let (mut inbox, mut told) = live();
    inbox.distrust();
    let mut now = room(5, 5, &[1, 2, 3], 6..6);
    now.members[1].joined_at = 77;
    assert!(inbox.fill(now, true, &mut |event| note(&mut told, event)));
    assert_eq!(told, ["left 2 at 4, 2 heads", "joined 2 at 5, 3 heads"]);
}

#[test]
fn anything_that_cannot_be_mended_is_a_reset() {
    for (reaches, epoch) in [(false, LIFE), (true, Epoch(8))] {
        let (mut inbox, mut told) = live();
        inbox.distrust();
        let now = Snapshot { epoch, ..room(300, 9, &[1], 101..=300) };
        assert!(!inbox.fill(now, reaches, &mut |event| note(&mut told, event)));
        assert_eq!(told, ["reset to 300"]);
        assert_eq!(inbox.heard(), (epoch, 300));
    }
}

#[test]
fn another_entry_with_the_newest_number_is_a_fork() {
    let (mut inbox, mut told) = live();
    let mut other = entry(5);
    other.n = 99;
    hear(&mut inbox, &mut told, [News::Said { epoch: LIFE, entry: other }]);
    assert!(inbox.is_filling());
    assert!(!inbox.fill(room(5, 3, &[1, 2, 3], 6..6), true, &mut |event| note(&mut told, event)));
    assert_eq!(told, ["reset to 5"]);
}

#[test]
fn news_of_another_life_are_not_told() {
    let (mut inbox, mut told) = live();
    hear(&mut inbox, &mut told, [News::Said { epoch: Epoch(8), entry: entry(6) }]);
    assert!(inbox.is_filling() && told.is_empty());
    let (mut inbox, mut told) = live();
    hear(&mut inbox, &mut told, [News::Reborn { epoch: Epoch(8) }]);
    assert!(inbox.is_filling() && told.is_empty());
}

#[test]
fn node_taken_for_dead_hears_it_by_its_members() {
    let (mut inbox, mut told) = live();
    hear(&mut inbox, &mut told, [left(4, 2, Departure::NodeLost), left(5, 1, Departure::NodeLost)]);
    assert_eq!(told, ["left 2 at 4, 0 heads"]);
    assert!(inbox.take_unseated() && inbox.is_filling());
}

#[test]
fn member_that_left_through_another_node_is_no_longer_of_this_one() {
    let (mut inbox, mut told) = live();
    hear(&mut inbox, &mut told, [left(4, 1, Departure::Left)]);
    assert_eq!(told, ["left 1 at 4, 0 heads"]);
    assert!(inbox.seats().is_empty() && !inbox.is_faulty());
    // But late news of an earlier seat are not about this one.
    let (mut inbox, mut told) = live();
    let Member { id, name, joined_at } = somebody(1);
    inbox.sit(id, Seat { tag: 2, since: 0, name, joined_at, version: 5 });
    hear(&mut inbox, &mut told, [left(4, 1, Departure::Left), joined(5, 1)]);
    assert_eq!(inbox.seats().len(), 1);
}

#[test]
fn joining_holds_news_and_drops_what_the_snapshot_knows() {
    let mut inbox = Inbox::new();
    let mut told = Vec::new();
    hear(&mut inbox, &mut told, [said(4), said(5), joined(3, 1), said(6), joined(4, 2)]);
    assert!(told.is_empty());
    let Member { id, name, joined_at } = somebody(1);
    inbox.sit(id, Seat { tag: 1, since: 0, name, joined_at, version: 3 });
    inbox.open(&room(5, 3, &[1], 1..=5), Some(id), &mut |event| note(&mut told, event));
    assert_eq!(told, ["joined 1 at 3, 0 heads", "said 6", "joined 2 at 4, 0 heads"]);
}

#[test]
fn what_was_expected_and_not_heard_raises_the_alarm_once() {
    let start = Instant::now();
    let (mut inbox, mut told) = live();
    assert!(!inbox.expect(LIFE, 5, 3, start), "heard already");
    assert!(inbox.expect(LIFE, 6, 0, start));
    assert!(!inbox.expect(LIFE, 7, 0, start), "one alarm is enough");
    let then = inbox.alarm().unwrap();
    assert!(!inbox.overdue(start));
    hear(&mut inbox, &mut told, [said(6)]);
    // The first was heard in time; the second gets its own.
    assert!(!inbox.overdue(then));
    let then = inbox.alarm().unwrap();
    assert!(inbox.overdue(then));
    assert!(inbox.is_filling() && inbox.take_deaf());
    assert_eq!(inbox.alarm(), None);
}

#[test]
fn what_a_failover_lost_is_noticed_when_the_room_is_read_again() {
    let other = |seq| Entry { n: 99, ..entry(seq) };
    let with = |history: Vec<Entry>, version| Snapshot { history, ..room(6, version, &[1, 2, 3], std::iter::empty()) };
    for (there, forks) in [
        (with(vec![entry(5), entry(6)], 3), false),
        (with(vec![entry(6)], 4), false),
        (with(vec![other(5), entry(6)], 3), true),
        (with(vec![entry(5), entry(6)], 2), true),
    ] {
        let (mut inbox, mut told) = live();
        inbox.deafen();
        assert_eq!(inbox.forks(&there), forks);
        assert!(!inbox.forks(&there), "noticed once");
        let goes_on = inbox.fill(there, true, &mut |event| note(&mut told, event));
        assert_eq!(goes_on, !forks);
        assert_eq!(told.iter().any(|told| told == "reset to 6"), forks, "{told:?}");
    }
}
