//! Every transport into the same room: one ledger over four of them, one and two nodes, cuts and switches at random.
//! People say words, answer them, react to them, change and delete them, and send files. The first of them is host, and
//! decides all the time.

mod host;
mod knowledge;
mod nomad;
mod record;
mod upload;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    support::redis,
    wire::{TestServer, eventually},
};
use nomad::Nomad;
use record::Record;

const ROOM: &str = "ledger";

async fn nomads(
    nodes: Vec<TestServer>,
    redis: Option<&redis::Server>,
    people: u64,
    each: u64,
) -> Arc<Vec<TestServer>> {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let nodes = Arc::new(nodes);
    let mut all = Vec::new();
    for i in 0..people {
        all.push(Nomad::new(&nodes, format!("Nomad{i}"), each, people - 1 - i, seed ^ i).await);
    }
    let total = people * each;
    let tasks: Vec<_> = all.into_iter().map(|nomad| tokio::spawn(nomad.live(total))).collect();
    // Who fails ends it for all: the others would wait for what they never say.
    let nomads = futures_util::future::try_join_all(tasks).await.unwrap();
    let record = Record::of(&nomads, total);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for nomad in &nomads {
        record.hold(nomad, redis.is_some());
        nomad.counts.iter().for_each(|(what, count)| *counts.entry(what).or_default() += count);
        *counts.entry("in messages that were told after it").or_default() +=
            nomad.absorbed.len() as u64;
    }
    let kinds = record.kinds();
    for kind in ["chat", "reply", "react", "edit", "delete", "file"] {
        assert!(kinds.contains_key(kind), "no {kind} in {total} entries");
    }
    for node in nodes.iter() {
        record.hold_for_newcomers(node).await;
    }
    if let Some(redis) = redis {
        let contents = redis.contents();
        assert!(contents.contains("Nomad"), "the log is there: {contents}");
        let void = record.hold_against("Redis", &contents);
        println!("none of {void} texts that were replaced or deleted is in Redis");
    }
    println!(
        "{} nodes, {people} people, {total} entries {kinds:?}, each heard once and in one order by all: {counts:#?}",
        nodes.len()
    );
    assert!(counts["decisions"] > 2, "the first of them is host: {counts:?}");
    if redis.is_some() {
        nomads[0].burn().await;
    } else {
        for nomad in nomads {
            nomad.poller.leave().await;
        }
    }
    nodes
}

const ARGS: [&str; 10] = [
    "--rate",
    "10000",
    "--address-rate",
    "0",
    "--address-joins",
    "0",
    "--grace",
    "10m",
    "--lease",
    "10m",
];

#[tokio::test(flavor = "multi_thread")]
async fn on_one_node_everybody_hears_everything_once_whatever_door_they_use() {
    let nodes = nomads(vec![TestServer::start(&ARGS).await], None, 6, 30).await;
    eventually("an empty node", || nodes[0].hub.counts() == (0, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_two_nodes_everybody_hears_everything_once_whatever_door_they_use() {
    let redis = redis::Server::start();
    let mut nodes = Vec::new();
    for _ in 0..2 {
        nodes.push(TestServer::with_redis(&redis.url(), &ARGS).await);
    }
    let nodes = nomads(nodes, Some(&redis), 6, 30).await;
    // A node may still hold a place for a poll that was cut on its way in, until the grace is over; the room knows nothing of it.
    eventually("an empty Redis", || redis.keys().is_empty()).await;
    drop(nodes);
}
