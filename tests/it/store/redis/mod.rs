//! What becomes of rooms when something happens to Redis, or to the line to it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::support::{
    RIGHTS, a_room,
    ledger::{self, Asleep, Node, connect, node, sorted},
    line::Line,
    name, node_id, ready, recorder,
    redis::Server,
    tag, text, until,
};
use parlor::{
    room::{LeaveReason, Limits, MemberId, RoomId},
    store::{
        Event, EventHandler, Store, StoreError,
        redis::{Redis, RedisConfigError, RepairCounts},
    },
};
use tokio::time::{Instant, timeout};

/// See [`ledger::nothing_is_lost_while`]; with a server of its own.
async fn nothing_is_lost_while<F: Future<Output = ()>>(limits: Limits, happens: impl FnOnce(Arc<Server>) -> F) -> [Node; 2] {
    let server = Arc::new(Server::start());
    let happens = happens(Arc::clone(&server));
    ledger::nothing_is_lost_while(&server.url(), &a_room(), limits, happens).await
}

/// Attempts anew until nothing has come in between: an attempt says whether it could be judged.
async fn undisturbed(mut attempt: impl AsyncFnMut() -> bool) {
    for _ in 0..20 {
        if attempt().await {
            return;
        }
    }
    panic!("something has come in between each time");
}

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
    assert!(nodes[0].store.counts().resub.load(Ordering::Relaxed) >= 1);
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
    assert_eq!(node.store.say(&room, ann, 1, &text("hello")).await, Err(StoreError::Unavailable));
    let refused = Instant::now();
    assert_eq!(node.store.leave(&room, ann, ann_tag, LeaveReason::Left).await, Err(StoreError::Unavailable));
    for tried in [refused - asked, refused.elapsed()] {
        assert!(tried > Duration::from_secs(2), "given up before Redis had the time to come back: {tried:?}");
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
    let mut nodes = [node(&server.url(), Limits::default()).await, node(&server.url(), Limits::default()).await];
    let room = a_room();
    let (ann, ann_tag) = nodes[0].join(&room, "Ann").await;
    let (bob, bob_tag) = nodes[1].join(&room, "Bob").await;
    let (cid, cid_tag) = nodes[1].join(&room, "Cid").await;
    nodes[0].store.say(&room, ann, 1, &text("before")).await.unwrap();
    let before = nodes[0].store.look(&room, true).await.unwrap().unwrap();
    server.kill();
    assert!(server.launch());
    for node in &mut nodes {
        let after = node.heard.reset().await;
        assert_ne!(after.epoch, before.epoch);
        assert_eq!(after.key, before.key, "tickets stay good");
    }
    until("everybody is back", async || nodes[0].people(&room).await == sorted(vec![ann, bob, cid])).await;
    let after = nodes[1].store.look(&room, true).await.unwrap().unwrap();
    assert_eq!(after.members, before.members, "with the names and times they had");
    assert_eq!(after.seq, 0);
    let said = nodes[1].store.say(&room, bob, 1, &text("after")).await.unwrap();
    assert_eq!(said.seq, 1);
    for node in &mut nodes {
        node.heard.find(|event| matches!(event, Event::Said { epoch, .. } if epoch == after.epoch).then_some(())).await;
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
    let said = node.store.say(&room, ann, 5, &text("hello")).await.unwrap();
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
    assert_eq!(node.store.say(&room, ann, 1, &text("hello")).await.unwrap().seq, 1);
}

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
        let (mut deaf, other) = (node(&line.url(), limits).await, node(&server.url(), limits).await);
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
        these.other.store.say(&these.room, these.bob, 1, &text("unheard")).await.unwrap();
        these.deaf.store.say(&these.room, these.ann, 1, &text("by ear")).await.unwrap();
        assert_eq!(these.deaf.heard.entry().await.text, text("unheard"));
        assert_eq!(these.deaf.heard.entry().await.text, text("by ear"));
        assert_eq!(these.listeners(), 2);
        // A connection that is made anew is subscribed anew.
        let judged = these.count(|counts| &counts.reconnect) == 0;
        if judged {
            assert!(these.count(|counts| &counts.heal) >= 1);
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
        these.other.store.say(&these.room, dan, 1, &text("unheard too")).await.unwrap();
        these.other.store.leave(&these.room, dan, dan_tag, LeaveReason::Left).await.unwrap();
        // Late news of the first joins may have made it subscribe again before the line was held.
        let unheard = these.listeners() == 1;
        these.line.hold(false);
        let (member, version, count) = these.deaf.heard.joined().await;
        assert_eq!(these.deaf.heard.entry().await.text, text("unheard too"));
        // A connection that is made anew is subscribed anew.
        let judged = unheard && these.count(|counts| &counts.reconnect) == 0;
        if judged {
            assert_eq!((member.id, version, count), (cid, 5, 3), "who came and went meanwhile is not told");
            assert!(these.count(|counts| &counts.heal) >= 1);
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
    other.store.join(&room, ann, &name("Ann"), new_tag, Instant::now(), None).await.unwrap();
    assert_eq!(deaf.heard.moved().await, (ann, ann_tag));
    // Nobody of the old node is left, so it neither listens nor renews any more, and a late goodbye is void.
    until("one node listens", async || subscribers().ends_with("\n1")).await;
    deaf.store.leave(&room, ann, ann_tag, LeaveReason::Lost).await.unwrap();
    assert_eq!(other.people(&room).await, [ann]);
    other.store.leave(&room, ann, new_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
}

/// A feed that takes nothing while the test holds its door.
struct Slow(Arc<crate::support::Recorder>, Arc<tokio::sync::Mutex<()>>);

impl EventHandler for Slow {
    fn tell(&self, room: &RoomId, event: &Event) {
        // Whatever else this thread has to do goes on elsewhere.
        drop(tokio::task::block_in_place(|| self.1.blocking_lock()));
        self.0.tell(room, event);
    }

    fn link(&self, room: &RoomId, up: bool) {
        self.0.link(room, up);
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
    let overrun = Redis::connect(&server.url(), node_id(), limits, Duration::from_secs(120), slow).unwrap();
    ready(&*overrun).await;
    let other = node(&server.url(), limits).await;
    let room = a_room();
    overrun.join(&room, MemberId::random(), &name("Ann"), tag(), Instant::now(), None).await.unwrap();
    heard.joined().await;
    let mut speaking = Vec::new();
    let closed = door.lock().await;
    for _ in 0..4 {
        let (id, _) = other.join(&room, "Bob").await;
        let (store, room) = (Arc::clone(&other.store), room.clone());
        speaking.push(tokio::spawn(async move {
            for n in 1..=EACH {
                store.say(&room, id, n, &text("hello")).await.unwrap();
            }
        }));
    }
    for speaker in speaking {
        speaker.await.unwrap();
    }
    // The answer comes on the connection on which the news came: all of them wait to be taken by now.
    overrun.look(&room, false).await.unwrap();
    drop(closed);
    for seq in 1..=4 * EACH {
        assert_eq!(heard.entry().await.seq, seq);
    }
    assert!(overrun.counts().lag.load(Ordering::Relaxed) >= 1);
    assert_eq!(overrun.counts().reset.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_redis_refuses_at_once_and_lets_everybody_go() {
    let server = Server::start();
    let mut node = node(&server.url(), Limits::default()).await;
    let room = a_room();
    let (ann, ann_tag) = node.join(&room, "Ann").await;
    let (bob, bob_tag) = node.join(&room, "Bob").await;
    node.store.say(&room, ann, 1, &text("hello")).await.unwrap();
    node.heard.entry().await;
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let refusals = || {
        let stats = server.ask(&["INFO", "errorstats"]);
        let line = stats.lines().find_map(|line| line.trim().strip_prefix("errorstat_OOM:count=")?.parse::<u64>().ok());
        line.unwrap_or(0)
    };
    undisturbed(async || {
        let (begun, before) = (Instant::now(), refusals());
        assert_eq!(node.store.say(&room, ann, 2, &text("hello")).await, Err(StoreError::Full));
        let said = refusals();
        let refused = node.store.join(&a_room(), MemberId::random(), &name("Eve"), tag(), Instant::now(), None).await;
        assert_eq!(refused.map(drop), Err(StoreError::Full));
        // What a slow machine leaves without an answer for a second is rightly tried again.
        let judged = begun.elapsed() < Duration::from_secs(1);
        if judged {
            assert_eq!((said - before, refusals() - said), (1, 1), "nothing that was refused is tried again");
        }
        judged
    })
    .await;
    assert_eq!(node.store.look(&room, true).await.unwrap().unwrap().history.len(), 1);
    node.store.typing(&room, ann, &name("Ann"), true, Instant::now()).await.unwrap();
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
    let refused = node.store.join(&room, MemberId::random(), &name("Ann"), tag(), Instant::now(), None).await;
    assert_eq!(refused.map(drop), Err(StoreError::Unavailable));
    assert!(!node.store.ready());
    assert!(server.launch());
    ready(&*node.store).await;
    let (ann, _) = node.join(&room, "Ann").await;
    node.store.say(&room, ann, 1, &text("hello")).await.unwrap();
    assert_eq!(node.heard.entry().await.seq, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_message_is_one_command_and_one_write_to_each_node() {
    const MESSAGES: u64 = 500;
    let server = Server::start();
    let (mut here, mut there) = (node(&server.url(), Limits::default()).await, node(&server.url(), Limits::default()).await);
    let room = a_room();
    let (ann, _) = here.join(&room, "Ann").await;
    there.join(&room, "Bob").await;
    here.store.say(&room, ann, 1, &text("hello")).await.unwrap();
    // Between the first message and the last, only probes call PEXPIRETIME: each once.
    let names = ["evalsha", "eval", "script|load", "ssubscribe", "pexpiretime"];
    let before = server.calls_of(names);
    let writes = || {
        let stats = server.ask(&["INFO", "stats"]);
        let writes = stats.lines().find_map(|line| line.trim().strip_prefix("total_writes_processed:")?.parse::<u64>().ok());
        writes.expect("Redis counts its writes")
    };
    let written = writes();
    let mut took = Vec::new();
    for n in 2..=MESSAGES + 1 {
        let begun = Instant::now();
        here.store.say(&room, ann, n, &text("hello")).await.unwrap();
        took.push(begun.elapsed());
    }
    let after = server.calls_of(names);
    for node in [&mut here, &mut there] {
        for seq in 1..=MESSAGES + 1 {
            assert_eq!(node.heard.entry().await.seq, seq);
        }
    }
    // The answer to the node of the speaker comes together with the news; besides there are pongs.
    let written = writes() - written;
    assert!((MESSAGES * 2..MESSAGES * 5 / 2).contains(&written), "{written}");
    // Neither a renewal nor a check fell into so short a time; allow for a very slow machine.
    let probes = after[4] - before[4];
    let spent = after[0] - before[0] - probes;
    assert!((MESSAGES..MESSAGES + 4).contains(&spent), "{spent}");
    assert_eq!(after[1..3], before[1..3]);
    // A probe's subscription and its script are two commands: each of the two nodes may be between them.
    assert!((after[3] - before[3]).abs_diff(probes) <= 2);
    took.sort_unstable();
    println!(
        "{spent} EVALSHA for {MESSAGES} messages; say: p50 {:?}, p99 {:?}",
        took[took.len() / 2],
        took[took.len() * 99 / 100]
    );
    assert_eq!(here.store.counts().heal.load(Ordering::Relaxed), 0);
    assert_eq!(there.store.counts().fill.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_without_members_in_a_room_hears_nothing_of_it() {
    const MESSAGES: usize = 500;
    let server = Server::start();
    let lines = [Line::to(server.port()).await, Line::to(server.port()).await];
    let [mut there, idle] = [node(&lines[0].url(), Limits::default()).await, node(&lines[1].url(), Limits::default()).await];
    let here = node(&server.url(), Limits::default()).await;
    let (room, another) = (a_room(), a_room());
    let (ann, _) = here.join(&room, "Ann").await;
    there.join(&room, "Bob").await;
    // The idle node is not deaf: it follows a room of its own.
    idle.join(&another, "Cid").await;
    let words = "x".repeat(1000);
    let before = lines.each_ref().map(Line::answered);
    for n in 1..=MESSAGES {
        here.store.say(&room, ann, n as u64, &text(&words)).await.unwrap();
    }
    for _ in 0..MESSAGES {
        there.heard.entry().await;
    }
    let [heard, overheard] = [0, 1].map(|line| lines[line].answered() - before[line]);
    assert!(heard >= MESSAGES * words.len(), "{heard}");
    // Pongs and a renewal, but not one message in a hundred.
    assert!(overheard < MESSAGES / 100 * words.len(), "{overheard}");
    println!("{MESSAGES} messages: {heard} bytes to a node with members, {overheard} to one without");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers_change_nothing() {
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let mut node = node(&line.url(), Limits::default()).await;
    let room = a_room();
    // Redis knows the scripts by now, so that what is lost is not their absence.
    let (bob, bob_tag) = node.join(&room, "Bob").await;
    node.store.say(&room, bob, 1, &text("hello")).await.unwrap();
    node.heard.entry().await;
    node.store.leave(&room, bob, bob_tag, LeaveReason::Left).await.unwrap();
    // A join whose answer is lost is joined once.
    line.swallow_next_answer();
    let (ann, ann_tag) = (MemberId::random(), tag());
    let (joined, snapshot) = node.store.join(&room, ann, &name("Ann"), ann_tag, Instant::now(), None).await.unwrap();
    assert!(joined.new);
    assert_eq!((snapshot.version, snapshot.members.len()), (1, 1));
    // A message whose answer is lost is said once.
    line.swallow_next_answer();
    assert_eq!(node.store.say(&room, ann, 1, &text("once")).await.unwrap().seq, 1);
    assert_eq!(node.store.say(&room, ann, 2, &text("twice")).await.unwrap().seq, 2);
    assert_eq!(node.heard.entry().await.text, text("once"));
    assert_eq!(node.heard.entry().await.text, text("twice"));
    // So is one without a counter.
    line.swallow_next_answer();
    let said = node.store.publish_next(&room, ann, &text("thrice")).await.unwrap();
    assert_eq!((said.n, said.seq, said.repeated), (3, 3, false));
    assert_eq!(node.store.publish_next(&room, ann, &text("and on")).await.unwrap().n, 4);
    assert_eq!(node.heard.entry().await.text, text("thrice"));
    assert_eq!(node.heard.entry().await.text, text("and on"));
    // A goodbye whose answer is lost is a goodbye.
    line.swallow_next_answer();
    node.store.leave(&room, ann, ann_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_without_a_counter_whose_answers_are_lost_are_said_once_each_whatever_comes_between() {
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let (node, witness) = (node(&line.url(), Limits::default()).await, node(&server.url(), Limits::default()).await);
    let room = a_room();
    let (ann, _) = node.join(&room, "Ann").await;
    witness.store.publish_next(&room, ann, &text("so that Redis knows the script")).await.unwrap();
    let log = async || witness.store.look(&room, true).await.unwrap().unwrap().history;
    line.mute(true);
    let said = |words: &'static str, n: Option<u64>| {
        let (store, room) = (Arc::clone(&node.store), room.clone());
        tokio::spawn(async move {
            match n {
                Some(n) => store.say(&room, ann, n, &text(words)).await,
                None => store.publish_next(&room, ann, &text(words)).await,
            }
        })
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
async fn join_that_was_given_up_leaves_no_ghost() {
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let (node, witness) = (node(&line.url(), Limits::default()).await, node(&server.url(), Limits::default()).await);
    for walk_away in [false, true] {
        let room = a_room();
        let (ann, _) = node.join(&room, "Ann").await;
        line.mute(true);
        let (store, there, ghost) = (Arc::clone(&node.store), room.clone(), MemberId::random());
        let joining =
            tokio::spawn(async move { store.join(&there, ghost, &name("Ghost"), tag(), Instant::now(), None).await.map(drop) });
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
async fn join_that_was_given_up_leaves_no_subscription() {
    let server = Server::start();
    undisturbed(async || {
        let line = Line::to(server.port()).await;
        let node = node(&line.url(), Limits { lease: 900, ..Limits::default() }).await;
        let (room, store) = (a_room(), Arc::clone(&node.store));
        let channel = format!("parlor1:{{{room}}}");
        let listeners = || server.ask(&["PUBSUB", "SHARDNUMSUB", &channel]).lines().last().unwrap().to_owned();
        let begun = Instant::now();
        line.mute(true);
        let joining = tokio::spawn(async move {
            store.join(&room, MemberId::random(), &name("Ann"), tag(), Instant::now(), None).await.map(drop)
        });
        until("it is subscribed, or too late", async || listeners() == "1" || joining.is_finished()).await;
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
async fn resume_that_was_given_up_does_not_cost_the_seat() {
    let server = Server::start();
    let line = Line::to(server.port()).await;
    let (near, far) = (node(&line.url(), Limits::default()).await, node(&server.url(), Limits::default()).await);
    for home in [&near, &far] {
        let room = a_room();
        let (ann, first) = home.join(&room, "Ann").await;
        home.store.say(&room, ann, 1, &text("mine")).await.unwrap();
        // The scripts are known, so that the join does happen.
        near.join(&a_room(), "Bob").await;
        line.mute(true);
        let link = tag();
        assert_eq!(
            near.store.join(&room, ann, &name("Ann"), link, Instant::now(), None).await.map(drop),
            Err(StoreError::Unavailable)
        );
        line.mute(false);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let kept = far.store.look(&room, true).await.unwrap().unwrap();
        assert_eq!((kept.members.len(), kept.history.len()), (1, 1));
        // The goodbyes of both links free it.
        home.store.leave(&room, ann, first, LeaveReason::Lost).await.unwrap();
        until("the seat is free", async || {
            let _ = near.store.leave(&room, ann, link, LeaveReason::Lost).await;
            far.store.look(&room, false).await.unwrap().is_none()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_that_overslept_brings_its_members_back_unnoticed_by_them() {
    let Asleep { server: _server, line, mut sleeper, mut other, room, ann: member, bob } = Asleep::begin().await;
    let ann = member.id;
    other.store.say(&room, bob, 1, &text("is she gone?")).await.unwrap();
    line.hold(false);
    let (back, _, count) = other.heard.joined().await;
    assert_eq!((back, count), (member, 2));
    assert_eq!(sleeper.heard.entry().await.text, text("is she gone?"));
    let next = sleeper.heard.next().await;
    assert!(matches!(next, Event::Unchanged { version: 4, count: 2, .. }), "{next:?}");
    assert_eq!(sleeper.heard.rest(), [], "neither left nor joined, nor reset");
    assert_eq!(sleeper.store.say(&room, ann, 1, &text("no")).await.unwrap().seq, 2);
    assert_eq!(other.people(&room).await, sorted(vec![ann, bob]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn member_that_moved_away_is_not_brought_back_by_its_old_node() {
    let server = Server::start();
    let (old, mut new) = (node(&server.url(), Limits::default()).await, node(&server.url(), Limits::default()).await);
    let room = a_room();
    let (ann, old_tag) = old.join(&room, "Ann").await;
    let (bob, bob_tag) = old.join(&room, "Bob").await;
    let new_tag = tag();
    new.store.join(&room, ann, &name("Ann"), new_tag, Instant::now(), None).await.unwrap();
    server.ask(&["FLUSHALL"]);
    // Both bring back whom they believe theirs; the later holder wins, whoever comes first.
    old.store.say(&room, bob, 1, &text("hello")).await.unwrap();
    new.heard.reset().await;
    old.store.leave(&room, ann, old_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(new.people(&room).await, sorted(vec![ann, bob]));
    old.store.leave(&room, bob, bob_tag, LeaveReason::Left).await.unwrap();
    new.store.leave(&room, ann, new_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_writes_begin_another_life() {
    let server = Server::start();
    let mut nodes = [node(&server.url(), Limits::default()).await, node(&server.url(), Limits::default()).await];
    let room = a_room();
    let (ann, _) = nodes[0].join(&room, "Ann").await;
    nodes[1].join(&room, "Bob").await;
    for n in 1..=5 {
        nodes[0].store.say(&room, ann, n, &text("hello")).await.unwrap();
    }
    for node in &mut nodes {
        while node.heard.entry().await.seq < 5 {}
    }
    // As after a failover to a replica that had not heard the last two.
    let (hash, log) = (format!("parlor1:{{{room}}}:h"), format!("parlor1:{{{room}}}:l"));
    server.ask(&["HSET", &hash, "s", "3"]);
    server.ask(&["LTRIM", &log, "0", "2"]);
    assert_eq!(nodes[0].store.say(&room, ann, 6, &text("after")).await.unwrap().seq, 4);
    let mut lives = Vec::new();
    for node in &mut nodes {
        lives.push(node.heard.reset().await.epoch);
    }
    assert_eq!(lives[0], lives[1]);
    let room = nodes[1].store.look(&room, true).await.unwrap().unwrap();
    assert_eq!(room.epoch, lives[0]);
    assert!(room.history.iter().map(|entry| (entry.seq, entry.n)).eq([(1, 1), (2, 2), (3, 3), (4, 6)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_of_a_log_are_counted_true_whoever_trims_it() {
    const COUNT: &str = "local sum, log = 0, redis.call('LRANGE', KEYS[2], 0, -1) \
        for i = 1, #log do sum = sum + #log[i] - string.find(log[i], '\\n', 1, true) end \
        return redis.call('HGET', KEYS[1], 'b') .. ' ' .. sum .. ' ' .. #log";
    // A lease so short has renewals sweep while others speak; the room itself is not to end before it is renewed.
    let limits = Limits { history_len: 9, history_bytes: 40, history_age: 400, lease: 300, ..Limits::default() };
    let server = Server::start();
    let (feed, _heard) = recorder();
    let node = Redis::connect(&server.url(), node_id(), limits, Duration::from_secs(120), feed).unwrap();
    ready(&*node).await;
    let (room, ann) = (a_room(), MemberId::random());
    node.join(&room, ann, &name("Ann"), tag(), Instant::now(), None).await.unwrap();
    let (hash, log) = (format!("parlor1:{{{room}}}:h"), format!("parlor1:{{{room}}}:l"));
    let length = || {
        let answer = server.ask(&["EVAL", COUNT, "2", &hash, &log]);
        let [counted, sum, length] = answer.trim().split(' ').collect::<Vec<_>>()[..] else { panic!("{answer}") };
        assert_eq!(counted, sum);
        length.to_owned()
    };
    for n in 1..=40 {
        let words = "ё".repeat([1, 2, 30, 3, 1, 1, 1, 1, 1, 1, 1, 1][n as usize % 12]);
        node.say(&room, ann, n, &text(&words)).await.unwrap();
        length();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until("the renewals have swept it", async || length() == "0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_fleet_leaves_nothing() {
    let limits = Limits { lease: 400, ..Limits::default() };
    let server = Server::start();
    let nodes = [node(&server.url(), limits).await, node(&server.url(), limits).await];
    // Not when they die: nobody knows how long ago they said their last word.
    let begun = Instant::now();
    for _ in 0..5 {
        let room = a_room();
        for node in &nodes {
            let (id, _) = node.join(&room, "Ann").await;
            node.store.say(&room, id, 1, &text("a secret")).await.unwrap();
        }
    }
    assert_eq!(server.keys().len(), 15);
    drop(nodes);
    until("Redis is empty", async || server.keys().is_empty()).await;
    assert!(begun.elapsed() > Duration::from_secs(3), "no sooner than the backstop");
}

/// When each key ends. Negative for one that does not, or is not there.
fn ends(server: &Server, keys: &[String]) -> Vec<i64> {
    keys.iter().map(|key| server.ask(&["PEXPIRETIME", key]).parse().unwrap()).collect()
}

/// Waits until a renewal has put off the end of every key of the only room.
async fn until_put_off(server: &Server) {
    let keys = server.keys();
    assert_eq!(keys.len(), 3);
    let first = ends(server, &keys);
    until("each end is put off", async || ends(server, &keys).iter().zip(&first).all(|(end, first)| end > first)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_of_a_room_carries_the_same_expiry() {
    let server = Server::start();
    let node = node(&server.url(), Limits::default()).await;
    let room = a_room();
    let (ann, _) = node.join(&room, "Ann").await;
    node.store.say(&room, ann, 1, &text("hello")).await.unwrap();
    let keys = server.keys();
    assert_eq!(keys.len(), 3);
    let ends = ends(&server, &keys);
    assert!(ends.iter().all(|end| *end == ends[0] && *end > 0), "{ends:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_room_outlives_the_backstop_expiry() {
    let server = Server::start();
    let node = node(&server.url(), Limits { lease: 3000, ..Limits::default() }).await;
    let room = a_room();
    let (ann, ann_tag) = node.join(&room, "Ann").await;
    node.store.say(&room, ann, 1, &text("hello")).await.unwrap();
    until_put_off(&server).await;
    let seen = node.store.look(&room, true).await.unwrap().unwrap();
    assert_eq!((seen.history.len(), seen.version), (1, 1));
    node.store.leave(&room, ann, ann_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_of_one_server_are_apart() {
    let server = Server::start();
    let (mut first, mut second) =
        (node(&server.url(), Limits::default()).await, node(&format!("{}/1", server.url()), Limits::default()).await);
    let room = a_room();
    let (ann, _) = first.join(&room, "Ann").await;
    let (bob, _) = second.join(&room, "Bob").await;
    assert_eq!(first.people(&room).await, [ann]);
    second.store.say(&room, bob, 1, &text("there")).await.unwrap();
    first.store.say(&room, ann, 1, &text("here")).await.unwrap();
    assert_eq!(first.heard.entry().await.text, text("here"));
    assert_eq!(second.heard.entry().await.text, text("there"));
    assert_eq!(first.store.counts().fill.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_with_few_rights_is_enough() {
    let server = Server::start();
    let mut command = vec!["ACL", "SETUSER", "parlor", "on", ">s:e/c"];
    command.extend(RIGHTS.split_whitespace());
    assert_eq!(server.ask(&command), "OK");
    let url = format!("redis://parlor:s%3Ae%2Fc@127.0.0.1:{}", server.port());
    let mut node = node(&url, Limits { history_len: 2, lease: 3000, ..Limits::default() }).await;
    let room = a_room();
    let (ann, ann_tag) = node.join(&room, "Ann").await;
    for n in 1..=5 {
        node.store.say(&room, ann, n, &text("hello")).await.unwrap();
        assert_eq!(node.heard.entry().await.seq, n);
    }
    node.store.typing(&room, ann, &name("Ann"), true, Instant::now()).await.unwrap();
    until_put_off(&server).await;
    assert_eq!(node.people(&room).await, [ann]);
    node.store.leave(&room, ann, ann_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
    assert!(!format!("{:?}", node.store).contains("s:e/c"));
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
    let refused = node.store.join(&a_room(), MemberId::random(), &name("Ann"), tag(), Instant::now(), None).await;
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

#[tokio::test]
async fn urls_that_cannot_be_served_are_refused_at_once() {
    for (url, error) in [
        ("redis-cluster://localhost:1/1", RedisConfigError::ClusterDatabase),
        ("redis-sentinel://localhost:1", RedisConfigError::NoService),
        ("localhost", RedisConfigError::BadUrl),
    ] {
        let (feed, _heard) = recorder();
        let refused = Redis::connect(url, node_id(), Limits::default(), Duration::from_secs(120), feed);
        assert_eq!(refused.map(drop), Err(error));
    }
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
