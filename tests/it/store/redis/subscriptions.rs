//! Subscriptions that are lost, overrun, or no longer needed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parlor::{
    room::{Joiner, LeaveReason, Limits, MemberId, RoomId},
    store::{
        Event, EventHandler, Store,
        redis::{Redis, RepairCounts},
    },
};
use tokio::time::Instant;

use crate::support::{
    a_room, entry,
    ledger::{Node, node},
    line::Line,
    name, node_id, ready, recorder,
    redis::Server,
    tag, text, undisturbed, until,
};

/// Ann sits at a node whose subscription was ended in silence, Bob at another one.
struct Deafened {
    server: Server,
    line: Line,
    deaf: Node,
    other: Node,
    room: RoomId,
    ann: MemberId,
    bob: MemberId,
}

impl Deafened {
    async fn begin(lease: u64) -> Self {
        let limits = Limits { lease, ..Limits::default() };
        let server = Server::start();
        let line = Line::to(server.port()).await;
        let (mut deaf, other) =
            (node(&line.url(), limits).await, node(&server.url(), limits).await);
        let room = a_room();
        let (ann, _) = deaf.join(&room, "Ann").await;
        let (bob, _) = other.join(&room, "Bob").await;
        deaf.heard.joined().await;
        deaf.heard.joined().await;
        let deafened = Self { server, line, deaf, other, room, ann, bob };
        deafened.line.whisper(&["SUNSUBSCRIBE", &deafened.channel()]);
        until("the subscription is gone", async || deafened.listeners() == 1).await;
        deafened
    }

    fn channel(&self) -> String {
        format!("parlor1:{{{}}}", self.room)
    }

    fn listeners(&self) -> u64 {
        let answer = self.server.ask(&["PUBSUB", "SHARDNUMSUB", &self.channel()]);
        answer.lines().last().unwrap().parse().unwrap()
    }

    fn count(&self, of: impl Fn(&RepairCounts) -> &AtomicU64) -> u64 {
        of(self.deaf.store.counts()).load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_loss_of_a_subscription_is_noticed_by_what_the_node_says_itself() {
    undisturbed(async || {
        // No renewal comes meanwhile that would notice it too.
        let mut these = Deafened::begin(3_600_000).await;
        these
            .other
            .store
            .publish(&these.room, these.bob, entry(1, &text("unheard")))
            .await
            .unwrap();
        these.deaf.store.publish(&these.room, these.ann, entry(1, &text("by ear"))).await.unwrap();
        assert_eq!(these.deaf.heard.entry().await.text, text("unheard"));
        assert_eq!(these.deaf.heard.entry().await.text, text("by ear"));
        assert_eq!(these.listeners(), 2);
        // A connection that is made anew is subscribed anew.
        let judged = these.count(|counts| &counts.reconnect) == 0;
        if judged {
            assert!(these.count(|counts| &counts.late_messages) >= 1);
        }
        judged
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_loss_of_a_subscription_is_noticed_by_the_renewal_when_the_node_only_listens() {
    undisturbed(async || {
        let mut these = Deafened::begin(3000).await;
        // No renewal falls between what happens: messages, and who came and went.
        these.line.hold(true);
        let (cid, _) = these.other.join(&these.room, "Cid").await;
        let (dan, dan_tag) = these.other.join(&these.room, "Dan").await;
        these.other.store.publish(&these.room, dan, entry(1, &text("unheard too"))).await.unwrap();
        these.other.store.leave(&these.room, dan, dan_tag, LeaveReason::Left).await.unwrap();
        // Late news of the first joins may have made it subscribe again before the line was held.
        let unheard = these.listeners() == 1;
        these.line.hold(false);
        let (member, version, count) = these.deaf.heard.joined().await;
        assert_eq!(these.deaf.heard.entry().await.text, text("unheard too"));
        // A connection that is made anew is subscribed anew.
        let judged = unheard && these.count(|counts| &counts.reconnect) == 0;
        if judged {
            assert_eq!(
                (member.id, version, count),
                (cid, 5, 3),
                "who came and went meanwhile is not told"
            );
            assert!(these.count(|counts| &counts.late_messages) >= 1);
            assert_eq!(these.deaf.heard.rest(), []);
        }
        judged
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seat_that_moved_while_nobody_listened_is_let_go_of_by_the_next_renewal() {
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let limits = Limits { lease: 3000, ..Limits::default() };
    let (mut deaf, other) = (node(&line.url(), limits).await, node(&server.url(), limits).await);
    let room = a_room();
    let (ann, ann_tag) = deaf.join(&room, "Ann").await;
    let channel = format!("parlor1:{{{room}}}");
    let subscribers = || server.ask(&["PUBSUB", "SHARDNUMSUB", &channel]);
    line.whisper(&["SUNSUBSCRIBE", &channel]);
    until("the subscription is gone", async || subscribers().ends_with("\n0")).await;
    let new_tag = tag();
    other
        .store
        .join(&room, &Joiner::new(ann, &name("Ann")), new_tag, Instant::now(), None)
        .await
        .unwrap();
    assert_eq!(deaf.heard.moved().await, (ann, ann_tag));
    // No member of the old node is left, so it neither listens nor renews any more, and a late goodbye is void.
    until("one node listens", async || subscribers().ends_with("\n1")).await;
    deaf.store.leave(&room, ann, ann_tag, LeaveReason::Lost).await.unwrap();
    assert_eq!(other.people(&room).await, [ann]);
    other.store.leave(&room, ann, new_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
}

/// A feed that takes nothing while the test holds its lock.
struct Slow(Arc<crate::support::Recorder>, Arc<tokio::sync::Mutex<()>>);

impl EventHandler for Slow {
    fn on_event(&self, room: &RoomId, event: &Event) {
        // Whatever else this thread has to do goes on elsewhere.
        drop(tokio::task::block_in_place(|| self.1.blocking_lock()));
        self.0.on_event(room, event);
    }

    fn on_availability(&self, room: &RoomId, up: bool) {
        self.0.on_availability(room, up);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn node_that_is_overrun_catches_up_from_the_log() {
    const EACH: u64 = 1500;
    // No renewal comes meanwhile and waits for what the feed does not take.
    let limits = Limits { history_len: 10_000, lease: 3_600_000, ..Limits::default() };
    let server = Server::start();
    let (feed, mut heard) = recorder();
    let door = Arc::new(tokio::sync::Mutex::new(()));
    let slow = Arc::new(Slow(feed, Arc::clone(&door)));
    let overrun =
        Redis::connect(&server.url(), node_id(), limits, Duration::from_secs(120), slow).unwrap();
    ready(&*overrun).await;
    let other = node(&server.url(), limits).await;
    let room = a_room();
    overrun
        .join(&room, &Joiner::new(MemberId::random(), &name("Ann")), tag(), Instant::now(), None)
        .await
        .unwrap();
    heard.joined().await;
    let mut speaking = Vec::new();
    let closed = door.lock().await;
    for _ in 0..4 {
        let (id, _) = other.join(&room, "Bob").await;
        let (store, room) = (Arc::clone(&other.store), room.clone());
        speaking.push(tokio::spawn(async move {
            for n in 1..=EACH {
                store.publish(&room, id, entry(n, &text("hello"))).await.unwrap();
            }
        }));
    }
    for speaker in speaking {
        speaker.await.unwrap();
    }
    // The answer comes on the connection on which the news came: all of them wait to be taken by now.
    overrun.snapshot(&room, false).await.unwrap();
    drop(closed);
    for seq in 1..=4 * EACH {
        assert_eq!(heard.entry().await.seq, seq);
    }
    assert!(overrun.counts().lag.load(Ordering::Relaxed) >= 1);
    assert_eq!(overrun.counts().reset.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn join_that_was_given_up_leaves_no_subscription() {
    let server = Server::start();
    undisturbed(async || {
        let line = Line::to(server.port()).await;
        let node = node(&line.url(), Limits { lease: 900, ..Limits::default() }).await;
        let (room, store) = (a_room(), Arc::clone(&node.store));
        let channel = format!("parlor1:{{{room}}}");
        let listeners =
            || server.ask(&["PUBSUB", "SHARDNUMSUB", &channel]).lines().last().unwrap().to_owned();
        let begun = Instant::now();
        line.mute(true);
        let joining = tokio::spawn(async move {
            store
                .join(
                    &room,
                    &Joiner::new(MemberId::random(), &name("Ann")),
                    tag(),
                    Instant::now(),
                    None,
                )
                .await
                .map(drop)
        });
        until("it is subscribed, or too late", async || {
            listeners() == "1" || joining.is_finished()
        })
        .await;
        joining.abort();
        line.mute(false);
        until("nobody listens", async || listeners() == "0").await;
        let anew = node.store.counts().reconnect.load(Ordering::Relaxed);
        // Two pings of a second each without an answer, and rightly it is made anew.
        let judged = begun.elapsed() < Duration::from_secs(2);
        if judged {
            assert_eq!(anew, 0, "the line was not simply made anew");
        }
        judged
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_room_stays_at_a_node_however_its_last_leave_and_the_next_join_meet() {
    let server = Server::start();
    let node = Arc::new(node(&server.url(), Limits::default()).await);
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..50 {
        let room = a_room();
        let visits = (0..4).map(|_| {
            let (node, room) = (Arc::clone(&node), room.clone());
            tokio::spawn(async move {
                for _ in 0..5 {
                    let (id, tag) = node.join(&room, "Ann").await;
                    node.store.leave(&room, id, tag, LeaveReason::Left).await.unwrap();
                }
            })
        });
        futures_util::future::join_all(visits).await.into_iter().for_each(Result::unwrap);
    }
    until("the keepers of the rooms end", async || tasks() <= before).await;
    assert_eq!(server.ask(&["KEYS", "*"]), "");
}
