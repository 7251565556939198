//! What a failover of Redis lost.

use super::*;

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
        assert_eq!((told, replica.sessions().len()), (vec!["reset to 5".to_owned()], 1));
    }
    // So is another node's, if as many joins and leaves as there were cannot explain the members.
    let (mut replica, _) = live();
    replica.mark_unsubscribed();
    assert!(replica.forks(&room(5, 4, &[1, 3, 4], 5..=5)) && replica.take_evicted());
    // A member that has moved and left from there, or whose leave is under way, is gone.
    let moves: [&dyn Fn(&mut RoomReplica); 3] = [
        &|_| {},
        &|replica| receive(replica, &mut Vec::new(), [moved(2, 3, THERE, 7)]),
        &|replica| receive(replica, &mut Vec::new(), [moved(1, 1, HERE, 2)]),
    ];
    for message in moves {
        let (mut replica, mut told) = live();
        replica.add_session(member_of(2).id, session(2, 3, 2));
        message(&mut replica);
        replica.mark_gap();
        let now = || RoomState {
            moves: 2,
            sessions: vec![(member_of(2).id, HERE, 0)],
            ..room(5, 4, &[2, 3], 5..=5)
        };
        assert!(!replica.forks(&now()));
        replica.fill(now(), true, &mut |event| note(&mut told, event));
        assert_eq!(told, ["moved 1 of 1", "left 1 at 4, 2 heads"]);
    }
    let (mut replica, _) = live();
    assert!(replica.mark_leaving(member_of(1).id, 1));
    replica.mark_gap();
    assert!(!replica.forks(&room(5, 4, &[2, 3], 5..=5)));
}
