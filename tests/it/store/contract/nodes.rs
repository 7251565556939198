//! Nodes that close or fall silent, and rooms beside each other.

use std::{collections::HashSet, time::Duration};

use parlor::{
    room::{LeaveReason, Limits, RoomError},
    store::Event,
};

use super::world::World;
use crate::support::{a_room, until};

pub(super) async fn closing_node_takes_its_members_along<W: World>() {
    let world = W::new().await;
    let (here, mut there) = (world.node().await, world.node().await);
    let (room, lonely) = (a_room(), a_room());
    let bob = there.join(&room, "Bob").await;
    let ann = here.join(&room, "Ann").await;
    let cid = here.join(&room, "Cid").await;
    let moved = here.join(&room, "Dan").await;
    there.join_as(&room, moved.id, "Dan").await.unwrap();
    here.join(&lonely, "Eve").await;
    here.store.close().await;
    let mut gone = HashSet::new();
    for count in [3, 2] {
        let (member, reason, _, heads) = there.heard.left().await;
        assert_eq!((reason, heads), (LeaveReason::Shutdown, count));
        gone.insert(member.id);
    }
    assert_eq!(gone, HashSet::from([ann.id, cid.id]));
    let stayed: HashSet<_> =
        there.snapshot(&room).await.unwrap().members.iter().map(|member| member.id).collect();
    assert_eq!(stayed, HashSet::from([bob.id, moved.id]));
    assert_eq!(there.snapshot(&lonely).await, None);
}

pub(super) async fn silent_node_loses_its_members_exactly_once<W: World>() {
    let world = W::with(Limits { lease: 900, ..Limits::default() }).await;
    let (here, mut there, mut third) = (world.node().await, world.node().await, world.node().await);
    let room = a_room();
    let bob = there.join(&room, "Bob").await;
    let cid = third.join(&room, "Cid").await;
    let lost = [here.join(&room, "Ann").await.id, here.join(&room, "Dan").await.id];
    there.publish(&room, bob.id, 1, "hello").await.unwrap();
    drop(here);
    for node in [&mut there, &mut third] {
        let mut gone = HashSet::new();
        for (version, heads) in [(5, 3), (6, 2)] {
            let (member, reason, at, count) = node.heard.left().await;
            assert_eq!((reason, at, count), (LeaveReason::NodeLost, version, heads));
            gone.insert(member.id);
        }
        assert_eq!(gone, HashSet::from(lost));
    }
    // The survivors stay for longer than a lease, and hear nothing more of it.
    let begun = tokio::time::Instant::now();
    until("two leases pass", async || begun.elapsed() > Duration::from_millis(1800)).await;
    for node in [&mut there, &mut third] {
        assert_eq!(
            node.heard
                .rest()
                .into_iter()
                .filter(|event| matches!(event, Event::Left { .. } | Event::Reset(_)))
                .count(),
            0
        );
    }
    let seen = there.snapshot(&room).await.unwrap();
    assert_eq!(
        seen.members.iter().map(|member| member.id).collect::<HashSet<_>>(),
        HashSet::from([bob.id, cid.id])
    );
    assert_eq!((seen.seq, seen.version), (1, 6));
}

pub(super) async fn lonely_room_of_a_dead_node_is_gone<W: World>() {
    let world = W::with(Limits { lease: 600, ..Limits::default() }).await;
    let (here, there) = (world.node().await, world.node().await);
    let (room, forgotten) = (a_room(), a_room());
    let ann = here.join(&room, "Ann").await;
    here.publish(&room, ann.id, 1, "a secret").await.unwrap();
    here.join(&forgotten, "Ann").await;
    drop(here);
    until("the room is gone", async || there.snapshot(&room).await.is_none()).await;
    let bob = there.join(&room, "Bob").await;
    assert_ne!(bob.room.epoch, ann.room.epoch);
    assert_ne!(bob.room.key, ann.room.key);
    assert_eq!((bob.room.seq, bob.room.version, bob.room.members.len()), (0, 1, 1));
    there.leave(&room, &bob).await;
    until("nothing is left of the other room either", async || world.is_empty()).await;
}

pub(super) async fn rooms_do_not_hear_each_other<W: World>() {
    let world = W::new().await;
    let mut node = world.node().await;
    let (room, other) = (a_room(), a_room());
    let ann = node.join(&room, "Ann").await;
    let bob = node.join(&other, "Bob").await;
    assert_ne!(ann.room.key, bob.room.key);
    assert_ne!(ann.room.epoch, bob.room.epoch);
    node.publish(&room, ann.id, 1, "here").await.unwrap();
    assert_eq!(node.publish(&other, ann.id, 1, "there").await, Err(RoomError::NotMember.into()));
    assert_eq!(node.publish(&other, bob.id, 1, "there").await.unwrap().seq, 1);
    node.heard.entry().await;
    node.heard.entry().await;
    assert_eq!(node.snapshot(&other).await.unwrap().history.len(), 1);
}
