//! The rules of a room under random interleavings, and each rule by itself.

use std::collections::{HashMap, HashSet};

use parlor::room::{
    CallMark, Cursor, Epoch, JoinResult, Joiner, Limits, Member, MemberId, Millis, Moment, Name,
    NodeId, PublishResult, Room, RoomError, RoomKey, SessionOwner, Text,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::support::text;

const LIMITS: Limits = Limits {
    members: 4,
    listed: 4,
    history_len: 5,
    history_bytes: 12,
    history_age: 1000,
    edit_age: 500,
    lease: 300,
    file_bytes: 10,
    room_file_bytes: 25,
    file_chunk: 4,
    upload_age: 500,
    hosts: false,
    min_life: 100,
    max_life: 10_000,
    min_message_age: 50,
};

fn id(who: u8) -> MemberId {
    MemberId(Uuid::from_u128(u128::from(who) + 1))
}

fn name(who: u8) -> Name {
    format!("member {who}").parse().unwrap()
}

fn holder(node: u8, tag: u64) -> SessionOwner {
    SessionOwner { node: NodeId(node.into()), tag }
}

/// What a member says with a counter: mostly little, now and then more than a whole log may hold.
fn words(n: u64) -> Text {
    let length = if n % 11 == 10 { LIMITS.history_bytes + 1 } else { 1 + n as usize % 4 };
    text(&"x".repeat(length))
}

fn at(now: Millis) -> Moment {
    Moment { earliest: now, latest: now }
}

type Joined = Result<JoinResult, RoomError>;

fn join(room: &mut Room, now: Millis, who: u8, holder: SessionOwner) -> Joined {
    room.join(now, &LIMITS, &Joiner::new(id(who), &name(who)), holder, at(now))
}

fn room() -> Room {
    Room::new(Epoch::random(), RoomKey::random())
}

#[derive(Clone, Debug)]
enum Step {
    Join { who: u8, node: u8 },
    Leave { who: u8, late: bool },
    Say { who: u8, skip: u64 },
    Repeat { who: u8, back: u64 },
    Touch { node: u8 },
    Wait { ms: Millis },
    Expire,
    Evict { node: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let (who, node) = (0..6_u8, 0..3_u8);
    prop_oneof![
        4 => (who.clone(), node.clone()).prop_map(|(who, node)| Step::Join { who, node }),
        2 => (who.clone(), any::<bool>()).prop_map(|(who, late)| Step::Leave { who, late }),
        8 => (who.clone(), 1..3_u64).prop_map(|(who, skip)| Step::Say { who, skip }),
        3 => (who, 0..4_u64).prop_map(|(who, back)| Step::Repeat { who, back }),
        2 => node.clone().prop_map(|node| Step::Touch { node }),
        3 => (0..400_u64).prop_map(|ms| Step::Wait { ms }),
        2 => Just(Step::Expire),
        1 => node.prop_map(|node| Step::Evict { node }),
    ]
}

/// What must be true of a room, told naively: all that was ever said, and who sits where until when.
#[derive(Default)]
struct Model {
    now: Millis,
    said: Vec<(MemberId, u64, Millis)>,
    seats: HashMap<MemberId, SessionOwner>,
    /// The counter that the room knows of: while seated the last one, on coming back what the log still tells.
    counters: HashMap<MemberId, u64>,
    leases: HashMap<NodeId, Millis>,
    tag: u64,
    joins_and_leaves: u64,
}

impl Model {
    /// The entries that are still to be found: (number, sender, counter).
    fn kept(&self) -> Vec<(u64, MemberId, u64)> {
        let all = (1..).zip(&self.said).map(|(seq, (from, n, at))| (seq, *from, *n, *at));
        let young: Vec<_> = all.filter(|(.., at)| at + LIMITS.history_age > self.now).collect();
        let few = &young[young.len().saturating_sub(LIMITS.history_len)..];
        let mut bytes = 0;
        let fits = |(_, _, n, _): &&(u64, MemberId, u64, Millis)| {
            bytes += words(*n).as_str().len();
            bytes <= LIMITS.history_bytes
        };
        let fit = few.iter().rev().take_while(fits).count().max(1).min(few.len());
        few[few.len() - fit..].iter().map(|(seq, from, n, _)| (*seq, *from, *n)).collect()
    }

    fn last_n(&self, who: MemberId) -> u64 {
        self.said.iter().filter(|(from, ..)| *from == who).map(|(_, n, _)| *n).max().unwrap_or(0)
    }

    fn forget(&mut self, gone: Vec<Member>) {
        for member in gone {
            assert!(self.seats.remove(&member.id).is_some(), "nobody leaves twice");
            self.joins_and_leaves += 1;
        }
    }

    fn run(&mut self, room: &mut Room, step: &Step) {
        match *step {
            Step::Join { who, node } => {
                self.tag += 1;
                let (member, holder) = (id(who), holder(node, self.tag));
                let seated = self.seats.contains_key(&member);
                match join(room, self.now, who, holder) {
                    Ok(joined) => {
                        assert_eq!(joined.new, !seated);
                        self.joins_and_leaves += u64::from(joined.new);
                        if joined.new {
                            let in_log = self
                                .kept()
                                .iter()
                                .filter(|(_, from, _)| *from == member)
                                .map(|(.., n)| *n)
                                .max();
                            self.counters.insert(member, in_log.unwrap_or(0));
                        }
                        assert_eq!(joined.last_n, self.counters[&member]);
                        self.seats.insert(member, holder);
                        self.leases.insert(holder.node, self.now + LIMITS.lease);
                    }
                    Err(refusal) => assert!(
                        refusal == RoomError::RoomFull
                            && !seated
                            && self.seats.len() == LIMITS.members
                    ),
                }
            }
            Step::Leave { who, late } => {
                let member = id(who);
                let known = self.seats.get(&member).copied();
                let holder = known.map_or(holder(0, 0), |known| {
                    if late { SessionOwner { tag: 0, ..known } } else { known }
                });
                let left = room.leave(member, holder);
                assert_eq!(
                    left.is_some(),
                    known == Some(holder),
                    "only the link that holds the seat frees it"
                );
                self.forget(left.map(|gone| gone.members).unwrap_or_default());
            }
            Step::Say { who, skip } => {
                let n = self.last_n(id(who)) + skip;
                match room.publish(self.now, &LIMITS, id(who), n, &words(n)) {
                    Ok(PublishResult { seq, repeated, .. }) => {
                        assert!(!repeated && self.seats.contains_key(&id(who)));
                        self.said.push((id(who), n, self.now));
                        self.counters.insert(id(who), n);
                        assert_eq!(seq, self.said.len() as u64, "numbers have no holes");
                    }
                    Err(refusal) => assert!(
                        refusal == RoomError::NotMember && !self.seats.contains_key(&id(who))
                    ),
                }
            }
            Step::Repeat { who, back } => {
                let n = self.last_n(id(who)).saturating_sub(back);
                let first =
                    (1..).zip(&self.said).find(|(_, (from, m, _))| *from == id(who) && *m == n);
                let Some((seq, (.., at))) = first else { return };
                if self.seats.contains_key(&id(who)) && self.counters[&id(who)] < n {
                    // Both the seat and the log have forgotten it: nothing can tell it from a new one.
                    return;
                }
                let in_log = self.kept().iter().any(|(kept, ..)| *kept == seq);
                match room.publish(self.now, &LIMITS, id(who), n, &text("again")) {
                    Ok(said) => {
                        assert_eq!(
                            said,
                            PublishResult { n, seq, at: *at, repeated: true },
                            "a repeat gets the first answer"
                        )
                    }
                    Err(RoomError::NotMember) => assert!(!self.seats.contains_key(&id(who))),
                    Err(refusal) => assert!(refusal == RoomError::StaleN && !in_log),
                }
            }
            Step::Touch { node } => {
                let node = NodeId(node.into());
                room.touch(self.now, &LIMITS, node);
                if self.seats.values().any(|holder| holder.node == node) {
                    self.leases.insert(node, self.now + LIMITS.lease);
                }
            }
            Step::Wait { ms } => self.now += ms,
            Step::Expire => {
                let gone = room.expire(self.now, &LIMITS).members;
                for member in &gone {
                    assert!(
                        self.leases[&self.seats[&member.id].node] <= self.now,
                        "whose node speaks is not lost"
                    );
                }
                self.forget(gone);
                assert!(
                    self.seats.values().all(|holder| self.leases[&holder.node] > self.now),
                    "whose node is silent is lost"
                );
            }
            Step::Evict { node } => {
                let gone = room.evict(NodeId(node.into())).members;
                self.forget(gone);
                assert!(self.seats.values().all(|holder| holder.node != NodeId(node.into())));
            }
        }
    }

    fn agrees_with(&self, room: &mut Room) {
        let snapshot = room.snapshot(self.now, &LIMITS);
        assert_eq!(snapshot.seq, self.said.len() as u64);
        assert_eq!(snapshot.version, self.joins_and_leaves);
        let kept: Vec<_> =
            snapshot.history.iter().map(|entry| (entry.seq, entry.from, entry.n)).collect();
        assert_eq!(kept, self.kept());
        let seated: HashSet<_> = snapshot.members.iter().map(|member| member.id).collect();
        assert_eq!(seated.len(), snapshot.members.len(), "nobody sits twice");
        assert!(
            snapshot.members.is_sorted_by_key(|member| (member.joined_at, member.id)),
            "in the order they joined"
        );
        assert_eq!(snapshot.count(), snapshot.members.len(), "all of them");
        assert_eq!(seated, self.seats.keys().copied().collect());
        assert_eq!(room.is_empty(), self.seats.is_empty(), "empty means gone");
        for seq in 0..=snapshot.seq {
            let cursor = Cursor { epoch: snapshot.epoch, seq };
            let expected: Vec<u64> = (seq + 1..=snapshot.seq).collect();
            let missed = snapshot
                .since(cursor)
                .map(|missed| missed.iter().map(|entry| entry.seq).collect::<Vec<_>>());
            let reaches = expected.iter().all(|seq| kept.iter().any(|(kept, ..)| kept == seq));
            assert_eq!(
                missed,
                reaches.then_some(expected),
                "a cursor gives exactly what was missed, or nothing"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_interleaving_breaks_a_room(steps in prop::collection::vec(step(), 1..120)) {
        let (mut room, mut model) = (room(), Model::default());
        for step in &steps {
            model.run(&mut room, step);
            model.agrees_with(&mut room);
            if room.is_empty() {
                // The store drops it here; what follows happens to the next life.
                room = self::room();
                model = Model { now: model.now, tag: model.tag, ..Model::default() };
            }
        }
    }
}

#[test]
fn an_old_cursor_never_matches_the_next_life() {
    let (mut first, mut second) = (room(), room());
    for room in [&mut first, &mut second] {
        join(room, 0, 0, holder(0, 1)).unwrap();
        room.publish(0, &LIMITS, id(0), 1, &text("hello")).unwrap();
    }
    let (first, second) = (first.snapshot(0, &LIMITS), second.snapshot(0, &LIMITS));
    let cursor = first.cursor();
    assert!(first.since(cursor).is_some());
    assert!(second.since(cursor).is_none());
    assert!(
        first.since(Cursor { seq: 2, ..cursor }).is_none(),
        "nor does one that lies in the future"
    );
}

#[test]
fn an_entry_is_gone_when_its_time_is_up_though_nobody_writes() {
    let mut room = room();
    join(&mut room, 0, 0, holder(0, 1)).unwrap();
    room.publish(10, &LIMITS, id(0), 1, &text("hello")).unwrap();
    assert_eq!(room.snapshot(10 + LIMITS.history_age - 1, &LIMITS).history.len(), 1);
    assert_eq!(room.snapshot(10 + LIMITS.history_age, &LIMITS).history.len(), 0);
}

#[test]
fn who_comes_back_goes_on_counting() {
    let mut room = room();
    join(&mut room, 0, 0, holder(0, 1)).unwrap();
    join(&mut room, 0, 1, holder(0, 2)).unwrap();
    let first = room.publish(0, &LIMITS, id(1), 7, &text("hello")).unwrap();
    room.leave(id(1), holder(0, 2)).unwrap();
    assert_eq!(join(&mut room, 5, 1, holder(0, 3)).unwrap().last_n, 7);
    let again = room.publish(6, &LIMITS, id(1), 7, &text("hello")).unwrap();
    assert_eq!((again.seq, again.at, again.repeated), (first.seq, first.at, true));
}

#[test]
fn a_full_room_refuses_but_not_its_own() {
    let mut room = room();
    for who in 0..4 {
        join(&mut room, 0, who, holder(0, who.into())).unwrap();
    }
    assert_eq!(join(&mut room, 0, 9, holder(0, 9)), Err(RoomError::RoomFull));
    assert!(!join(&mut room, 0, 3, holder(1, 10)).unwrap().new);
    assert_eq!(room.len(), 4);
}

#[test]
fn who_joins_many_is_told_of_some_of_itself_and_of_the_call() {
    let limits = Limits { members: 10, listed: 3, ..LIMITS };
    let mut room = room();
    let told = |room: &mut Room, who: u8| {
        let room = room.snapshot_for(50, &limits, id(who), None);
        let people: Vec<_> = room
            .members
            .iter()
            .map(|member| (0..10).find(|who| id(*who) == member.id).unwrap())
            .collect();
        (people, room.count())
    };
    for who in 0..10 {
        let (now, owner) = (40 - u64::from(who), holder(0, who.into()));
        room.join(now, &limits, &Joiner::new(id(who), &name(who)), owner, at(now)).unwrap();
        if who == 2 {
            assert_eq!(
                told(&mut room, 0),
                (vec![2, 1, 0], 3),
                "all are no more than may be listed"
            );
        }
    }
    assert_eq!(told(&mut room, 8), (vec![9, 8, 7], 10), "who came first");
    assert_eq!(told(&mut room, 4), (vec![9, 8, 7, 4], 10), "and oneself");
    assert!(
        room.call(id(2), CallMark::since(1)).unwrap()
            && room.call(id(9), CallMark::since(1)).unwrap()
    );
    assert!(!room.call(id(2), CallMark::since(1)).unwrap());
    assert_eq!(told(&mut room, 4), (vec![9, 8, 7, 4, 2], 10), "and who is in the call");
    room.leave(id(9), holder(0, 9)).unwrap();
    room.leave(id(2), holder(0, 2)).unwrap();
    assert_eq!(told(&mut room, 4), (vec![8, 7, 6, 4], 8));
    assert_eq!(room.snapshot(50, &limits).members.len(), 8, "who looks sees all");
    assert_eq!(room.evict(NodeId(0)).members.len(), 8);
    assert_eq!(told(&mut room, 4), (vec![], 0));
}

#[test]
fn of_two_nodes_links_the_one_that_began_later_has_the_seat() {
    let mut room = room();
    let mut come = |now, node, tag, earliest, latest| {
        let (moment, owner) = (Moment { earliest, latest }, holder(node, tag));
        let joined = room.join(now, &LIMITS, &Joiner::new(id(0), &name(0)), owner, moment);
        joined.map(|joined| joined.new)
    };
    assert_eq!(come(100, 0, 1, 100, 100), Ok(true));
    assert_eq!(come(210, 1, 1, 200, 204), Ok(false));
    assert_eq!(come(220, 0, 2, 150, 199), Err(RoomError::Overtaken), "for sure before the other");
    assert_eq!(come(230, 0, 3, 150, 200), Ok(false), "perhaps not before the other");
    assert_eq!(
        come(240, 1, 2, 150, 199),
        Err(RoomError::Overtaken),
        "who took it over holds it since then at least"
    );
    assert_eq!(come(250, 0, 4, 10, 20), Ok(false), "at one node tags decide");
    // The clock was put back: what has the seat since the future does not keep it.
    assert_eq!(come(50, 1, 3, 50, 50), Ok(false));
    assert_eq!(come(60, 0, 5, 60, 60), Ok(false));
    assert_eq!(come(70, 1, 4, 49, 49), Err(RoomError::Overtaken));
}
