//! What a message costs Redis and the nodes.

use std::sync::atomic::Ordering;

use parlor::{room::Limits, store::Store};
use tokio::time::Instant;

use crate::support::{a_room, entry, ledger::node, line::Line, redis::Server, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_message_is_one_command_and_one_write_to_each_node() {
    const MESSAGES: u64 = 500;
    let server = Server::start();
    let (mut here, mut there) = (
        node(&server.url(), Limits::default()).await,
        node(&server.url(), Limits::default()).await,
    );
    let room = a_room();
    let (ann, _) = here.join(&room, "Ann").await;
    there.join(&room, "Bob").await;
    here.store.publish(&room, ann, entry(1, &text("hello"))).await.unwrap();
    // Between the first message and the last, only probes call PEXPIRETIME: each once.
    let names = ["evalsha", "eval", "script|load", "ssubscribe", "pexpiretime"];
    let before = server.calls_of(names);
    let writes = || {
        let stats = server.ask(&["INFO", "stats"]);
        let writes = stats.lines().find_map(|line| {
            line.trim().strip_prefix("total_writes_processed:")?.parse::<u64>().ok()
        });
        writes.expect("Redis counts its writes")
    };
    let written = writes();
    let mut took = Vec::new();
    for n in 2..=MESSAGES + 1 {
        let begun = Instant::now();
        here.store.publish(&room, ann, entry(n, &text("hello"))).await.unwrap();
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
    assert_eq!(here.store.counts().late_messages.load(Ordering::Relaxed), 0);
    assert_eq!(there.store.counts().resyncs.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_without_members_in_a_room_hears_nothing_of_it() {
    const MESSAGES: usize = 500;
    let server = Server::start();
    let lines = [Line::to(server.port()).await, Line::to(server.port()).await];
    let [mut there, idle] = [
        node(&lines[0].url(), Limits::default()).await,
        node(&lines[1].url(), Limits::default()).await,
    ];
    let here = node(&server.url(), Limits::default()).await;
    let (room, another) = (a_room(), a_room());
    let (ann, _) = here.join(&room, "Ann").await;
    there.join(&room, "Bob").await;
    // The idle node is not deaf: it follows a room of its own.
    idle.join(&another, "Cid").await;
    let words = "x".repeat(1000);
    let before = lines.each_ref().map(Line::answered);
    for n in 1..=MESSAGES {
        here.store.publish(&room, ann, entry(n as u64, &text(&words))).await.unwrap();
    }
    for _ in 0..MESSAGES {
        there.heard.entry().await;
    }
    let [heard, overheard] = [0, 1].map(|line| lines[line].answered() - before[line]);
    assert!(heard >= MESSAGES * words.len(), "{heard}");
    // Pongs and a renewal, but not one message in a hundred.
    assert!(overheard < MESSAGES / 100 * words.len(), "{overheard}");
    println!(
        "{MESSAGES} messages: {heard} bytes to a node with members, {overheard} to one without"
    );
}
