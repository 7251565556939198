//! Redis that stops, is full, forgets, or comes back empty.

use std::{sync::atomic::Ordering, time::Duration};

use parlor::{
    room::{Joiner, LeaveReason, Limits, MemberId},
    store::{Event, Store, StoreError},
};
use tokio::time::{Instant, timeout};

use super::nothing_is_lost_while;
use crate::support::{
    a_room, entry,
    ledger::{connect, node, sorted},
    name, ready,
    redis::Server,
    tag, text, undisturbed, until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_connections_are_cut() {
    let nodes = nothing_is_lost_while(Limits::default(), |server| async move {
        for _ in 0..3 {
            // Commands go over the same ones.
            assert_eq!(server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]).trim(), "2");
            until("both nodes listen again", async || {
                let listening = server.ask(&["CLIENT", "LIST", "TYPE", "pubsub"]);
                // To the room and to all nodes.
                listening.lines().filter(|line| line.contains("ssub=2")).count() == 2
            })
            .await;
        }
    })
    .await;
    assert!(nodes[0].store.counts().resubscribes.load(Ordering::Relaxed) >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_redis_forgets_its_scripts() {
    nothing_is_lost_while(Limits::default(), |server| async move {
        for _ in 0..5 {
            server.ask(&["SCRIPT", "FLUSH"]);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_redis_stops_for_less_than_a_lease() {
    nothing_is_lost_while(Limits::default(), |server| async move {
        server.signal("STOP");
        tokio::time::sleep(Duration::from_millis(2500)).await;
        server.signal("CONT");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_taken_for_dead_when_redis_stops_for_longer_than_a_lease() {
    nothing_is_lost_while(Limits { lease: 1500, ..Limits::default() }, |server| async move {
        server.signal("STOP");
        tokio::time::sleep(Duration::from_millis(2600)).await;
        server.signal("CONT");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_is_told_to_be_down_and_up_again() {
    let server = Server::start();
    let mut node = node(&server.url(), Limits::default()).await;
    let room = a_room();
    let (ann, ann_tag) = node.join(&room, "Ann").await;
    assert!(node.store.ready());
    server.signal("STOP");
    node.heard.link(false).await;
    assert!(!node.store.ready());
    let asked = Instant::now();
    assert_eq!(
        node.store.publish(&room, ann, entry(1, &text("hello"))).await,
        Err(StoreError::Unavailable)
    );
    let refused = Instant::now();
    assert_eq!(
        node.store.leave(&room, ann, ann_tag, LeaveReason::Left).await,
        Err(StoreError::Unavailable)
    );
    for tried in [refused - asked, refused.elapsed()] {
        assert!(
            tried > Duration::from_secs(2),
            "given up before Redis had the time to come back: {tried:?}"
        );
    }
    server.signal("CONT");
    node.heard.link(true).await;
    assert!(node.store.ready());
    node.store.leave(&room, ann, ann_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_back_when_redis_comes_back_empty() {
    let server = Server::start();
    let mut nodes = [
        node(&server.url(), Limits::default()).await,
        node(&server.url(), Limits::default()).await,
    ];
    let room = a_room();
    let (ann, ann_tag) = nodes[0].join(&room, "Ann").await;
    let (bob, bob_tag) = nodes[1].join(&room, "Bob").await;
    let (cid, cid_tag) = nodes[1].join(&room, "Cid").await;
    nodes[0].store.publish(&room, ann, entry(1, &text("before"))).await.unwrap();
    let before = nodes[0].store.snapshot(&room, true).await.unwrap().unwrap();
    server.kill();
    assert!(server.launch());
    for node in &mut nodes {
        let after = node.heard.reset().await;
        assert_ne!(after.epoch, before.epoch);
        assert_eq!(after.key, before.key, "tickets stay good");
    }
    until("everybody is back", async || {
        nodes[0].people(&room).await == sorted(vec![ann, bob, cid])
    })
    .await;
    let after = nodes[1].store.snapshot(&room, true).await.unwrap().unwrap();
    assert_eq!(after.members, before.members, "with the names and times they had");
    assert_eq!(after.seq, 0);
    let said = nodes[1].store.publish(&room, bob, entry(1, &text("after"))).await.unwrap();
    assert_eq!(said.seq, 1);
    for node in &mut nodes {
        node.heard
            .find(|event| {
                matches!(event, Event::Said { epoch, .. } if epoch == after.epoch).then_some(())
            })
            .await;
    }
    for (node, id, tag) in [(0, ann, ann_tag), (1, bob, bob_tag), (1, cid, cid_tag)] {
        nodes[node].store.leave(&room, id, tag, LeaveReason::Left).await.unwrap();
    }
    assert_eq!(server.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn message_that_finds_redis_empty_is_said_in_the_next_life() {
    let server = Server::start();
    let mut node = node(&server.url(), Limits::default()).await;
    let room = a_room();
    let (ann, _) = node.join(&room, "Ann").await;
    node.join(&room, "Bob").await;
    server.ask(&["FLUSHALL"]);
    let said = node.store.publish(&room, ann, entry(5, &text("hello"))).await.unwrap();
    assert_eq!((said.seq, said.repeated), (1, false));
    let reset = node.heard.reset().await;
    if reset.seq == 0 {
        assert_eq!(node.heard.entry().await.n, 5);
    } else {
        assert_eq!(reset.history[0].n, 5);
    }
    assert_eq!(node.people(&room).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomer_after_a_loss_does_not_cost_the_others_their_seats() {
    let server = Server::start();
    let mut node = node(&server.url(), Limits::default()).await;
    let room = a_room();
    let (ann, _) = node.join(&room, "Ann").await;
    server.ask(&["FLUSHALL"]);
    let (bob, _) = node.join(&room, "Bob").await;
    node.heard.reset().await;
    until("both sit", async || node.people(&room).await == sorted(vec![ann, bob])).await;
    assert_eq!(node.store.publish(&room, ann, entry(1, &text("hello"))).await.unwrap().seq, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_redis_refuses_at_once_and_lets_everybody_go() {
    let server = Server::start();
    let mut node = node(&server.url(), Limits::default()).await;
    let room = a_room();
    let (ann, ann_tag) = node.join(&room, "Ann").await;
    let (bob, bob_tag) = node.join(&room, "Bob").await;
    node.store.publish(&room, ann, entry(1, &text("hello"))).await.unwrap();
    node.heard.entry().await;
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let refusals = || {
        let stats = server.ask(&["INFO", "errorstats"]);
        let line = stats
            .lines()
            .find_map(|line| line.trim().strip_prefix("errorstat_OOM:count=")?.parse::<u64>().ok());
        line.unwrap_or(0)
    };
    undisturbed(async || {
        let (begun, before) = (Instant::now(), refusals());
        assert_eq!(
            node.store.publish(&room, ann, entry(2, &text("hello"))).await,
            Err(StoreError::Full)
        );
        let said = refusals();
        let refused = node
            .store
            .join(
                &a_room(),
                &Joiner::new(MemberId::random(), &name("Eve")),
                tag(),
                Instant::now(),
                None,
            )
            .await;
        assert_eq!(refused.map(drop), Err(StoreError::Full));
        // What a slow machine leaves without an answer for a second is rightly tried again.
        let judged = begun.elapsed() < Duration::from_secs(1);
        if judged {
            assert_eq!(
                (said - before, refusals() - said),
                (1, 1),
                "nothing that was refused is tried again"
            );
        }
        judged
    })
    .await;
    assert_eq!(node.store.snapshot(&room, true).await.unwrap().unwrap().history.len(), 1);
    node.store.typing(&room, ann, true, Instant::now()).await.unwrap();
    node.store.leave(&room, bob, bob_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(node.heard.left().await.0.id, bob);
    node.store.leave(&room, ann, ann_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    node.join(&room, "Ann").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absent_redis_only_means_not_ready() {
    let server = Server::later();
    let mut node = connect(&server.url(), Limits::default());
    let room = a_room();
    let refused = node
        .store
        .join(&room, &Joiner::new(MemberId::random(), &name("Ann")), tag(), Instant::now(), None)
        .await;
    assert_eq!(refused.map(drop), Err(StoreError::Unavailable));
    assert!(!node.store.ready());
    assert!(server.launch());
    ready(&*node.store).await;
    let (ann, _) = node.join(&room, "Ann").await;
    node.store.publish(&room, ann, entry(1, &text("hello"))).await.unwrap();
    assert_eq!(node.heard.entry().await.seq, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_writes_begin_another_life() {
    let server = Server::start();
    let mut nodes = [
        node(&server.url(), Limits::default()).await,
        node(&server.url(), Limits::default()).await,
    ];
    let room = a_room();
    let (ann, _) = nodes[0].join(&room, "Ann").await;
    nodes[1].join(&room, "Bob").await;
    for n in 1..=5 {
        nodes[0].store.publish(&room, ann, entry(n, &text("hello"))).await.unwrap();
    }
    for node in &mut nodes {
        while node.heard.entry().await.seq < 5 {}
    }
    // As after a failover to a replica that had not heard the last two.
    let (hash, log) = (format!("parlor1:{{{room}}}:h"), format!("parlor1:{{{room}}}:l"));
    server.ask(&["HSET", &hash, "s", "3"]);
    server.ask(&["LTRIM", &log, "0", "2"]);
    assert_eq!(nodes[0].store.publish(&room, ann, entry(6, &text("after"))).await.unwrap().seq, 4);
    let mut lives = Vec::new();
    for node in &mut nodes {
        lives.push(node.heard.reset().await.epoch);
    }
    assert_eq!(lives[0], lives[1]);
    let room = nodes[1].store.snapshot(&room, true).await.unwrap().unwrap();
    assert_eq!(room.epoch, lives[0]);
    assert!(room.history.iter().map(|entry| (entry.seq, entry.n)).eq([
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 6)
    ]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_while_redis_is_away_does_not_take_for_ever() {
    let server = Server::start();
    let node = node(&server.url(), Limits::default()).await;
    for _ in 0..20 {
        node.join(&a_room(), "Ann").await;
    }
    server.signal("STOP");
    // What a stopping node has for all of its goodbyes.
    timeout(Duration::from_millis(7500), node.store.close()).await.expect("closed in time");
    server.signal("CONT");
    let refused = node
        .store
        .join(
            &a_room(),
            &Joiner::new(MemberId::random(), &name("Ann")),
            tag(),
            Instant::now(),
            None,
        )
        .await;
    assert_eq!(refused.map(drop), Err(StoreError::Unavailable));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_node_hangs_up() {
    let server = Server::start();
    let node = node(&server.url(), Limits::default()).await;
    node.join(&a_room(), "Ann").await;
    // The asker is one of them. The node has two: one carries both commands and news, one tells whether Redis lives.
    let clients = || server.ask(&["CLIENT", "LIST"]).lines().count();
    assert_eq!(clients(), 3);
    drop(node);
    until("only the asker is left", async || clients() == 1).await;
}
