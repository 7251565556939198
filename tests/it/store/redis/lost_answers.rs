//! Answers that do not arrive, and joins whose caller has gone.

use std::{sync::Arc, time::Duration};

use parlor::{
    room::{Joiner, LeaveReason, Limits, MemberId},
    store::{Event, Store, StoreError},
};
use tokio::time::Instant;

use crate::support::{
    a_room, entry,
    ledger::{Asleep, node, sorted},
    line::Line,
    name,
    redis::Server,
    tag, text, until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers_change_nothing() {
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let mut node = node(&line.url(), Limits::default()).await;
    let room = a_room();
    // Redis knows the scripts by now, so that what is lost is not their absence.
    let (bob, bob_tag) = node.join(&room, "Bob").await;
    node.store.publish(&room, bob, entry(1, &text("hello"))).await.unwrap();
    node.heard.entry().await;
    node.store.leave(&room, bob, bob_tag, LeaveReason::Left).await.unwrap();
    // A join whose answer is lost is joined once.
    line.swallow_next_answer();
    let (ann, ann_tag) = (MemberId::random(), tag());
    let (joined, snapshot) = node
        .store
        .join(&room, &Joiner::new(ann, &name("Ann")), ann_tag, Instant::now(), None)
        .await
        .unwrap();
    assert!(joined.new);
    assert_eq!((snapshot.version, snapshot.members.len()), (1, 1));
    // A message whose answer is lost is said once.
    line.swallow_next_answer();
    assert_eq!(node.store.publish(&room, ann, entry(1, &text("once"))).await.unwrap().seq, 1);
    assert_eq!(node.store.publish(&room, ann, entry(2, &text("twice"))).await.unwrap().seq, 2);
    assert_eq!(node.heard.entry().await.text, text("once"));
    assert_eq!(node.heard.entry().await.text, text("twice"));
    // So is one without a counter.
    line.swallow_next_answer();
    let said = node.store.publish(&room, ann, entry(None, &text("thrice"))).await.unwrap();
    assert_eq!((said.n, said.seq, said.repeated), (3, 3, false));
    assert_eq!(node.store.publish(&room, ann, entry(None, &text("and on"))).await.unwrap().n, 4);
    assert_eq!(node.heard.entry().await.text, text("thrice"));
    assert_eq!(node.heard.entry().await.text, text("and on"));
    // A goodbye whose answer is lost is a goodbye.
    line.swallow_next_answer();
    node.store.leave(&room, ann, ann_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_without_a_counter_whose_answers_are_lost_are_said_once_each_whatever_comes_between()
{
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let (node, witness) =
        (node(&line.url(), Limits::default()).await, node(&server.url(), Limits::default()).await);
    let room = a_room();
    let (ann, _) = node.join(&room, "Ann").await;
    witness
        .store
        .publish(&room, ann, entry(None, &text("so that Redis knows the script")))
        .await
        .unwrap();
    let log = async || witness.store.snapshot(&room, true).await.unwrap().unwrap().history;
    line.mute(true);
    let said = |words: &'static str, n: Option<u64>| {
        let (store, room) = (Arc::clone(&node.store), room.clone());
        tokio::spawn(async move { store.publish(&room, ann, entry(n, &text(words))).await })
    };
    let uncounted = ["one", "two"].map(|words| said(words, None));
    until("both are said", async || log().await.len() == 3).await;
    let counted = said("three", Some(50));
    until("and the third", async || log().await.len() == 4).await;
    server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    line.mute(false);
    let mut numbers = Vec::new();
    for saying in uncounted {
        let said = saying.await.unwrap().unwrap();
        assert!(!said.repeated, "by nobody who knows of it");
        numbers.push((said.n, said.seq));
    }
    numbers.sort_unstable();
    let counted = counted.await.unwrap().unwrap();
    assert_eq!((numbers, counted.seq), (vec![(2, 2), (3, 3)], 4));
    assert_eq!(log().await.len(), 4, "nothing is said twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_came_together_are_said_once_where_their_answer_is_lost() {
    // A log that holds fewer than come together, so that it does not tell which ones it had.
    let limits = Limits { history_len: 10, ..Limits::default() };
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let (node, mut witness) = (node(&line.url(), limits).await, node(&server.url(), limits).await);
    let room = a_room();
    let (ann, ann_tag) = node.join(&room, "Ann").await;
    witness.join(&room, "Bob").await;
    let mut seq = 0;
    for n in [None, Some(1000)] {
        // The first time, Redis does not know the script yet: that answer is not the one to lose.
        node.store.publish(&room, ann, entry(n, &text("first"))).await.unwrap();
        assert_eq!(witness.heard.entry().await.text, text("first"));
        seq += 1;
        let counter = |i: u64| n.map(|n| n + i);
        let entries: Vec<_> =
            (1..=64).map(|i| entry(counter(i), &text(&format!("word {i}")))).collect();
        line.swallow_next_answer();
        let results = node.store.publish_all(&room, ann, &entries).await.unwrap();
        for (i, result) in (1..).zip(results) {
            let said = result.unwrap();
            seq += 1;
            assert_eq!((said.seq, said.repeated), (seq, false), "{i}");
            let heard = witness.heard.entry().await;
            assert_eq!((heard.seq, heard.text), (seq, text(&format!("word {i}"))), "once");
        }
    }
    node.store.publish(&room, ann, entry(None, &text("last"))).await.unwrap();
    assert_eq!(witness.heard.entry().await.text, text("last"), "and nothing twice");
    node.store.leave(&room, ann, ann_tag, LeaveReason::Left).await.unwrap();
    let keys = server.keys();
    let facts = keys.iter().find(|key| server.ask(&["TYPE", key]).contains("hash")).unwrap();
    let fields = server.ask(&["HKEYS", facts]);
    assert!(!fields.contains(&ann.0.simple().to_string()), "{fields}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn join_that_was_given_up_leaves_no_ghost() {
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let (node, witness) =
        (node(&line.url(), Limits::default()).await, node(&server.url(), Limits::default()).await);
    for walk_away in [false, true] {
        let room = a_room();
        let (ann, _) = node.join(&room, "Ann").await;
        line.mute(true);
        let (store, there, ghost) = (Arc::clone(&node.store), room.clone(), MemberId::random());
        let joining = tokio::spawn(async move {
            store
                .join(&there, &Joiner::new(ghost, &name("Ghost")), tag(), Instant::now(), None)
                .await
                .map(drop)
        });
        let haunted = async || witness.people(&room).await == sorted(vec![ann, ghost]);
        until("the ghost sits", haunted).await;
        if walk_away {
            joining.abort();
        } else {
            assert_eq!(joining.await.unwrap(), Err(StoreError::Unavailable));
        }
        line.mute(false);
        until("only Ann sits", async || witness.people(&room).await == [ann]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resume_that_was_given_up_does_not_cost_the_seat() {
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let (near, far) =
        (node(&line.url(), Limits::default()).await, node(&server.url(), Limits::default()).await);
    for home in [&near, &far] {
        let room = a_room();
        let (ann, first) = home.join(&room, "Ann").await;
        home.store.publish(&room, ann, entry(1, &text("mine"))).await.unwrap();
        // The scripts are known, so that the join does happen.
        near.join(&a_room(), "Bob").await;
        line.mute(true);
        let link = tag();
        assert_eq!(
            near.store
                .join(&room, &Joiner::new(ann, &name("Ann")), link, Instant::now(), None)
                .await
                .map(drop),
            Err(StoreError::Unavailable)
        );
        line.mute(false);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let kept = far.store.snapshot(&room, true).await.unwrap().unwrap();
        assert_eq!((kept.members.len(), kept.history.len()), (1, 1));
        // The goodbyes of both links free it.
        home.store.leave(&room, ann, first, LeaveReason::Lost).await.unwrap();
        until("the seat is free", async || {
            let _ = near.store.leave(&room, ann, link, LeaveReason::Lost).await;
            far.store.snapshot(&room, false).await.unwrap().is_none()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_that_overslept_brings_its_members_back_unnoticed_by_them() {
    let Asleep { server: _server, line, mut sleeper, mut other, room, ann: member, bob } =
        Asleep::begin().await;
    let ann = member.id;
    other.store.publish(&room, bob, entry(1, &text("is she gone?"))).await.unwrap();
    line.hold(false);
    let (back, _, count) = other.heard.joined().await;
    assert_eq!((back, count), (member, 2));
    assert_eq!(sleeper.heard.entry().await.text, text("is she gone?"));
    let next = sleeper.heard.next().await;
    // Another one is the host since then.
    assert!(matches!(next, Event::Rules { version: 5, count: 2, .. }), "{next:?}");
    assert_eq!(sleeper.heard.rest(), [], "neither left nor joined, nor reset");
    assert_eq!(sleeper.store.publish(&room, ann, entry(1, &text("no"))).await.unwrap().seq, 2);
    assert_eq!(other.people(&room).await, sorted(vec![ann, bob]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn member_that_moved_away_is_not_brought_back_by_its_old_node() {
    let server = Server::start();
    let (old, mut new) = (
        node(&server.url(), Limits::default()).await,
        node(&server.url(), Limits::default()).await,
    );
    let room = a_room();
    let (ann, old_tag) = old.join(&room, "Ann").await;
    let (bob, bob_tag) = old.join(&room, "Bob").await;
    let new_tag = tag();
    new.store
        .join(&room, &Joiner::new(ann, &name("Ann")), new_tag, Instant::now(), None)
        .await
        .unwrap();
    server.ask(&["FLUSHALL"]);
    // Both bring back the members that they believe theirs; the later holder wins, in either order.
    old.store.publish(&room, bob, entry(1, &text("hello"))).await.unwrap();
    new.heard.reset().await;
    old.store.leave(&room, ann, old_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(new.people(&room).await, sorted(vec![ann, bob]));
    old.store.leave(&room, bob, bob_tag, LeaveReason::Left).await.unwrap();
    new.store.leave(&room, ann, new_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
}
