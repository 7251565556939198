//! Whether Redis is away is judged by a connection that carries nothing else, and a join that waits is not told that it is.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use parlor::{
    room::{Joiner, Limits, MemberId, RoomId},
    store::{Store, StoreError, redis::Redis},
};
use tokio::{task::JoinHandle, time::Instant};

use crate::support::{
    a_room, entry,
    ledger::{Node, node},
    line::Line,
    name,
    redis::Server,
    tag, text, undisturbed, until,
};

/// A node that reaches Redis by a line, and a room in which Ann sits there.
async fn begin() -> (Server, Line, Node, RoomId, MemberId) {
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let node = node(&line.url(), Limits::default()).await;
    let room = a_room();
    let (ann, _) = node.join(&room, "Ann").await;
    node.store.publish(&room, ann, entry(1, &text("hello"))).await.unwrap();
    (server, line, node, room, ann)
}

type Joining = JoinHandle<Result<(), StoreError>>;

fn joining(store: &Arc<Redis>, room: &RoomId, joins: usize) -> Vec<Joining> {
    let join = |_| {
        let (store, room) = (Arc::clone(store), room.clone());
        tokio::spawn(async move {
            store
                .join(
                    &room,
                    &Joiner::new(MemberId::random(), &name("Bob")),
                    tag(),
                    Instant::now(),
                    None,
                )
                .await
                .map(drop)
        })
    };
    (0..joins).map(join).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_is_made_anew_and_only_then_counts_as_a_redis_that_is_away() {
    let (_server, line, mut node, room, ann) = begin().await;
    assert!(node.heard.links().is_empty());
    let reconnects = || node.store.counts().reconnect.load(Ordering::Relaxed);
    undisturbed(async || {
        let before = reconnects();
        line.hold_carriers();
        until("the connection is made anew", async || reconnects() > before).await;
        let up = node.store.ready();
        line.hold(false);
        until("Redis is in reach", async || node.store.ready()).await;
        up
    })
    .await;
    assert_eq!(node.store.publish(&room, ann, entry(2, &text("still here"))).await.unwrap().seq, 2);
    node.heard.links();

    // It cannot be made anew.
    line.hold_carriers();
    node.heard.link(false).await;
    assert!(!node.store.ready());
    line.hold(false);
    node.heard.link(true).await;

    // Nothing answers.
    line.hold(true);
    node.heard.link(false).await;
    line.hold(false);
    node.heard.link(true).await;
    assert_eq!(node.store.publish(&room, ann, entry(3, &text("and still"))).await.unwrap().seq, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_is_told_by_its_pulse() {
    let (server, _line, mut node, room, ann) = begin().await;
    server.signal("STOP");
    node.heard.link(false).await;
    assert!(!node.store.ready());
    server.signal("CONT");
    node.heard.link(true).await;
    assert_eq!(node.store.publish(&room, ann, entry(2, &text("here again"))).await.unwrap().seq, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_that_never_had_its_turn_is_told_when_to_come_back() {
    undisturbed(async || {
        let (_server, line, node, room, _) = begin().await;
        line.hold_carriers();
        let joins = joining(&node.store, &room, 20);
        let (mut waits, mut in_doubt) = (Vec::new(), 0);
        for join in joins {
            match join.await.unwrap() {
                Err(StoreError::Busy(wait)) => waits.push(wait),
                joined => in_doubt += usize::from(joined == Err(StoreError::Unavailable)),
            }
        }
        line.hold(false);
        until("Redis is in reach", async || node.store.ready()).await;
        node.join(&room, "Dan").await;
        assert!(
            waits
                .iter()
                .all(|wait| (Duration::from_millis(250)..Duration::from_secs(30)).contains(wait)),
            "{waits:?}"
        );
        let mut moments = waits.clone();
        moments.sort_unstable();
        moments.dedup();
        assert!(
            waits.is_empty() || moments.len() > waits.len() / 3,
            "at moments of their own: {waits:?}"
        );
        // The first one's join was sent.
        waits.len() == 19 && in_doubt <= 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_is_told_that_redis_is_away_where_it_is() {
    undisturbed(async || {
        let (_server, line, node, room, _) = begin().await;
        line.hold(true);
        let mut told = Vec::new();
        for join in joining(&node.store, &room, 20) {
            told.push(join.await.unwrap());
        }
        line.hold(false);
        until("Redis is in reach", async || node.store.ready()).await;
        told.iter().all(|told| *told == Err(StoreError::Unavailable))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_at_a_room_that_finds_too_long_a_queue_is_not_kept_waiting() {
    undisturbed(async || {
        let (_server, line, node, room, ann) = begin().await;
        line.hold_carriers();
        let look = |_| {
            let (store, room) = (Arc::clone(&node.store), room.clone());
            tokio::spawn(async move { store.snapshot(&room, false).await.map(drop) })
        };
        let waiting: Vec<Joining> = (0..8300).map(look).collect();
        let told = look(0).await.unwrap();
        let at_once = waiting.iter().any(|look| !look.is_finished());
        waiting.iter().for_each(JoinHandle::abort);
        line.hold(false);
        until("Redis is in reach", async || node.store.ready()).await;
        assert_eq!(
            node.store.publish(&room, ann, entry(2, &text("still here"))).await.unwrap().seq,
            2
        );
        at_once && matches!(told, Err(StoreError::Busy(_)))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_that_finds_too_long_a_queue_is_not_kept_waiting() {
    undisturbed(async || {
        let (_server, line, node, room, _) = begin().await;
        line.hold_carriers();
        let waiting = joining(&node.store, &room, 8200);
        let told = joining(&node.store, &room, 1).remove(0).await.unwrap();
        let at_once = waiting.iter().any(|join| !join.is_finished());
        waiting.iter().for_each(JoinHandle::abort);
        for join in waiting {
            let _ = join.await;
        }
        line.hold(false);
        until("Redis is in reach", async || node.store.ready()).await;
        node.join(&room, "Dan").await;
        at_once && matches!(told, Err(StoreError::Busy(_)))
    })
    .await;
}
