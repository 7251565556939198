//! A member that joins while its node has missed something sees all members of the room.

use std::sync::Arc;

use crate::support::{
    a_room,
    ledger::{Asleep, node, sorted},
    line::Line,
    name,
    redis::Server,
    tag, until,
};
use parlor::{
    room::{Joiner, LeaveReason, Limits, MemberId, Snapshot},
    store::{Event, Store},
};
use tokio::time::Instant;

/// The members that a member sees: those of its welcome, changed by what its node has told since.
fn seen(room: &Snapshot, told: &[Event]) -> Vec<MemberId> {
    let mut people: Vec<_> = room.members.iter().map(|member| member.id).collect();
    for event in told {
        match event {
            Event::Joined { member, version, .. } if *version > room.version => {
                people.push(member.id)
            }
            Event::Left { member, version, .. } if *version > room.version => {
                people.retain(|id| *id != member.id)
            }
            Event::Reset(_) => panic!("{event:?}"),
            _ => {}
        }
    }
    sorted(people)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomer_at_a_node_that_overslept_finds_everybody() {
    let Asleep { server: _server, line, mut sleeper, other, room, ann, bob } =
        Asleep::begin().await;
    let cid = MemberId::random();
    let called = name("Cid");
    let newcomer = Joiner::new(cid, &called);
    let (joined, ()) =
        tokio::join!(sleeper.store.join(&room, &newcomer, tag(), Instant::now(), None), async {
            line.hold(false)
        });
    let (_, welcome) = joined.unwrap();
    let mut told = Vec::new();
    until("all are there", async || {
        told.extend(sleeper.heard.rest());
        seen(&welcome, &told) == sorted(vec![ann.id, bob, cid])
            && other.people(&room).await.len() == 3
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomer_at_a_node_that_hears_nothing_keeps_nobody_who_goes() {
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let (mut deaf, other) =
        (node(&line.url(), Limits::default()).await, node(&server.url(), Limits::default()).await);
    let room = a_room();
    let channel = format!("parlor1:{{{room}}}");
    let subscribers = || server.ask(&["PUBSUB", "SHARDNUMSUB", &channel]);
    let (ann, _) = deaf.join(&room, "Ann").await;
    let (bob, _) = other.join(&room, "Bob").await;
    until("both listen", async || subscribers().ends_with("\n2")).await;
    line.whisper(&["SUNSUBSCRIBE", &channel]);
    until("the subscription is gone", async || subscribers().ends_with("\n1")).await;
    let (cid, cid_tag) = other.join(&room, "Cid").await;
    let dan = MemberId::random();
    let (_, welcome) = deaf
        .store
        .join(&room, &Joiner::new(dan, &name("Dan")), tag(), Instant::now(), None)
        .await
        .unwrap();
    other.store.leave(&room, cid, cid_tag, LeaveReason::Left).await.unwrap();
    let mut told = Vec::new();
    until("Cid is gone", async || {
        told.extend(deaf.heard.rest());
        seen(&welcome, &told) == sorted(vec![ann, bob, dan])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomer_who_does_not_wait_for_the_welcome_leaves_no_ghost() {
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let (near, witness) =
        (node(&line.url(), Limits::default()).await, node(&server.url(), Limits::default()).await);
    let room = a_room();
    let channel = format!("parlor1:{{{room}}}");
    let (ann, _) = near.join(&room, "Ann").await;
    loop {
        line.whisper(&["SUNSUBSCRIBE", &channel]);
        until("nobody listens", async || {
            server.ask(&["PUBSUB", "SHARDNUMSUB", &channel]).ends_with("\n0")
        })
        .await;
        let (store, there, ghost, link) =
            (Arc::clone(&near.store), room.clone(), MemberId::random(), tag());
        let joining = tokio::spawn(async move {
            store
                .join(&there, &Joiner::new(ghost, &name("Ghost")), link, Instant::now(), None)
                .await
                .map(drop)
        });
        until("the ghost sits", async || witness.people(&room).await == sorted(vec![ann, ghost]))
            .await;
        joining.abort();
        if joining.await.is_err() {
            break;
        }
        // It was welcomed before.
        near.store.leave(&room, ghost, link, LeaveReason::Left).await.unwrap();
    }
    until("only Ann sits", async || witness.people(&room).await == [ann]).await;
}
