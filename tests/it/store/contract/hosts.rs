//! Hosts: who is one, and what it may do to members.

use std::time::Duration;

use parlor::{
    room::{
        Address, Amendment, HostAction, Joiner, LeaveReason, Limits, Lock, MemberId, Message,
        RoomError, RoomId, Text, Title,
    },
    store::{Event, StoreError},
};

use super::world::World;
use crate::support::{Guest, Node, a_room, entry, name, text, until};

pub(super) fn refused<T>(refusal: RoomError) -> Result<T, StoreError> {
    Err(refusal.into())
}

pub(super) async fn decides(node: &Node, room: &RoomId, by: &Guest, action: HostAction) {
    node.store.decide(room, by.id, &action).await.unwrap();
}

pub(super) fn kick(member: MemberId, address: bool) -> HostAction {
    HostAction::Kick { member, address }
}

pub(super) fn mute(member: MemberId, muted: bool) -> HostAction {
    HostAction::Mute { member, muted }
}

pub(super) async fn the_first_member_is_the_host<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    assert_eq!(ann.room.rules.host, Some(ann.id));
    let bob = there.join(&room, "Bob").await;
    assert_eq!(bob.room.rules.host, Some(ann.id));
    assert_eq!(there.store.find(&room, None).await.unwrap().unwrap().rules.host, Some(ann.id));
    // Another connection, at whatever node, changes nothing.
    there.join_as(&room, ann.id, "Ann").await.unwrap();
    let seen = there.snapshot(&room).await.unwrap();
    assert_eq!((seen.rules.host, seen.version), (Some(ann.id), 2));
}

pub(super) async fn no_member_hosts_where_there_are_no_hosts<W: World>() {
    let world = W::with(Limits { hosts: false, ..Limits::default() }).await;
    let node = world.node().await;
    let room = a_room();
    let ann = node.join(&room, "Ann").await;
    assert_eq!(ann.room.rules.host, None);
    let lock = HostAction::Lock(Lock::Locked);
    assert_eq!(node.store.decide(&room, ann.id, &lock).await, refused(RoomError::NotHost));
    assert_eq!(node.store.burn(&room, Some(ann.id)).await, refused(RoomError::NotHost));
}

pub(super) async fn the_right_of_a_host_that_leaves_passes_to_the_oldest_member<W: World>() {
    let world = W::new().await;
    let (here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let mut others = Vec::new();
    for who in ["Bob", "Cid", "Dan"] {
        // In different milliseconds, so that their order is known.
        tokio::time::sleep(Duration::from_millis(3)).await;
        others.push(there.join(&room, who).await);
    }
    decides(&here, &room, &ann, mute(others[1].id, true)).await;
    there.heard.rules().await;
    here.leave(&room, &ann).await;
    assert_eq!(there.heard.left().await.2, 6);
    let (rules, host, version, count) = there.heard.rules().await;
    assert_eq!((rules.host, host), (Some(others[0].id), Some(name("Bob"))));
    assert_eq!((version, count), (7, 3));
    assert_eq!(rules.muted, [others[1].id]);
    // Who is not the host takes nothing but what was decided of it.
    there.leave(&room, &others[1]).await;
    let (rules, host, version, _) = there.heard.rules().await;
    assert_eq!((rules.host, host, version), (Some(others[0].id), Some(name("Bob")), 9));
    assert!(rules.muted.is_empty());
    there.leave(&room, &others[2]).await;
    assert_eq!(there.heard.left().await.2, 10);
    let seen = there.snapshot(&room).await.unwrap();
    assert_eq!((seen.rules.host, seen.version), (Some(others[0].id), 10));
    assert!(!there.heard.rest().iter().any(|event| matches!(event, Event::Rules { .. })));
}

pub(super) async fn the_right_of_a_host_whose_node_falls_silent_passes_on<W: World>() {
    let world = W::with(Limits { lease: 900, ..Limits::default() }).await;
    let (here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    drop(here);
    let (gone, reason, ..) = there.heard.left().await;
    assert_eq!((gone.id, reason), (ann.id, LeaveReason::NodeLost));
    let (rules, host, version, count) = there.heard.rules().await;
    assert_eq!((rules.host, host, version, count), (Some(bob.id), Some(name("Bob")), 4, 1));
}

pub(super) async fn only_the_host_decides<W: World>() {
    let world = W::new().await;
    let (here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    let stranger = MemberId::random();
    let title = HostAction::Topic("Tea".parse::<Title>().unwrap());
    assert_eq!(there.store.decide(&room, bob.id, &title).await, refused(RoomError::NotHost));
    assert_eq!(there.store.decide(&room, stranger, &title).await, refused(RoomError::NotMember));
    assert_eq!(there.store.decide(&a_room(), bob.id, &title).await, refused(RoomError::NotMember));
    for (action, refusal) in [
        (kick(stranger, true), RoomError::NoMember),
        (kick(ann.id, true), RoomError::BadTarget),
        (mute(ann.id, true), RoomError::BadTarget),
        (mute(stranger, true), RoomError::NoMember),
        (HostAction::Host(stranger), RoomError::NoMember),
        (HostAction::Admit(stranger), RoomError::NoMember),
        (HostAction::Refuse(bob.id), RoomError::NoMember),
    ] {
        assert_eq!(
            there.store.decide(&room, ann.id, &action).await,
            refused(refusal),
            "{action:?}"
        );
    }
    assert_eq!(there.snapshot(&room).await.unwrap().version, 2, "nothing has changed");
    // A decision may come from any node; what changes nothing is no version.
    for _ in 0..2 {
        decides(&there, &room, &ann, title.clone()).await;
    }
    let (rules, host, version, count) = there.heard.rules().await;
    assert_eq!((rules.title.as_str(), host, version, count), ("Tea", Some(name("Ann")), 3, 2));
    decides(&here, &room, &ann, HostAction::Host(bob.id)).await;
    let (rules, host, version, _) = there.heard.rules().await;
    assert_eq!((rules.host, host, version), (Some(bob.id), Some(name("Bob")), 4));
    assert_eq!(here.store.decide(&room, ann.id, &title).await, refused(RoomError::NotHost));
}

pub(super) async fn a_kicked_member_leaves_at_once_and_stays_out<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    let cid = there.join(&room, "Cid").await;
    decides(&here, &room, &ann, kick(bob.id, true)).await;
    for node in [&mut here, &mut there] {
        let (gone, reason, version, count) = node.heard.left().await;
        assert_eq!((gone.id, reason, version, count), (bob.id, LeaveReason::Kicked, 4, 2));
        let (rules, _, version, count) = node.heard.rules().await;
        assert!(rules.has_kicked(bob.id) && !rules.has_kicked(cid.id));
        assert_eq!((version, count), (5, 2));
    }
    assert_eq!(there.publish(&room, bob.id, 1, "no").await, refused(RoomError::NotMember));
    for node in [&here, &there] {
        let back = node.join_as(&room, bob.id, "Bob").await.map(drop);
        assert_eq!(back, refused(RoomError::Kicked));
    }
    // Nobody else is banned, and who is there stays.
    there.join(&room, "Bob").await;
    there.join_as(&room, cid.id, "Cid").await.unwrap();
    // What the end of the connection does afterwards is void.
    there.leave(&room, &bob).await;
    assert_eq!(there.snapshot(&room).await.unwrap().count(), 3);
    let moved = there.heard.rest();
    assert!(!moved.iter().any(|event| matches!(event, Event::Moved { .. })), "{moved:?}");
}

pub(super) async fn a_kick_takes_the_account_and_the_address_with_it<W: World>() {
    let world = W::new().await;
    let (here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let (account, plain) = (name("Bob").verified(), name("Cid"));
    let at = |last| Some(Address([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, last]));
    let joiner = |name, address| Joiner { address, ..Joiner::new(MemberId::random(), name) };
    let mut sessions = Vec::new();
    for address in [at(1), None] {
        sessions.push(there.ask_to_join(&room, &joiner(&account, address)).await.unwrap());
    }
    let neighbour = there.ask_to_join(&room, &joiner(&plain, at(1))).await.unwrap();
    decides(&here, &room, &ann, kick(sessions[0].id, true)).await;
    let mut gone = vec![there.heard.left().await.0.id, there.heard.left().await.0.id];
    let mut expected: Vec<_> = sessions.iter().map(|session| session.id).collect();
    gone.sort_unstable();
    expected.sort_unstable();
    assert_eq!(gone, expected);
    assert_eq!(there.snapshot(&room).await.unwrap().count(), 2, "who is seated stays");
    for (name, address) in [(&account, at(2)), (&account, None), (&plain, at(1))] {
        for node in [&here, &there] {
            let refusal = node.ask_to_join(&room, &joiner(name, address)).await.map(drop);
            assert_eq!(refusal, refused(RoomError::Kicked), "{name} {address:?}");
        }
    }
    let namesake = name("Bob");
    there.ask_to_join(&room, &joiner(&namesake, at(2))).await.unwrap();
    // Without its address.
    decides(&here, &room, &ann, kick(neighbour.id, false)).await;
    there.ask_to_join(&room, &joiner(&plain, at(3))).await.unwrap();
    let dan = there.ask_to_join(&room, &joiner(&plain, at(4))).await.unwrap();
    decides(&here, &room, &ann, kick(dan.id, false)).await;
    there.ask_to_join(&room, &joiner(&plain, at(4))).await.unwrap();
}

pub(super) async fn a_kicked_member_leaves_no_node_behind<W: World>() {
    let world = W::new().await;
    let (here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    there.heard.joined().await;
    decides(&here, &room, &ann, kick(bob.id, true)).await;
    assert_eq!(there.heard.left().await.1, LeaveReason::Kicked);
    here.publish(&room, ann.id, 1, "alone").await.unwrap();
    // Its node has no member any more, and hears nothing of the room until it has.
    let cid = there.join(&room, "Cid").await;
    assert_eq!((cid.room.seq, cid.room.count(), cid.room.version), (1, 2, 5));
    assert_eq!(cid.room.rules.host, Some(ann.id));
    assert!(cid.room.rules.has_kicked(bob.id));
    let (member, version, _) = there.heard.joined().await;
    assert_eq!((member.id, version), (cid.id, 5));
}

pub(super) async fn a_muted_member_reads_on<W: World>() {
    let world = W::new().await;
    let (here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    let first = there.publish(&room, bob.id, 1, "before").await.unwrap();
    decides(&here, &room, &ann, mute(bob.id, true)).await;
    assert_eq!(there.heard.rules().await.0.muted, [bob.id]);
    assert_eq!(there.publish(&room, bob.id, 2, "no").await, refused(RoomError::Muted));
    let edit = Text::from(Amendment::Edit { target: first.seq, text: Some("no") });
    let reply = Text::from(Message { reply_to: Some(1), text: "no", ..Message::default() });
    for said in [text("no"), edit, reply] {
        let answer = there.store.publish(&room, bob.id, entry(None, &said)).await;
        assert_eq!(answer, refused(RoomError::Muted));
    }
    let again = there.publish(&room, bob.id, 1, "before").await.unwrap();
    assert!(again.repeated && again.seq == first.seq, "what was taken is known");
    here.publish(&room, ann.id, 1, "hello").await.unwrap();
    assert_eq!(there.heard.entry().await.seq, 2);
    // The rule stays with another connection.
    let back = here.join_as(&room, bob.id, "Bob").await.unwrap();
    assert_eq!(back.room.rules.muted, [bob.id]);
    assert_eq!(here.publish(&room, bob.id, 3, "no").await, refused(RoomError::Muted));
    decides(&here, &room, &ann, mute(bob.id, false)).await;
    assert_eq!(here.publish(&room, bob.id, 3, "yes").await.unwrap().seq, 3);
}

pub(super) async fn the_host_deletes_any_message<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    here.publish(&room, ann.id, 1, "mine").await.unwrap();
    there.publish(&room, bob.id, 1, "a secret").await.unwrap();
    let delete = |target| entry(None, &Amendment::Delete { target }.into());
    let edit = entry(None, &Amendment::Edit { target: 2, text: Some("words") }.into());
    assert_eq!(here.store.publish(&room, ann.id, edit).await, refused(RoomError::NotYours));
    let by_bob = there.store.publish(&room, bob.id, delete(1)).await;
    assert_eq!(by_bob, refused(RoomError::NotYours));
    assert_eq!(here.store.publish(&room, ann.id, delete(2)).await.unwrap().seq, 3);
    let seen = there.snapshot(&room).await.unwrap();
    until("the text is gone", async || {
        !format!("{:?}", seen.history).contains("a secret") && seen.seq == 3
    })
    .await;
}
