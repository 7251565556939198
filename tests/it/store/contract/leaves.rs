//! Leaves, and what is left of a room after its last member.

use parlor::room::LeaveReason;

use super::world::World;
use crate::support::{a_room, name};

pub(super) async fn leave_is_told_with_its_reason<W: World>() {
    let world = W::new().await;
    let (here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    there.join(&room, "Bob").await;
    for (round, reason) in
        [LeaveReason::Left, LeaveReason::Lost, LeaveReason::Shutdown].into_iter().enumerate()
    {
        let ann = here.join(&room, "Ann").await;
        here.store.leave(&room, ann.id, ann.tag, reason).await.unwrap();
        let (member, told, version, count) = there.heard.left().await;
        assert_eq!((member.id, member.name, told, count), (ann.id, name("Ann"), reason, 1));
        assert_eq!(version, 3 + 2 * round as u64);
        assert_eq!(
            member.joined_at,
            ann.room.members.iter().find(|member| member.id == ann.id).unwrap().joined_at
        );
    }
}

pub(super) async fn leave_may_be_repeated<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let room = a_room();
    let (ann, bob) = (node.join(&room, "Ann").await, node.join(&room, "Bob").await);
    for _ in 0..3 {
        node.leave(&room, &ann).await;
    }
    // The last version is that of the next host.
    assert_eq!(node.snapshot(&room).await.unwrap().version, 4);
    for _ in 0..3 {
        node.leave(&room, &bob).await;
    }
    assert_eq!(node.snapshot(&room).await, None);
}

pub(super) async fn room_is_forgotten_when_the_last_member_leaves<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, bob) = (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
    here.publish(&room, ann.id, 1, "a secret").await.unwrap();
    there.leave(&room, &bob).await;
    assert!(!world.is_empty());
    here.leave(&room, &ann).await;
    assert!(world.is_empty());
    assert_eq!(there.snapshot(&room).await, None);
    assert_eq!(there.since(&room, ann.room.cursor()).await, None);
}

pub(super) async fn reborn_room_is_another_life<W: World>() {
    let world = W::new().await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    node.publish(&room, ann.id, 5, "a secret").await.unwrap();
    let cursor = node.snapshot(&room).await.unwrap().cursor();
    node.leave(&room, &ann).await;
    let again = node.join_as(&room, ann.id, "Ann").await.unwrap();
    assert!(again.joined.new);
    assert_eq!((again.joined.last_n, again.room.seq, again.room.version), (0, 0, 1));
    assert_eq!(again.room.history, []);
    assert_ne!(again.room.epoch, ann.room.epoch);
    assert_ne!(again.room.key, ann.room.key);
    assert_eq!(node.since(&room, cursor).await, None);
    assert_eq!(node.publish(&room, ann.id, 5, "anew").await.unwrap().seq, 1);
}

pub(super) async fn key_is_the_same_for_a_whole_life<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    assert_eq!(bob.room.key, ann.room.key);
    here.leave(&room, &ann).await;
    assert_eq!(there.snapshot(&room).await.unwrap().key, ann.room.key);
    assert_eq!(here.join(&room, "Cid").await.room.key, ann.room.key);
}

pub(super) async fn node_is_told_nothing_after_its_last_member_left<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    here.heard.joined().await;
    here.heard.joined().await;
    here.leave(&room, &ann).await;
    for n in 1..=20 {
        there.publish(&room, bob.id, n, "alone").await.unwrap();
        there.heard.entry().await;
    }
    assert_eq!(here.heard.rest(), []);
    // And is told everything again after the next join.
    let back = here.join(&room, "Cid").await;
    assert_eq!(here.heard.joined().await.0.id, back.id);
    there.publish(&room, bob.id, 21, "hello").await.unwrap();
    assert_eq!(here.heard.entry().await.seq, 21);
}
