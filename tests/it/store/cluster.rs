//! Rooms in a Redis Cluster: what becomes of them when its servers come and go.

use std::{sync::atomic::Ordering, time::Duration};

use crate::support::{
    RIGHTS, a_room,
    cluster::Cluster,
    entry,
    ledger::{node, nothing_is_lost_in_silence_while, nothing_is_lost_while},
    redis::{Server, free_port},
    text, until,
};
use parlor::{
    room::{LeaveReason, Limits, RoomId},
    store::{Store, StoreError},
};
use tokio::time::{Instant, sleep};

/// A room that lives on this server.
fn a_room_at(cluster: &Cluster, index: usize) -> RoomId {
    loop {
        let room = a_room();
        if cluster.master_of(cluster.slot_of(room.as_str())) == index {
            return room;
        }
    }
}

/// Another master than the one that has the slot.
fn another_master(cluster: &Cluster, slot: u16) -> usize {
    cluster.masters().into_iter().find(|index| *index != cluster.master_of(slot)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_message_is_one_script_at_the_server_of_its_room_and_nothing_elsewhere() {
    const MESSAGES: u64 = 100;
    let cluster = Cluster::start();
    let (mut here, mut there) = (
        node(&cluster.url(), Limits::default()).await,
        node(&cluster.url(), Limits::default()).await,
    );
    let idle = node(&cluster.url(), Limits::default()).await;
    for home in cluster.masters() {
        let room = a_room_at(&cluster, home);
        let ((ann, ann_tag), (bob, bob_tag)) =
            (here.join(&room, "Ann").await, there.join(&room, "Bob").await);
        here.store.publish(&room, ann, entry(1, &text("hello"))).await.unwrap();
        // Between the first message and the last, only probes call PEXPIRETIME: each once, as each of the others.
        let names = ["evalsha", "spublish", "ssubscribe", "eval", "pexpiretime"];
        let before = cluster.calls_of(names);
        for n in 2..=MESSAGES + 1 {
            here.store.publish(&room, ann, entry(n, &text("hello"))).await.unwrap();
        }
        let after = cluster.calls_of(names);
        for node in [&mut here, &mut there] {
            for seq in 1..=MESSAGES + 1 {
                assert_eq!(node.heard.entry().await.seq, seq);
            }
        }
        for server in 0..cluster.servers().len() {
            let spent = |name: usize| after[server][name] - before[server][name];
            let probes = spent(4);
            // A node sends its probe in full once, to one of the masters perhaps only now.
            let scripts = spent(0) + spent(3) - probes;
            if server == home {
                // Allow for a renewal or two on a very slow machine.
                assert!((MESSAGES..MESSAGES + 6).contains(&scripts), "{scripts}");
                assert_eq!(spent(1) - probes, MESSAGES, "said by the script");
            } else {
                assert_eq!((scripts, spent(1) - probes), (0, 0));
            }
            // A probe's subscription and its script are two commands: each of the three nodes may be between them.
            assert!(spent(2).abs_diff(probes) <= 3, "{} for {probes} probes", names[2]);
            assert!(spent(3) <= 3, "{}", names[3]);
        }
        let channel = format!("parlor1:{{{room}}}");
        assert!(
            cluster.servers()[home].ask(&["PUBSUB", "SHARDNUMSUB", &channel]).ends_with("\n2"),
            "no node without readers"
        );
        here.store.leave(&room, ann, ann_tag, LeaveReason::Left).await.unwrap();
        there.store.leave(&room, bob, bob_tag, LeaveReason::Left).await.unwrap();
    }
    assert_eq!(cluster.keys(), Vec::<String>::new());
    for node in [&here, &there, &idle] {
        assert_eq!(node.store.counts().moved.load(Ordering::Relaxed), 0);
        assert_eq!(node.store.counts().resyncs.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_a_replica_takes_over_as_planned() {
    let (cluster, room) = (Cluster::start(), a_room());
    let slot = cluster.slot_of(room.as_str());
    let nodes = nothing_is_lost_while(&cluster.url(), &room, Limits::default(), async {
        cluster.failover(slot);
        let channel = format!("parlor1:{{{}}}", room.as_str());
        let ask = ["PUBSUB", "SHARDNUMSUB", &channel];
        let master = &cluster.servers()[cluster.master_of(slot)];
        until("both nodes listen there", async || master.ask(&ask).ends_with("\n2")).await;
        cluster.failover(slot);
    })
    .await;
    assert!(nodes[0].store.counts().moved.load(Ordering::Relaxed) > 0);
    assert!(nodes[0].store.counts().remap.load(Ordering::Relaxed) >= 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_in_silence_when_a_master_is_killed() {
    let (cluster, room) = (Cluster::start(), a_room());
    let slot = cluster.slot_of(room.as_str());
    let master = cluster.master_of(slot);
    nothing_is_lost_in_silence_while(&cluster.url(), &room, Limits::default(), async {
        cluster.kill(master);
        cluster.await_successor(slot, master);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_subscriptions_are_cut() {
    let (cluster, room) = (Cluster::start(), a_room());
    let home = &cluster.servers()[cluster.master_of(cluster.slot_of(room.as_str()))];
    nothing_is_lost_while(&cluster.url(), &room, Limits::default(), async {
        for _ in 0..3 {
            home.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
            until("the nodes listen again", async || {
                home.ask(&["PUBSUB", "SHARDCHANNELS"]).contains("parlor1")
            })
            .await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_commands_are_cut() {
    let (cluster, room) = (Cluster::start(), a_room());
    let home = &cluster.servers()[cluster.master_of(cluster.slot_of(room.as_str()))];
    nothing_is_lost_while(&cluster.url(), &room, Limits::default(), async {
        for _ in 0..3 {
            until("there is something to cut", async || {
                home.ask(&["CLIENT", "KILL", "TYPE", "normal"]).trim() != "0"
            })
            .await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_slot_of_a_room_moves() {
    let (cluster, room) = (Cluster::start(), a_room());
    let slot = cluster.slot_of(room.as_str());
    let nodes = nothing_is_lost_while(&cluster.url(), &room, Limits::default(), async {
        for _ in 0..2 {
            let to = another_master(&cluster, slot);
            cluster.begin_move(slot, to);
            // Half a room is here and half of it there.
            sleep(Duration::from_millis(100)).await;
            assert_eq!(cluster.move_keys(slot, to, 1), 1);
            sleep(Duration::from_millis(300)).await;
            while cluster.move_keys(slot, to, 1) > 0 {}
            sleep(Duration::from_millis(100)).await;
            cluster.end_move(slot, to);
            sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
    assert!(nodes[0].store.counts().moved.load(Ordering::Relaxed) > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_that_only_listens_follows_a_room_that_moves() {
    let cluster = Cluster::start();
    let (mut listener, speaker) = (
        node(&cluster.url(), Limits::default()).await,
        node(&cluster.url(), Limits::default()).await,
    );
    let room = a_room();
    let slot = cluster.slot_of(room.as_str());
    listener.join(&room, "Ann").await;
    let (bob, _) = speaker.join(&room, "Bob").await;
    cluster.move_slot(slot, another_master(&cluster, slot));
    let begun = Instant::now();
    speaker.store.publish(&room, bob, entry(1, &text("hello"))).await.unwrap();
    assert_eq!(listener.heard.entry().await.seq, 1);
    println!("heard after {:?}", begun.elapsed());
    assert_eq!(listener.store.counts().reset.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shard_that_is_away_takes_only_its_own_rooms_along() {
    let cluster = Cluster::start();
    let (mut node, mut other) = (
        node(&cluster.url(), Limits::default()).await,
        node(&cluster.url(), Limits::default()).await,
    );
    let masters = cluster.masters();
    let (lost, kept) = (a_room_at(&cluster, masters[0]), a_room_at(&cluster, masters[1]));
    let ((ann, _), (bob, _)) = (node.join(&lost, "Ann").await, node.join(&kept, "Bob").await);
    other.join(&kept, "Cid").await;
    let slot = cluster.slot_of(lost.as_str());
    let replica = cluster.replica_of(slot);
    // No server is left to take over.
    cluster.kill(replica);
    cluster.kill(masters[0]);
    node.heard.link(false).await;
    assert!(node.store.ready(), "most rooms are in reach");
    assert_eq!(
        node.store.publish(&lost, ann, entry(1, &text("hello"))).await,
        Err(StoreError::Unavailable)
    );
    let begun = Instant::now();
    for n in 1..=20 {
        node.store.publish(&kept, bob, entry(n, &text("hello"))).await.unwrap();
        assert_eq!(other.heard.entry().await.seq, n);
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    // It comes back empty: its members bring the room back.
    cluster.launch(masters[0]);
    node.heard.link(true).await;
    node.heard.reset().await;
    until("the room is there again", async || {
        node.store.publish(&lost, ann, entry(1, &text("hello"))).await.is_ok()
    })
    .await;
    assert_eq!(node.people(&kept).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn room_whose_slot_nobody_serves_is_unavailable() {
    let cluster = Cluster::start();
    let node = node(&cluster.url(), Limits::default()).await;
    let (room, elsewhere) = (a_room_at(&cluster, 0), a_room_at(&cluster, 1));
    let slot = cluster.slot_of(room.as_str()).to_string();
    for index in 0..cluster.servers().len() {
        let _ = cluster.servers()[index].try_ask(&["CLUSTER", "DELSLOTS", &slot]);
    }
    assert_eq!(node.store.snapshot(&room, false).await, Err(StoreError::Unavailable));
    assert_eq!(node.store.snapshot(&elsewhere, false).await, Ok(None));
    assert!(node.store.ready());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_that_is_no_part_of_the_cluster_is_passed_over() {
    let cluster = Cluster::start();
    // As one that has lost its files and does not know the others any more.
    let stranger = Server::start_with(|_| {
        ["--save", "", "--cluster-enabled", "yes", "--cluster-port", &free_port().to_string()]
            .map(str::to_owned)
            .to_vec()
    });
    let url = cluster.url().replace("://", &format!("://127.0.0.1:{},", stranger.port()));
    let mut node = node(&url, Limits::default()).await;
    let room = a_room();
    let (ann, _) = node.join(&room, "Ann").await;
    node.store.publish(&room, ann, entry(1, &text("hello"))).await.unwrap();
    assert_eq!(node.heard.entry().await.seq, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_with_few_rights_is_enough() {
    let cluster = Cluster::start();
    let mut command = vec!["ACL", "SETUSER", "parlor", "on", ">s:e/c"];
    command.extend(RIGHTS.split_whitespace().chain(["+cluster|slots"]));
    for server in cluster.servers() {
        assert_eq!(server.ask(&command), "OK");
    }
    let url = cluster.url().replace("://", "://parlor:s%3Ae%2Fc@");
    let mut node = node(&url, Limits { lease: 300, ..Limits::default() }).await;
    let room = a_room();
    let (ann, ann_tag) = node.join(&room, "Ann").await;
    let slot = cluster.slot_of(room.as_str());
    cluster.move_slot(slot, another_master(&cluster, slot));
    node.store.publish(&room, ann, entry(1, &text("hello"))).await.unwrap();
    assert_eq!(node.heard.entry().await.seq, 1);
    node.store.leave(&room, ann, ann_tag, LeaveReason::Left).await.unwrap();
    assert_eq!(cluster.keys(), Vec::<String>::new());
}
