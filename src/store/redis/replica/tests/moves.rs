//! Sessions that go to another node, or are ended there.

use super::*;

#[test]
fn seat_that_was_taken_and_moved_and_left_unheard_is_let_go_of() {
    let (mut replica, mut told) = live();
    replica.mark_gap();
    replica.add_session(member_of(4).id, session(4, 4, 4));
    let now = RoomState { moves: 1, ..room(5, 5, &[1, 2, 3], 5..=5) };
    assert!(!replica.forks(&now));
    replica.fill(now, true, &mut |event| note(&mut told, event));
    assert_eq!(
        (told, replica.sessions().len()),
        (vec!["moved 4 of 4".to_owned(), "unchanged at 5, 3 heads".to_owned()], 1)
    );
}

#[test]
fn node_taken_for_dead_hears_it_by_its_members() {
    let (mut replica, mut told) = live();
    receive(
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
    receive(&mut replica, &mut told, [left(4, 1, LeaveReason::Left)]);
    assert_eq!(
        told,
        ["moved 1 of 1"],
        "its link is closed, and nobody else of this node is there to be told"
    );
    assert!(replica.sessions().is_empty() && replica.is_faulty());
    // But a late message about an earlier session is not about this one.
    let (mut replica, mut told) = live();
    replica.add_session(member_of(1).id, session(1, 2, 5));
    receive(&mut replica, &mut told, [left(4, 1, LeaveReason::Left), joined(5, 1)]);
    assert_eq!(replica.sessions().len(), 1);
}

#[test]
fn seat_that_moved_away_is_let_go_of_and_a_newer_one_is_kept() {
    let (mut replica, mut told) = live();
    receive(&mut replica, &mut told, [moved(1, 2, THERE, 9), moved(2, 1, THERE, 1)]);
    assert_eq!(
        (told.len(), replica.sessions().len(), replica.is_faulty()),
        (0, 1, false),
        "others move as they like"
    );
    // It is taken again here and moves away from there, in whatever order the messages come.
    replica.add_session(member_of(1).id, session(1, 5, 3));
    receive(&mut replica, &mut told, [moved(3, 1, HERE, 1)]);
    assert_eq!((told.len(), replica.is_faulty()), (0, false));
    receive(&mut replica, &mut told, [moved(4, 1, HERE, 5), said(6)]);
    assert_eq!(told, ["moved 1 of 5"], "and then nothing more");
    assert!(replica.sessions().is_empty() && replica.is_faulty());
}

#[test]
fn lost_news_of_a_move_are_found_when_the_room_is_read_again() {
    let away = |moves| RoomState {
        moves,
        sessions: vec![(member_of(1).id, THERE, 0)],
        ..room(5, 3, &[1, 2, 3], 6..6)
    };
    let message: [&dyn Fn(&mut RoomReplica); 3] = [
        // A message about another move comes.
        &|replica| receive(replica, &mut Vec::new(), [moved(2, 3, THERE, 7)]),
        // The message about the session here comes only after it has moved away.
        &|replica| receive(replica, &mut Vec::new(), [moved(1, 1, HERE, 2)]),
        // A renewal counts one more.
        &|replica| {
            let now = Instant::now();
            assert!(replica.expect(Position { moves: 1, ..position(5, 3) }, now));
            let position = replica.overdue(replica.alarm().unwrap()).unwrap();
            assert!(replica.missed(position));
        },
    ];
    for message in message {
        let (mut replica, mut told) = live();
        replica.add_session(member_of(2).id, session(2, 3, 2));
        message(&mut replica);
        assert!(replica.is_filling());
        let mut now = away(2);
        now.sessions.push((member_of(2).id, HERE, 0));
        replica.fill(now, true, &mut |event| note(&mut told, event));
        assert_eq!(told, ["moved 1 of 1"]);
        assert!(replica.sessions().keys().eq([&member_of(2).id]) && !replica.is_filling());
    }
    // A session that is newer than what another node believes in is not given up.
    let (mut replica, mut told) = live();
    replica.add_session(member_of(1).id, HeldSession { since: 9, ..session(1, 4, 3) });
    replica.mark_gap();
    replica.fill(away(0), true, &mut |event| note(&mut told, event));
    assert_eq!((told.len(), replica.sessions().len()), (0, 1));
}

#[test]
fn who_is_leaving_need_not_be_told_to_be_gone() {
    for message in [left(4, 1, LeaveReason::Left), moved(1, 1, HERE, 1)] {
        let (mut replica, mut told) = live();
        replica.add_session(member_of(2).id, session(2, 2, 2));
        assert!(
            !replica.mark_leaving(member_of(1).id, 7) && replica.mark_leaving(member_of(1).id, 1)
        );
        receive(&mut replica, &mut told, [message]);
        assert!(
            replica.sessions().len() == 1 && told.iter().all(|told| told.starts_with("left")),
            "{told:?}"
        );
    }
}

#[test]
fn who_joins_while_the_last_seat_moves_away_hears_nothing_twice() {
    let (mut replica, mut told) = live();
    // The answer to a join says 5 and 4. Before it comes, later messages come, and the only session moves away.
    receive(
        &mut replica,
        &mut told,
        [joined(4, 4), said(6), said(7), moved(1, 1, HERE, 1), said(8)],
    );
    replica.add_session(member_of(4).id, session(4, 9, 4));
    replica.open(&room(5, 4, &[1, 2, 3, 4], 1..=5), Some(member_of(4).id), &mut |event| {
        note(&mut told, event)
    });
    receive(&mut replica, &mut told, [said(9)]);
    assert_eq!(
        told.iter().filter(|told| told.starts_with("said")).collect::<Vec<_>>(),
        ["said 6", "said 7", "said 8", "said 9"]
    );
    assert!(
        !replica.is_filling() && told.iter().filter(|told| told.starts_with("joined")).count() == 1,
        "{told:?}"
    );
}
