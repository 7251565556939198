//! How long the seat of a lost link is held.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use parlor::{
    hub::{Hub, PollSession, RoomRegistry},
    room::{NodeId, RoomId},
    store::memory::Memory,
};
use tokio::{sync::mpsc::unbounded_channel, time::Instant};

use super::{BUSY, Ear, Stage, When, enter, hub, now, stage, try_enter};
use crate::support::hub_config::config;

#[tokio::test(start_paused = true)]
async fn a_join_for_which_the_store_has_no_time_is_told_when_to_come_back_and_comes_in_then() {
    let Stage { hub, store, .. } = stage();
    let ann = enter(&hub, "r", "Ann", None).await;
    let welcome = ann.welcome.clone();
    drop(ann);
    store.crowded.store(2, Ordering::SeqCst);
    for (name, back) in [("Ann", Some(&welcome)), ("Bob", None)] {
        let told =
            try_enter(&hub, "r", name, back).await.map(|someone| someone.welcome).unwrap_err();
        assert_eq!(
            (told.code(), told.retry_after(), told.close_code()),
            ("server_full", Some(BUSY), 4503),
            "{told}"
        );
    }
    let room: RoomId = "r".parse().unwrap();
    assert_eq!(hub.count(&room).await, Ok(1), "Ann keeps her seat and Bob has none");
    assert_eq!(hub.counts().1, 1);
    let ann = enter(&hub, "r", "Ann", Some(&welcome)).await;
    assert_eq!((&ann.welcome["resumed"], &ann.welcome["reset"]), (&true.into(), &false.into()));
    assert_eq!(ann.welcome["clientId"], welcome["clientId"]);
    let _bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(hub.count(&room).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_lost_seat_is_held_for_the_grace_and_not_longer() {
    let (hub, world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let lost = tokio::time::Instant::now();
    drop(bob);
    let left = ann.hears().await;
    assert_eq!(
        (left["type"].as_str(), left["reason"].as_str(), left["count"].as_u64()),
        (Some("left"), Some("lost"), Some(1))
    );
    assert_eq!(lost.elapsed().as_secs(), 15);
    drop(ann);
    tokio::time::sleep(Duration::from_secs(16)).await;
    assert!(world.is_empty() && hub.counts() == (0, 0), "nothing of the room is left");
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_their_seat_is_taken_up_elsewhere_stays_gone() {
    let here = stage();
    let rooms = RoomRegistry::new(config());
    let there = Hub::new(
        Arc::clone(&rooms),
        Memory::new(Arc::clone(&here.world), NodeId(2), Arc::clone(&rooms) as _),
    );
    let mut bob = enter(&there, "r", "Bob", None).await;
    let ann = enter(&there, "r", "Ann", None).await;
    assert_eq!(bob.hears().await["user"], "Ann");
    let (go, hub) = (here.store.hold(When::Before), Arc::clone(&here.hub));
    let ticket = ann.welcome["ticket"].as_str().unwrap().to_owned();
    let (ear, mut heard) = unbounded_channel();
    let taking = tokio::spawn(async move {
        hub.resume(&"r".parse().unwrap(), &ticket, now(), None, Arc::new(Ear(ear))).await.map(drop)
    });
    while here.store.joins() == 0 {
        tokio::task::yield_now().await;
    }
    ann.seat.leave().await;
    assert_eq!(bob.hears().await["type"], "left");
    go.send(()).unwrap();
    assert_eq!(taking.await.unwrap().unwrap_err().code(), "not_member");
    assert!(heard.recv().await.is_none(), "and was told nothing");
    assert_eq!(here.hub.counts(), (0, 0));
    assert_eq!(there.count(&"r".parse().unwrap()).await.unwrap(), 1);
    bob.seat.leave().await;
    assert!(here.world.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_in_time_was_never_gone() {
    let (hub, _world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let welcome = bob.welcome.clone();
    drop(bob);
    tokio::time::sleep(Duration::from_secs(14)).await;
    ann.publish(Some(1), "are you there?").await.unwrap();
    let mut bob = enter(&hub, "r", "Somebody", Some(&welcome)).await;
    assert_eq!(bob.welcome["clientId"], welcome["clientId"]);
    assert_eq!(bob.welcome["user"], "Bob");
    assert_eq!(
        (bob.welcome["resumed"].as_bool(), bob.welcome["reset"].as_bool()),
        (Some(true), Some(false))
    );
    assert_eq!(bob.welcome["history"][0]["text"], "are you there?");
    tokio::time::sleep(Duration::from_secs(60)).await;
    bob.publish(Some(1), "yes").await.unwrap();
    assert_eq!(ann.hears().await["type"], "ack");
    assert_eq!(ann.hears().await["text"], "yes", "and nobody heard of it");
    assert_eq!(bob.hears().await["type"], "ack");
}

#[tokio::test(start_paused = true)]
async fn who_has_no_link_is_kept_while_they_ask_and_lost_a_lease_later() {
    let (hub, world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let (lost, mut told) = unbounded_channel();
    let tenure = PollSession::new(bob.seat, Arc::default(), move || lost.send(()).unwrap());
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(14)).await;
        tenure.keep_alive().unwrap().accept();
    }
    let mut stay = tenure.keep_alive().unwrap();
    stay.accept();
    tokio::time::sleep(Duration::from_secs(60)).await;
    drop(stay);
    assert!(
        ann.heard.try_recv().is_err() && told.try_recv().is_err(),
        "a request that is being answered keeps the seat"
    );
    let begun = tokio::time::Instant::now();
    let left = ann.hears().await;
    assert_eq!((left["type"].as_str(), left["reason"].as_str()), (Some("left"), Some("lost")));
    assert!((15..=17).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert!(told.try_recv().is_ok() && tenure.keep_alive().is_none());
    ann.seat.leave().await;
    assert!(world.is_empty() && hub.counts() == (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_is_given_up_before_their_first_welcome_has_no_seat_that_is_held() {
    let stage = stage();
    let mut bob = enter(&stage.hub, "r", "Bob", None).await;
    for when in [When::Before, When::After] {
        let (entering, _go) = stage.enter_slowly(when, "Ann", None).await;
        entering.abort();
        assert!(entering.await.is_err());
        let begun = Instant::now();
        if when == When::After {
            assert_eq!(bob.hears().await["type"], "joined");
            assert_eq!(bob.hears().await["reason"], "lost");
        }
        assert_eq!((stage.hub.counts(), begun.elapsed().as_secs()), ((1, 1), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_flapping_link_leaves_one_grace_behind_and_not_many() {
    let (hub, world) = hub();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let first = enter(&hub, "r", "Ann", None).await;
    drop(first.seat);
    tokio::time::sleep(Duration::from_millis(1)).await;
    let held = tasks();
    for _ in 0..50 {
        drop(enter(&hub, "r", "Ann", Some(&first.welcome)).await.seat);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(tasks(), held);
    tokio::time::sleep(Duration::from_secs(14)).await;
    assert_eq!(hub.counts(), (1, 1), "the grace counts from the last link");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(world.is_empty() && hub.counts() == (0, 0));
}
