//! Joins: who is told, what a member sees who joins or comes back, and full rooms.

use std::{collections::HashSet, sync::Arc, time::Duration};

use parlor::room::{
    CallMark, Cursor, Entry, Epoch, Joiner, LeaveReason, Limits, MemberId, RoomError, RoomId,
    Snapshot,
};
use tokio::time::{Instant, sleep};

use super::world::World;
use crate::support::{Node, a_room, name, tag, until};

pub(super) async fn room_is_born_by_its_first_join<W: World>() {
    let world = W::new().await;
    let mut node = world.node().await;
    let room = a_room();
    assert_eq!(node.snapshot(&room).await, None);
    let ann = node.join(&room, "Ann").await;
    assert!(ann.joined.new);
    assert_eq!(ann.joined.last_n, 0);
    assert_eq!((ann.room.seq, ann.room.version, ann.room.history.len()), (0, 1, 0));
    assert_eq!(ann.room.members.len(), 1);
    assert_eq!(ann.room.members[0].id, ann.id);
    assert_eq!(ann.room.members[0].name, name("Ann"));
    assert!(ann.room.members[0].joined_at > 1_700_000_000_000);
    assert_eq!(node.snapshot(&room).await, Some(ann.room.clone()));
    let (member, version, count) = node.heard.joined().await;
    assert_eq!((member, version, count), (ann.room.members[0].clone(), 1, 1));
}

pub(super) async fn everybody_is_told_of_a_join<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    here.heard.joined().await;
    let bob = there.join(&room, "Bob of There").await;
    assert!(bob.joined.new);
    assert_eq!(bob.room.epoch, ann.room.epoch);
    let ids: HashSet<_> = bob.room.members.iter().map(|member| member.id).collect();
    assert_eq!(ids, HashSet::from([ann.id, bob.id]));
    for node in [&mut here, &mut there] {
        let (member, version, count) = node.heard.joined().await;
        assert_eq!((member.id, member.name, version, count), (bob.id, name("Bob of There"), 2, 2));
        let listed = bob.room.members.iter().find(|listed| listed.id == bob.id).unwrap();
        assert_eq!(member.joined_at, listed.joined_at);
    }
    let seen = there.snapshot(&room).await.unwrap();
    assert_eq!(seen, bob.room);
    assert_eq!(there.store.snapshot(&room, false).await.unwrap().unwrap().history, []);
}

/// What a link that takes a member's seat over is shown, having read up to `after`.
async fn resume(node: &Node, room: &RoomId, id: MemberId, after: Cursor) -> (u64, Snapshot) {
    let resumed = node
        .store
        .join(room, &Joiner::new(id, &name("Ann")), tag(), Instant::now(), Some(after))
        .await;
    resumed.map(|(joined, room)| (joined.last_n, room)).unwrap()
}

pub(super) async fn who_comes_back_is_shown_what_they_missed_and_no_more<W: World>() {
    let world = W::with(Limits { history_len: 5, ..Limits::default() }).await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, here.join(&room, "Bob").await);
    for n in 1..=8 {
        here.publish(&room, if n == 5 { bob.id } else { ann.id }, n, &format!("message {n}"))
            .await
            .unwrap();
    }
    let (at, all) = (|seq| Cursor { epoch: ann.room.epoch, seq }, vec![4, 5, 6, 7, 8]);
    for node in [&here, &there, &here] {
        // In another life, beyond the end or before what is kept there is no answer, so they get all.
        let elsewhere = Cursor { epoch: Epoch(ann.room.epoch.0 ^ 1), seq: 7 };
        for (after, missed) in [
            (at(8), Some(vec![])),
            (at(6), Some(vec![7, 8])),
            (at(3), Some(all.clone())),
            (at(2), None),
            (at(9), None),
            (elsewhere, None),
        ] {
            let (last_n, shown) = resume(node, &room, ann.id, after).await;
            let seqs =
                |entries: &[Entry]| entries.iter().map(|entry| entry.seq).collect::<Vec<_>>();
            assert_eq!((last_n, shown.since(after).map(seqs)), (8, missed.clone()), "{after}");
            let most = missed.map_or(all.len(), |missed| (missed.len() + 1).min(all.len()));
            assert!(shown.history.len() <= most, "{after}: {:?}", seqs(&shown.history));
            assert_eq!(
                (shown.seq, shown.version, shown.key, shown.count()),
                (8, 2, ann.room.key, 2)
            );
            assert_eq!(
                shown.members.iter().map(|member| member.id).collect::<HashSet<_>>(),
                [ann.id, bob.id].into()
            );
        }
    }
    // A member that was gone goes on counting after words that they have read.
    let bob = here.join_as(&room, bob.id, "Bob").await.unwrap();
    here.leave(&room, &bob).await;
    let resumed = there
        .store
        .join(&room, &Joiner::new(bob.id, &name("Bob")), tag(), Instant::now(), Some(at(8)))
        .await
        .unwrap();
    assert_eq!((resumed.0.new, resumed.0.last_n), (true, 5));
    assert_eq!(resumed.1.since(at(8)), Some(&[][..]));
}

pub(super) async fn of_a_room_of_many_those_are_shown_who_came_first_and_who_is_in_the_call<
    W: World,
>() {
    let world = W::with(Limits { listed: 3, ..Limits::default() }).await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let mut guests = Vec::new();
    for n in 0..7 {
        guests.push([&here, &there][n % 2].join(&room, &format!("Guest number {n}")).await);
        // Who joined first is told by the millisecond.
        sleep(Duration::from_millis(2)).await;
    }
    here.store.call(&room, guests[4].id, CallMark::since(8)).await.unwrap();
    let mine = |who: usize| guests[who].id;
    for node in [&here, &there] {
        until("the call is known here", async || {
            let shown = node.join_as(&room, mine(6), "Guest number 6").await.unwrap().room;
            assert_eq!(shown.count(), 7);
            let ids: Vec<_> = shown.members.iter().map(|member| member.id).collect();
            assert!([0, 1, 2, 6].iter().all(|who| ids.contains(&mine(*who))), "{ids:?}");
            ids == [0, 1, 2, 4, 6].map(mine)
        })
        .await;
    }
    here.store.leave(&room, mine(0), guests[0].tag, LeaveReason::Left).await.unwrap();
    let shown = here.join_as(&room, mine(1), "Guest number 1").await.unwrap().room;
    assert_eq!(
        (shown.count(), shown.members.iter().map(|member| member.id).collect()),
        (6, [1, 2, 3, 4].map(mine).to_vec())
    );
}

pub(super) async fn one_member_is_found_among_many<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    assert_eq!(here.store.find(&room, None).await, Ok(None));
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
    here.publish(&room, ann.id, 1, "hello").await.unwrap();
    here.store.call(&room, bob.id, CallMark::since(8)).await.unwrap();
    let all = there.snapshot(&room).await.unwrap();
    for id in [Some(bob.id), Some(MemberId::random()), None] {
        let listed: Vec<_> =
            all.members.iter().filter(|member| Some(member.id) == id).cloned().collect();
        let unlisted = 2 - listed.len();
        assert_eq!(listed.len(), usize::from(id == Some(bob.id)));
        let found = here.store.find(&room, id).await.unwrap().unwrap();
        assert_eq!(found, Snapshot { members: listed, unlisted, history: vec![], ..all.clone() });
    }
}

pub(super) async fn full_room_refuses_and_stays_as_it_was<W: World>() {
    let world = W::with(Limits { members: 2, ..Limits::default() }).await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    here.join(&room, "Ann").await;
    let bob = here.join(&room, "Bob").await;
    let refused = there.join_as(&room, MemberId::random(), "Cid").await.map(drop);
    assert_eq!(refused, Err(RoomError::RoomFull.into()));
    assert_eq!(there.snapshot(&room).await, Some(bob.room.clone()));
    here.leave(&room, &bob).await;
    assert!(there.join(&room, "Cid").await.joined.new);
}

pub(super) async fn seated_member_may_take_over_in_a_full_room<W: World>() {
    let world = W::with(Limits { members: 1, ..Limits::default() }).await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    assert!(!there.join_as(&room, ann.id, "Ann").await.unwrap().joined.new);
}

pub(super) async fn forty_joins_under_fire_miss_nothing<W: World>() {
    let world = W::new().await;
    let (here, speaker) = (world.node().await, Arc::new(world.node().await));
    let room = a_room();
    let ann = speaker.join(&room, "Ann").await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let fire = tokio::spawn({
        let (speaker, room) = (Arc::clone(&speaker), room.clone());
        async move {
            let mut n = 0;
            while !*stopped.borrow() {
                n += 1;
                speaker.publish(&room, ann.id, n, "bang").await.unwrap();
            }
            n
        }
    });
    let Node { store, mut heard } = here;
    for _ in 0..40 {
        let (id, tag) = (MemberId::random(), tag());
        let (_, snapshot) = store
            .join(&room, &Joiner::new(id, &name("Bob")), tag, Instant::now(), None)
            .await
            .unwrap();
        let mut next = snapshot.seq + 1;
        while next < snapshot.seq + 20 {
            let entry = heard.entry().await;
            // What lies before the snapshot may be told too.
            if entry.seq >= next {
                assert_eq!(entry.seq, next);
                next += 1;
            }
        }
        store.leave(&room, id, tag, LeaveReason::Left).await.unwrap();
        heard.rest();
    }
    stop.send(true).unwrap();
    let said = fire.await.unwrap();
    assert_eq!(speaker.snapshot(&room).await.unwrap().seq, said);
}

pub(super) async fn leave_against_join_is_whole_or_gone<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    for _ in 0..300 {
        let room = a_room();
        let ann = here.join(&room, "Ann").await;
        here.publish(&room, ann.id, 1, "hello").await.unwrap();
        let ((), bob) = tokio::join!(here.leave(&room, &ann), there.join(&room, "Bob"));
        let seen = there.snapshot(&room).await.unwrap();
        assert_eq!(seen.members.iter().map(|member| member.id).collect::<Vec<_>>(), [bob.id]);
        assert_eq!(seen.epoch, bob.room.epoch);
        if seen.epoch == ann.room.epoch {
            assert_eq!(
                (seen.seq, seen.version, seen.history.len(), seen.key),
                (1, 4, 1, ann.room.key)
            );
        } else {
            assert_eq!((seen.seq, seen.version, seen.history.len()), (0, 1, 0));
        }
        assert_eq!(there.publish(&room, bob.id, 1, "alone").await.unwrap().seq, seen.seq + 1);
        there.leave(&room, &bob).await;
    }
    assert!(world.is_empty());
}
