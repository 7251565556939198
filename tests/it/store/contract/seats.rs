//! Seats: which of two connections has one, and which node is told.

use std::{sync::Arc, time::Duration};

use parlor::{
    room::{Joiner, LeaveReason, RoomError},
    store::{Event, StoreError},
};
use tokio::time::{Instant, sleep};

use super::world::World;
use crate::support::{Node, a_room, name, tag};

pub(super) async fn page_that_unloads_is_told_to_the_node_that_holds_its_seat<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    let unloading =
        |event| if let Event::Unloading { member } = event { Some(member) } else { None };
    // Whatever node hears of it, and wherever the seat has gone.
    for store in [Arc::clone(&there.store), Arc::clone(&here.store)] {
        store.unload(&room, ann.id).await.unwrap();
        assert_eq!(here.heard.find(unloading).await, ann.id);
    }
    let moved = there.join_as(&room, ann.id, "Ann").await.unwrap();
    assert_eq!(here.heard.moved().await, (ann.id, ann.tag));
    assert!(
        there.heard.rest().into_iter().all(|event| unloading(event).is_none()),
        "Bob's node is told nothing"
    );
    there.store.unload(&room, ann.id).await.unwrap();
    assert_eq!(there.heard.find(unloading).await, ann.id);
    let refused = Err(StoreError::Refused(RoomError::NotMember));
    there.leave(&room, &moved).await;
    assert_eq!(there.store.unload(&room, ann.id).await, refused, "who has left has no seat");
    assert_eq!(
        there.store.unload(&a_room(), bob.id).await,
        refused,
        "nor is there one where there is no room"
    );
    assert!(here.heard.rest().into_iter().all(|event| unloading(event).is_none()));
}

pub(super) async fn takeover_is_told_to_nobody_and_voids_the_old_link<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = there.join(&room, "Bob").await;
    let moved = there.join_as(&room, ann.id, "Another Name").await.unwrap();
    assert!(!moved.joined.new);
    assert_eq!(moved.room, bob.room, "neither name nor time nor version change");
    here.leave(&room, &ann).await;
    assert_eq!(there.snapshot(&room).await.unwrap().members.len(), 2);
    // The same at one node.
    let again = there.join_as(&room, ann.id, "Ann").await.unwrap();
    there.leave(&room, &moved).await;
    assert_eq!(there.publish(&room, ann.id, 1, "still here").await.unwrap().seq, 1);
    there.heard.entry().await;
    there.leave(&room, &again).await;
    let (member, reason, version, count) = there.heard.left().await;
    assert_eq!((member.id, reason, version, count), (ann.id, LeaveReason::Left, 3, 1));
    assert!(here.heard.rest().iter().all(|event| !matches!(event, Event::Left { .. })));
    there.leave(&room, &bob).await;
    assert!(world.is_empty());
}

pub(super) async fn of_two_links_of_a_node_the_newer_one_has_the_seat<W: World>() {
    let world = W::new().await;
    let (mut here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let (ann, cid) = (here.join(&room, "Ann").await, there.join(&room, "Cid").await);
    let (older, newer) = (tag(), tag());
    for tag in [newer, older] {
        let (joined, _) = here
            .store
            .join(&room, &Joiner::new(ann.id, &name("Ann")), tag, Instant::now(), None)
            .await
            .unwrap();
        assert!(!joined.new);
    }
    here.store.leave(&room, ann.id, older, LeaveReason::Left).await.unwrap();
    assert_eq!(
        here.snapshot(&room).await.unwrap().members.len(),
        2,
        "the older link's goodbye is void"
    );
    here.store.leave(&room, ann.id, newer, LeaveReason::Left).await.unwrap();
    assert_eq!(there.snapshot(&room).await.unwrap().members.len(), 1);
    there.leave(&room, &cid).await;
    assert!(world.is_empty());
    here.heard.rest();
}

pub(super) async fn seat_that_moves_is_told_to_the_node_that_held_it_and_to_nobody_else<
    W: World,
>() {
    let world = W::new().await;
    let (mut here, mut there, mut third) =
        (world.node().await, world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    let bob = here.join(&room, "Bob").await;
    let cid = third.join(&room, "Cid").await;
    let away = there.join_as(&room, ann.id, "Ann").await.unwrap();
    assert_eq!(here.heard.moved().await, (ann.id, ann.tag));
    // Back again: now it is the other node that loses it. Whatever is said in between is heard once.
    let back = here.join_as(&room, ann.id, "Ann").await.unwrap();
    assert_eq!(there.heard.moved().await, (ann.id, away.tag));
    third.publish(&room, cid.id, 1, "where are you?").await.unwrap();
    assert_eq!(here.heard.entry().await.seq, 1);
    let away = there.join_as(&room, ann.id, "Ann").await.unwrap();
    assert_eq!(here.heard.moved().await, (ann.id, back.tag));
    // The older link may still speak, because it is the same person; but not free the seat.
    assert_eq!(here.publish(&room, ann.id, 1, "here").await.unwrap().seq, 2);
    here.leave(&room, &back).await;
    // The last one: nothing more is told there.
    let gone = there.join_as(&room, bob.id, "Bob").await.unwrap();
    assert_eq!(here.heard.moved().await, (bob.id, bob.tag));
    third.publish(&room, cid.id, 2, "all there now").await.unwrap();
    while there.heard.entry().await.seq < 3 {}
    third.leave(&room, &cid).await;
    there.heard.left().await;
    there.leave(&room, &away).await;
    there.leave(&room, &gone).await;
    assert!(world.is_empty());
    let late: Vec<_> = here
        .heard
        .rest()
        .into_iter()
        .filter(|event| !matches!(event, Event::Said { entry, .. } if entry.seq < 3))
        .collect();
    assert_eq!(late, []);
    third.heard.rest().iter().for_each(|event| {
        assert!(!matches!(event, Event::Moved { .. } | Event::Reset(_)), "{event:?}")
    });
}

pub(super) async fn of_two_nodes_links_the_one_that_began_later_has_the_seat<W: World>() {
    let world = W::new().await;
    let (mut here, mut there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    // Both nodes listen, wherever she sits.
    let bob = here.join(&room, "Bob").await;
    there.join(&room, "Cid").await;
    let come = async |node: &Node, began| {
        let link = tag();
        node.store
            .join(&room, &Joiner::new(ann.id, &name("Ann")), link, began, None)
            .await
            .map(|(joined, _)| (joined.new, link))
    };
    // Nodes know the time only as well as answers are quick: on a busy machine there may have to be more of it between.
    let mut refused = None;
    for pause in [50, 200, 1000, 5000] {
        let late = Instant::now();
        sleep(Duration::from_millis(pause)).await;
        let newer = come(&there, Instant::now()).await.unwrap();
        if come(&here, late).await == Err(StoreError::Refused(RoomError::Overtaken)) {
            refused = Some((late, newer));
            break;
        }
    }
    let (late, (_, newer)) = refused.expect("a join that comes late is refused");
    // Signals are not kept while a node reads the room anew, as it may when a member moves: this comes after that.
    here.publish(&room, bob.id, 1, "who is there?").await.unwrap();
    for node in [&mut here, &mut there] {
        node.heard.entry().await;
    }
    // Nor does it say that a member types, though it may say that it has stopped.
    for (node, typing, began) in
        [(&here, true, late), (&here, false, late), (&there, true, Instant::now())]
    {
        node.store.typing(&room, ann.id, typing, began).await.unwrap();
    }
    for node in [&mut here, &mut there] {
        for expected in [false, true] {
            let typing =
                node.heard
                    .find(|event| {
                        if let Event::Typing { typing, .. } = event { Some(typing) } else { None }
                    })
                    .await;
            assert_eq!(typing, expected);
        }
    }
    // The seat is where it was, and a later join gets it, at any node and at once.
    let mut holder = (&there, newer);
    for node in [&here, &there, &here, &here, &there] {
        let (new, link) = come(node, Instant::now()).await.unwrap();
        assert!(!new);
        holder.0.store.leave(&room, ann.id, holder.1, LeaveReason::Lost).await.unwrap();
        assert_eq!(
            node.snapshot(&room).await.unwrap().members.len(),
            3,
            "the older link's goodbye is void"
        );
        holder = (node, link);
    }
    holder.0.store.leave(&room, ann.id, holder.1, LeaveReason::Left).await.unwrap();
    assert_eq!(here.snapshot(&room).await.unwrap().members.len(), 2);
    // The seat is free: the late one gets it.
    assert!(come(&here, late).await.unwrap().0);
}

pub(super) async fn takeover_knows_the_last_n<W: World>() {
    let world = W::new().await;
    let (here, there) = (world.node().await, world.node().await);
    let room = a_room();
    let ann = here.join(&room, "Ann").await;
    here.publish(&room, ann.id, 41, "hello").await.unwrap();
    let first = here.publish(&room, ann.id, 42, "hello").await.unwrap();
    let moved = there.join_as(&room, ann.id, "Ann").await.unwrap();
    assert_eq!((moved.joined.new, moved.joined.last_n), (false, 42));
    let again = there.publish(&room, ann.id, 42, "hello").await.unwrap();
    assert_eq!((again.seq, again.at, again.repeated), (first.seq, first.at, true));
}
