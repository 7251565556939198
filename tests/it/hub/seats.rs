//! Which link has a seat.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use parlor::{
    hub::{Hub, RoomRegistry},
    protocol::ApiError,
    room::{Epoch, NodeId, Snapshot},
    store::{Event, EventHandler, Store, memory::Memory},
};
use tokio::{sync::mpsc::unbounded_channel, time::Instant};

use super::{Ear, When, enter, hub, now, stage};
use crate::support::hub_config::config;

#[tokio::test(start_paused = true)]
async fn a_request_that_waited_does_not_take_the_seat_of_a_link_that_came_later() {
    let stage = stage();
    let mut bob = enter(&stage.hub, "r", "Bob", None).await;
    let ann = enter(&stage.hub, "r", "Ann", None).await;
    assert_eq!(bob.hears().await["user"], "Ann");
    let (late, room) = (now(), "r".parse().unwrap());
    let (ticket, welcome) =
        (ann.welcome["ticket"].as_str().unwrap().to_owned(), ann.welcome.clone());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut back = enter(&stage.hub, "r", "Ann", Some(&welcome)).await;
    let (ear, mut heard) = unbounded_channel();
    let taken = stage.hub.resume(&room, &ticket, late, None, Arc::new(Ear(ear))).await.map(drop);
    assert_eq!(taken, Err(ApiError::Replaced));
    stage.hub.leave_by_ticket(&room, &ticket, late.began).await.unwrap();
    assert!(heard.try_recv().is_err());
    back.publish(Some(1), "still here").await.unwrap();
    assert_eq!(
        (bob.hears().await["text"].as_str(), back.hears().await["type"].as_str()),
        (Some("still here"), Some("ack"))
    );
    // A leave that comes after it is one.
    stage.hub.leave_by_ticket(&room, &ticket, Instant::now()).await.unwrap();
    assert_eq!(bob.hears().await["reason"], "left");
}

#[tokio::test(start_paused = true)]
async fn a_seat_opened_elsewhere_closes_the_first_link() {
    let (hub, _world) = hub();
    let mut first = enter(&hub, "r", "Ann", None).await;
    let second = enter(&hub, "r", "Ann", Some(&first.welcome)).await;
    assert_eq!(first.hears().await["closed"], 4001);
    drop(first);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(hub.counts(), (1, 1), "the late goodbye of the first link is void");
    assert_eq!(hub.count(second.seat.room()).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_seat_taken_at_another_node_closes_the_link_here_and_no_newer_one() {
    let stage = stage();
    let (rooms, world) = (RoomRegistry::new(config()), Arc::clone(&stage.world));
    let there = Hub::new(Arc::clone(&rooms), Memory::new(world, NodeId(2), rooms));
    let mut first = enter(&stage.hub, "r", "Ann", None).await;
    let mut away = enter(&there, "r", "Ann", Some(&first.welcome)).await;
    assert_eq!(
        (away.welcome["resumed"].as_bool(), first.hears().await["closed"].as_u64()),
        (Some(true), Some(4001))
    );
    assert_eq!(
        (stage.hub.counts(), there.counts()),
        ((0, 0), (1, 1)),
        "nothing of it is left here"
    );
    // She comes back while the news that she had gone away once more are on their way.
    let (back, go) = stage.enter_slowly(When::After, "Ann", Some(&first.welcome)).await;
    assert_eq!(away.hears().await["closed"], 4001);
    let room = first.seat.room().clone();
    stage.rooms.on_event(&room, &Event::Moved { member: first.seat.member(), tag: 0 });
    go.send(()).unwrap();
    let mut back = back.await.unwrap().unwrap();
    drop(away);
    drop(first);
    tokio::time::sleep(Duration::from_secs(60)).await;
    back.publish(None, "still me").await.unwrap();
    assert_eq!(back.hears().await["type"], "ack");
    // A held seat goes without a word.
    drop(back.seat);
    let home = enter(&there, "r", "Ann", Some(&back.welcome)).await;
    assert_eq!(stage.hub.counts(), (0, 0));
    home.seat.leave().await;
    assert!(stage.world.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_counter_that_may_be_spent_is_not_given_out_again() {
    let stage = stage();
    let mut ann = enter(&stage.hub, "r", "Ann", None).await;
    stage.store.mumbles.store(true, Ordering::SeqCst);
    assert_eq!(ann.publish(None, "one").await.err(), Some(ApiError::StoreUnavailable));
    assert!(!ann.publish(None, "two").await.unwrap().repeated, "another message is no repetition");
    let late = enter(&stage.hub, "r", "Late", None).await;
    let texts: Vec<_> =
        late.welcome["history"].as_array().unwrap().iter().map(|entry| &entry["text"]).collect();
    assert_eq!(texts, ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_and_done_in_an_earlier_life_is_told_to_nobody() {
    let stage = stage();
    let mut ann = enter(&stage.hub, "r", "Ann", None).await;
    let (zoe, go) = stage.enter_slowly(When::Before, "Zoe", None).await;
    let bob = enter(&stage.hub, "r", "Bob", None).await;
    ann.publish(None, "for your ears only").await.unwrap();
    bob.seat.leave().await;
    ann.seat.leave().await;
    assert!(stage.world.is_empty());
    go.send(()).unwrap();
    let mut zoe = zoe.await.unwrap().unwrap();
    assert_eq!(
        (zoe.welcome["resumed"].as_bool(), zoe.welcome["history"].as_array().unwrap().len()),
        (Some(false), 0)
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(zoe.heard.try_recv().ok(), None);
    let mut yan = enter(&stage.hub, "r", "Yan", None).await;
    yan.publish(None, "hello").await.unwrap();
    assert_eq!(
        (zoe.hears().await["type"].as_str(), zoe.hears().await["text"].as_str()),
        (Some("joined"), Some("hello"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_join_that_a_newer_link_overtook_leaves_no_ghost() {
    for leaves_first in [false, true] {
        let stage = stage();
        let first = enter(&stage.hub, "r", "Ann", None).await;
        let (second, go) = stage.enter_slowly(When::Before, "Ann", Some(&first.welcome)).await;
        let third = enter(&stage.hub, "r", "Ann", Some(&first.welcome)).await;
        if leaves_first {
            third.seat.leave().await;
            go.send(()).unwrap();
            assert!(second.await.unwrap().is_none(), "it was replaced");
        } else {
            go.send(()).unwrap();
            assert!(second.await.unwrap().is_none(), "it was replaced");
            third.seat.leave().await;
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(stage.world.is_empty() && stage.hub.counts() == (0, 0), "{leaves_first}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_join_that_fell_across_a_reset_is_tried_again() {
    let stage = stage();
    let ann = enter(&stage.hub, "r", "Ann", None).await;
    let (bob, go_bob) = stage.enter_slowly(When::After, "Bob", None).await;
    let (zoe, go_zoe) = stage.enter_slowly(When::After, "Zoe", None).await;
    let now = stage.store.snapshot(ann.seat.room(), true).await.unwrap().unwrap();
    stage.rooms.on_event(
        ann.seat.room(),
        &Event::Reset(Arc::new(Snapshot { epoch: Epoch(now.epoch.0 ^ 1), ..now })),
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    go_bob.send(()).unwrap();
    go_zoe.send(()).unwrap();
    assert!(bob.await.unwrap().is_some() && zoe.await.unwrap().is_some());
    assert_eq!(stage.store.joins(), 5);
}
