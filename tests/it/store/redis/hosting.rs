//! What hosts decided, and rooms that were ended, when something happens to Redis or to the line to it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parlor::{
    room::{EndCause, HostAction, Joiner, LeaveReason, Limits, Lock, MemberId, RoomError, RoomId},
    store::{Event, Store},
};
use tokio::time::Instant;

use super::ends;
use crate::support::{
    a_room, entry,
    ledger::{Node, node, sorted},
    line::Line,
    name,
    redis::Server,
    tag, text, until,
};

async fn decides(node: &Node, room: &RoomId, by: MemberId, action: HostAction) {
    node.store.decide(room, by, &action).await.unwrap();
}

async fn refusal(node: &Node, room: &RoomId, id: MemberId) -> Option<RoomError> {
    let joined =
        node.store.join(room, &Joiner::new(id, &name("Eve")), tag(), Instant::now(), None).await;
    match joined {
        Ok(_) => None,
        Err(parlor::store::StoreError::Refused(refusal)) => Some(refusal),
        Err(error) => panic!("{error}"),
    }
}

fn kick(member: MemberId) -> HostAction {
    HostAction::Kick { member, address: true }
}

fn ends_at(at: u64) -> HostAction {
    HostAction::Lifetime { ends_at: Some(Some(at)), message_age: None }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// A node whose line can be tampered with, another one, and a room in which both have a member; the other's is the host.
struct Deaf {
    server: Server,
    line: Line,
    deaf: Node,
    other: Node,
    room: RoomId,
    ann: MemberId,
    bob: MemberId,
}

impl Deaf {
    async fn begin() -> Self {
        let limits = Limits { lease: 1500, ..Limits::default() };
        let server = Server::start();
        let line = Line::to(server.port()).await;
        let (deaf, other) = (node(&line.url(), limits).await, node(&server.url(), limits).await);
        let room = a_room();
        let (ann, _) = other.join(&room, "Ann").await;
        let (bob, _) = deaf.join(&room, "Bob").await;
        Self { server, line, deaf, other, room, ann, bob }
    }

    /// From now on the node hears nothing of the room, until it notices.
    async fn go_deaf(&self) {
        let channel = format!("parlor1:{{{}}}", self.room);
        let subscribers = || self.server.ask(&["PUBSUB", "SHARDNUMSUB", &channel]);
        until("both listen", async || subscribers().ends_with("\n2")).await;
        self.line.whisper(&["SUNSUBSCRIBE", &channel]);
        until("the subscription is gone", async || subscribers().ends_with("\n1")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_host_decided_survives_the_loss_of_redis() {
    let server = Server::start();
    let mut nodes = [
        node(&server.url(), Limits::default()).await,
        node(&server.url(), Limits::default()).await,
    ];
    let room = a_room();
    let (ann, _) = nodes[0].join(&room, "Ann").await;
    let (bob, _) = nodes[1].join(&room, "Bob").await;
    let (cid, _) = nodes[1].join(&room, "Cid").await;
    let (dan, _) = nodes[1].join(&room, "Dan").await;
    decides(&nodes[1], &room, ann, kick(dan)).await;
    decides(&nodes[1], &room, ann, HostAction::Lock(Lock::Locked)).await;
    decides(&nodes[1], &room, ann, HostAction::Mute { member: cid, muted: true }).await;
    let before = nodes[0].store.snapshot(&room, false).await.unwrap().unwrap();
    for node in &mut nodes {
        until("it is told", async || {
            node.heard
                .rest()
                .iter()
                .any(|event| matches!(event, Event::Rules { rules, .. } if *rules == before.rules))
        })
        .await;
    }
    server.kill();
    assert!(server.launch());
    // Somebody who comes first, at a node that has members here, neither creates the room nor gets in.
    let stranger = MemberId::random();
    until("the node is back", async || {
        let eve = name("Eve");
        let joiner = Joiner::new(stranger, &eve);
        let joined = nodes[1].store.join(&room, &joiner, tag(), Instant::now(), None).await;
        match joined {
            Err(parlor::store::StoreError::Refused(refusal)) => refusal == RoomError::RoomLocked,
            Err(_) => false,
            Ok(_) => panic!("a stranger got in"),
        }
    })
    .await;
    until("everybody is back", async || {
        nodes[0].people(&room).await == sorted(vec![ann, bob, cid])
    })
    .await;
    let after = nodes[1].store.snapshot(&room, false).await.unwrap().unwrap();
    assert_eq!((&after.rules, after.key), (&before.rules, before.key));
    assert_eq!(after.rules.host, Some(ann));
    assert_eq!(refusal(&nodes[0], &room, dan).await, Some(RoomError::Kicked));
    let muted = nodes[1].store.publish(&room, cid, entry(1, &text("no"))).await;
    assert_eq!(muted, Err(RoomError::Muted.into()));
    decides(&nodes[1], &room, ann, HostAction::Lock(Lock::Open)).await;
    assert_eq!(refusal(&nodes[0], &room, stranger).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kick_survives_a_failover_that_lost_it() {
    let server = Server::start();
    let nodes = [
        node(&server.url(), Limits::default()).await,
        node(&server.url(), Limits::default()).await,
    ];
    let room = a_room();
    let (ann, _) = nodes[0].join(&room, "Ann").await;
    let (bob, _) = nodes[1].join(&room, "Bob").await;
    let (dan, _) = nodes[1].join(&room, "Dan").await;
    let copies = server.keys().into_iter().map(|key| (format!("{key}:before"), key));
    let copies: Vec<_> = copies.collect();
    for (copy, key) in &copies {
        assert_eq!(server.ask(&["COPY", key, copy]), "1");
    }
    decides(&nodes[0], &room, ann, kick(dan)).await;
    let [mut first, mut second] = nodes;
    for node in [&mut first, &mut second] {
        assert_eq!(node.heard.left().await.0.id, dan);
    }
    // As a replica has it that becomes the master too early.
    for (copy, key) in &copies {
        assert_eq!(server.ask(&["COPY", copy, key, "REPLACE"]), "1");
    }
    server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    until("the kick is written again", async || {
        let seen = second.store.find(&room, None).await;
        seen.is_ok_and(|seen| seen.is_some_and(|seen| seen.rules.has_kicked(dan)))
    })
    .await;
    assert_eq!(second.people(&room).await, sorted(vec![ann, bob]));
    for node in [&first, &second] {
        assert_eq!(refusal(node, &room, dan).await, Some(RoomError::Kicked));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_does_not_come_back_has_a_successor() {
    let limits = Limits { lease: 900, ..Limits::default() };
    let server = Server::start();
    let (lost, mut other) = (node(&server.url(), limits).await, node(&server.url(), limits).await);
    let room = a_room();
    let (ann, _) = lost.join(&room, "Ann").await;
    let (bob, _) = other.join(&room, "Bob").await;
    assert_eq!(other.store.find(&room, None).await.unwrap().unwrap().rules.host, Some(ann));
    server.kill();
    drop(lost);
    assert!(server.launch());
    other.heard.reset().await;
    until("the right has passed on", async || {
        let seen = other.store.find(&room, None).await.unwrap();
        seen.is_some_and(|seen| seen.rules.host == Some(bob))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_missed_a_kick_does_not_bring_the_member_back() {
    for alone in [true, false] {
        let Deaf { server, line, mut deaf, other, room, ann, bob } = Deaf::begin().await;
        let mut stays = vec![ann];
        if !alone {
            stays.push(deaf.join(&room, "Cid").await.0);
        }
        let these = Deaf { server, line, deaf, other, room, ann, bob };
        these.go_deaf().await;
        decides(&these.other, &these.room, ann, kick(bob)).await;
        Deaf { deaf, .. } = these;
        let (gone, reason, _, count) = deaf.heard.left().await;
        assert_eq!((gone.id, reason, count), (bob, LeaveReason::Kicked, stays.len()), "{alone}");
        tokio::time::sleep(Duration::from_millis(1000)).await;
        assert_eq!(these.other.people(&these.room).await, sorted(stays));
        assert_eq!(refusal(&deaf, &these.room, bob).await, Some(RoomError::Kicked));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_missed_the_end_of_a_room_does_not_bring_it_back() {
    let mut these = Deaf::begin().await;
    these.go_deaf().await;
    let end = these.other.store.burn(&these.room, Some(these.ann)).await.unwrap();
    assert_eq!(these.server.keys(), Vec::<String>::new());
    assert_eq!((end.members, end.keys_left), (2, 0));
    let told = these.deaf.heard.find(|event| match event {
        Event::Burned { end } => Some(end),
        _ => None,
    });
    assert_eq!(*told.await, end, "as soon as it notices");
    until("nothing is left", async || these.server.keys().is_empty()).await;
    tokio::time::sleep(Duration::from_millis(1000)).await;
    assert_eq!(these.server.keys(), Vec::<String>::new());
    let left = these.deaf.store.publish(&these.room, these.bob, entry(1, &text("no"))).await;
    assert_eq!(left, Err(RoomError::NotMember.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_missed_the_end_of_a_room_stays_out_of_the_next_one() {
    let mut these = Deaf::begin().await;
    these.go_deaf().await;
    these.other.store.burn(&these.room, Some(these.ann)).await.unwrap();
    let (cid, _) = these.other.join(&these.room, "Cid").await;
    let begun = these.other.store.find(&these.room, None).await.unwrap().unwrap();
    these.deaf.heard.find(|event| matches!(event, Event::Burned { .. }).then_some(())).await;
    // Longer than the end is told again and again.
    tokio::time::sleep(Duration::from_millis(3500)).await;
    let seen = these.other.store.find(&these.room, None).await.unwrap().unwrap();
    assert_eq!(seen, begun, "nobody has come or gone");
    assert_eq!(these.other.people(&these.room).await, [cid]);
    assert_eq!(seen.rules.host, Some(cid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_of_a_room_go_by_themselves_when_its_time_is_over() {
    let limits = Limits { lease: 1500, min_life: 0, ..Limits::default() };
    let server = Server::start();
    let mut node = node(&server.url(), limits).await;
    let room = a_room();
    let (ann, _) = node.join(&room, "Ann").await;
    node.store.publish(&room, ann, entry(1, &text("a secret"))).await.unwrap();
    let over = now() + 1000;
    decides(&node, &room, ann, ends_at(over)).await;
    let keys = server.keys();
    let last = i64::try_from(over + limits.lease).unwrap();
    assert_eq!((keys.len(), ends(&server, &keys)), (3, vec![last; 3]));
    node.store.publish(&room, ann, entry(2, &text("another"))).await.unwrap();
    assert_eq!(ends(&server, &keys), vec![last; 3], "whatever is sent");
    // Nobody ends it, and the node goes on renewing: that puts off nothing, and brings nothing back.
    until("they are gone", async || server.keys().is_empty()).await;
    let end = node
        .heard
        .find(|event| match event {
            Event::Burned { end } => Some(end),
            _ => None,
        })
        .await;
    assert_eq!((end.cause, &end.room), (EndCause::Expired, &room));
    assert_eq!(server.keys(), Vec::<String>::new());
    // The same where no node runs.
    let (bob, _) = node.join(&room, "Bob").await;
    decides(&node, &room, bob, ends_at(now() + 1000)).await;
    decides(&node, &room, bob, ends_at(now() + 500)).await;
    drop(node);
    until("they are gone", async || server.keys().is_empty()).await;
    assert!(now() >= over + 500);
}
