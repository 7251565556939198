//! Rules that change, members that are removed, and rooms that are ended.

use super::*;
use crate::{
    room::{Ban, EndCause, RoomEnd},
    store::redis::codec,
};

fn rules(host: u128, kicked: &[u128]) -> Arc<RoomRules> {
    let bans = kicked.iter().map(|who| Ban::member(member_of(*who).id)).collect();
    Arc::new(RoomRules { host: Some(member_of(host).id), bans, ..RoomRules::default() })
}

fn decided(version: u64, host: u128) -> BrokerMessage {
    let rules = rules(host, &[]);
    BrokerMessage::Rules { epoch: LIFE, version, count: 0, host: None, rules }
}

fn burned(key: RoomKey) -> BrokerMessage {
    let end = RoomEnd {
        room: "general".parse().unwrap(),
        epoch: LIFE,
        cause: EndCause::Burned,
        entries: 0,
        bytes: 0,
        members: 3,
        files: 0,
        keys: Vec::new(),
        keys_left: 0,
    };
    BrokerMessage::Burned { life: codec::life(&key).as_str().into(), end: Arc::new(end) }
}

#[test]
fn rules_are_a_version_and_what_was_missed_is_found() {
    let (mut replica, mut told) = live();
    receive(&mut replica, &mut told, [decided(4, 1), decided(4, 2), decided(6, 3)]);
    assert_eq!((told.as_slice(), replica.is_filling()), (&["1 hosts at 4".to_owned()][..], true));
    assert_eq!(replica.rules().host, Some(member_of(1).id));
    let mut read = room(5, 6, &[1, 2, 3], 1..=5);
    read.room.rules = rules(3, &[]);
    replica.refill();
    assert!(!replica.forks(&read));
    replica.fill(read, true, &mut |event| note(&mut told, event));
    assert_eq!(told, ["1 hosts at 4", "3 hosts at 6"]);
    assert_eq!(replica.rules().host, Some(member_of(3).id));
}

#[test]
fn a_removed_member_of_this_node_is_told_by_its_leave_alone() {
    let (mut replica, mut told) = live();
    replica.add_session(member_of(2).id, session(2, 2, 3));
    receive(&mut replica, &mut told, [left(4, 2, LeaveReason::Kicked)]);
    assert_eq!(told, ["kicked 2 at 4, 0 heads"]);
    assert!(!replica.is_faulty() && replica.sessions().len() == 1);
    // With the last one, the stream ends.
    receive(&mut replica, &mut told, [left(5, 1, LeaveReason::Kicked), said(6)]);
    assert_eq!(told[1..], ["kicked 1 at 5, 0 heads"]);
    assert!(replica.is_faulty() && replica.sessions().is_empty());
}

#[test]
fn a_removal_that_was_missed_is_found_and_nobody_is_brought_back() {
    for (epoch, alone) in [(LIFE, false), (LIFE, true), (Epoch(8), false), (Epoch(8), true)] {
        let (mut replica, mut told) = live();
        if !alone {
            replica.add_session(member_of(2).id, session(2, 2, 3));
        }
        replica.mark_gap();
        replica.refill();
        let mut read = room(5, 5, &[2, 3], 1..=5);
        (read.room.rules, read.room.epoch) = (rules(2, &[1]), epoch);
        read.sessions = vec![(member_of(2).id, HERE, 0)];
        assert!(!replica.forks(&read) && !replica.take_evicted(), "{epoch:?} {alone}");
        replica.fill(read, true, &mut |event| note(&mut told, event));
        let kicked = |version| format!("kicked 1 at {version}, 2 heads");
        let expected = match (epoch == LIFE, alone) {
            (_, true) => vec![kicked(4)],
            (true, false) => vec![kicked(4), "2 hosts at 5".to_owned()],
            (false, false) => vec![kicked(4), "reset to 5".to_owned()],
        };
        assert_eq!(told, expected, "{epoch:?} {alone}");
        assert!(!replica.sessions().contains_key(&member_of(1).id));
    }
}

#[test]
fn the_end_of_this_life_ends_all_sessions_whatever_was_missed() {
    for filling in [false, true] {
        let (mut replica, mut told) = live();
        if filling {
            replica.mark_gap();
        }
        receive(&mut replica, &mut told, [burned(RoomKey([2; 32]))]);
        assert!(told.is_empty() && replica.sessions().len() == 1, "of another life");
        receive(&mut replica, &mut told, [burned(RoomKey([1; 32])), burned(RoomKey([1; 32]))]);
        assert_eq!(told, ["burned with 3 members"], "{filling}");
        assert!(replica.sessions().is_empty() && replica.is_faulty());
        assert!(replica.has_ended(&RoomKey([1; 32])) && !replica.has_ended(&RoomKey([2; 32])));
        // Another member joins here: the next life begins.
        replica.add_session(member_of(4).id, session(4, 4, 1));
        let mut next = room(0, 1, &[4], std::iter::empty());
        (next.room.key, next.room.epoch) = (RoomKey([2; 32]), Epoch(8));
        replica.open(&next, None, &mut |_| panic!("nothing of the life before"));
        receive(&mut replica, &mut told, [burned(RoomKey([1; 32]))]);
        assert_eq!(replica.sessions().len(), 1);
    }
}

#[test]
fn a_member_of_the_next_life_stays() {
    let (mut replica, mut told) = live();
    replica.add_session(member_of(4).id, HeldSession { key: RoomKey([2; 32]), ..session(4, 4, 1) });
    receive(&mut replica, &mut told, [burned(RoomKey([1; 32]))]);
    assert_eq!(replica.sessions().keys().collect::<Vec<_>>(), [&member_of(4).id]);
    let mut next = room(0, 1, &[4], std::iter::empty());
    (next.room.key, next.room.epoch) = (RoomKey([2; 32]), Epoch(8));
    next.sessions = vec![(member_of(4).id, HERE, 0)];
    replica.fill(next, true, &mut |event| note(&mut told, event));
    assert_eq!(told, ["burned with 3 members", "reset to 0"]);
    receive(&mut replica, &mut told, [burned(RoomKey([1; 32]))]);
    assert_eq!(replica.sessions().len(), 1);
}

#[test]
fn a_room_that_is_ended_before_the_answer_to_a_join_is_known_to_be() {
    let (mut replica, mut told) = (RoomReplica::new(HERE), Vec::new());
    receive(&mut replica, &mut told, [burned(RoomKey([1; 32]))]);
    replica.add_session(member_of(1).id, session(1, 1, 3));
    replica.open(&room(5, 3, &[1, 2, 3], 1..=5), None, &mut |event| note(&mut told, event));
    assert_eq!(told, ["burned with 3 members"]);
    assert!(replica.has_ended(&RoomKey([1; 32])));
}
