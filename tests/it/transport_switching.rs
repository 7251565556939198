//! Every transport into the same room: one ledger over four of them, one and two nodes, cuts and switches at random.

use crate::support::redis;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::wire::{
    Client, Heard, PATIENCE, TestServer, eventually, listener::Listener, poller::Poller,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;

/// How long a member listens before it tries another transport. No outcome depends on it.
const PATCH: Duration = Duration::from_millis(100);

const ROOM: &str = "ledger";

/// A member that changes its transport all the time, with one ticket and one cursor.
struct Nomad {
    nodes: Arc<Vec<TestServer>>,
    name: String,
    /// How much they are to say, and how much of it was acknowledged.
    each: u64,
    acked: u64,
    poller: Poller,
    /// What they heard, their own words included: number and text.
    ledger: Vec<(u64, String)>,
    /// How many may still join; none joins twice.
    others: u64,
    counts: BTreeMap<&'static str, u64>,
    luck: fastrand::Rng,
}

impl Nomad {
    async fn new(
        nodes: &Arc<Vec<TestServer>>,
        name: String,
        each: u64,
        others: u64,
        seed: u64,
    ) -> Self {
        let poller = Poller::join(&nodes[0], ROOM, &name).await;
        let (nodes, luck) = (Arc::clone(nodes), fastrand::Rng::with_seed(seed));
        Self {
            nodes,
            name,
            each,
            acked: 0,
            poller,
            ledger: Vec::new(),
            others,
            counts: BTreeMap::new(),
            luck,
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn node(&mut self) -> usize {
        let node = self.luck.usize(..self.nodes.len());
        self.poller.base = self.nodes[node].url("");
        node
    }

    fn text(&self, n: u64) -> String {
        format!("{} {n}", self.name)
    }

    /// Entry `n`: words, and every third time a reaction, which names its own number.
    fn entry(&self, n: u64) -> Value {
        match n % 3 {
            0 => json!({"type": "react", "target": n, "emoji": "👍", "on": true, "n": n}),
            _ => json!({"text": self.text(n), "n": n}),
        }
    }

    fn write(&mut self, seq: &Value, text: String) {
        let next = self.ledger.last().map_or(1, |(seq, _)| seq + 1);
        assert_eq!(
            seq.as_u64(),
            Some(next),
            "{}: {text} after {:?}",
            self.name,
            self.ledger.last()
        );
        self.ledger.push((next, text));
    }

    /// Takes in a frame of any transport.
    fn hear(&mut self, frame: &Value) {
        match frame["type"].as_str().unwrap() {
            kind @ ("chat" | "react") => {
                if let Some(n) = frame["n"].as_u64() {
                    self.acked = self.acked.max(n);
                }
                let text = match kind {
                    "chat" => frame["text"].as_str().unwrap().to_owned(),
                    _ => format!("{} {}", frame["user"].as_str().unwrap(), frame["target"]),
                };
                self.write(&frame["seq"], text);
            }
            "ack" => {
                let n = frame["n"].as_u64().unwrap();
                self.acked = self.acked.max(n);
                if !frame["cursor"].is_null() {
                    self.write(&frame["seq"], self.text(n));
                }
            }
            "typing" => self.count("typing heard"),
            "joined" => {
                self.count("joined heard");
                self.others -= 1;
            }
            "status" => self.count("status heard"),
            // A poll that was cut may reach the server late, and take the seat of what came after it.
            "closing" if frame["code"] == "replaced" => self.count("replaced by an own late poll"),
            other => panic!("{}: nobody should have heard {other}: {frame}", self.name),
        }
    }

    fn welcomed(&mut self, welcome: &Value) {
        assert_eq!((&welcome["resumed"], &welcome["reset"]), (&json!(true), &json!(false)));
        assert_eq!(welcome["clientId"], self.poller.welcome["clientId"]);
        welcome["history"].as_array().unwrap().iter().for_each(|chat| self.hear(chat));
        self.poller.ticket = welcome["ticket"].as_str().unwrap().to_owned();
    }

    /// Says the next thing by a request to any node; its answer may be lost.
    async fn post(&mut self) {
        self.node();
        let n = self.acked + 1;
        if self.luck.u8(..4) == 0 {
            let _ = self.poller.post("typing", r#"{"typing":true}"#).send().await.unwrap();
        }
        let sending = self.poller.post("messages", self.entry(n).to_string()).send();
        if self.luck.u8(..4) == 0 {
            self.count("answers to sends lost");
            let _ = timeout(Duration::from_millis(self.luck.u64(..5)), sending).await;
            return;
        }
        let response = sending.await.unwrap();
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            return self.count("sends in doubt");
        }
        assert_eq!(response.status(), StatusCode::OK);
        let ack: Value = response.json().await.unwrap();
        self.hear(&ack);
        self.count("sent by request");
    }

    async fn on_a_socket(&mut self, steps: u64) {
        self.count("sockets");
        let node = self.node();
        let (ticket, cursor) = (self.poller.ticket.clone(), self.poller.cursor.clone());
        let mut socket = Client::resume(&self.nodes[node], ROOM, &ticket, Some(&cursor)).await;
        self.welcomed(&socket.welcome.clone());
        for _ in 0..steps {
            if self.acked < self.each && self.luck.bool() {
                let n = self.acked + 1;
                socket.send(self.entry(n)).flush().await;
                self.count("sent by socket");
            }
            if let Ok(heard) = timeout(PATCH, socket.next_whenever()).await {
                match heard {
                    Heard::Frame(frame) => self.hear(&frame),
                    Heard::Closed(4001, _) => break,
                    other => panic!("{}: {other:?}", self.name),
                }
            }
        }
        self.poller.cursor.clone_from(&socket.cursor);
        socket.drop_link();
    }

    async fn on_a_stream(&mut self, steps: u64) {
        self.count("streams");
        self.node();
        let (base, ticket, cursor) =
            (self.poller.base.clone(), self.poller.ticket.clone(), self.poller.cursor.clone());
        let mut stream = Listener::open(&base, ROOM, "", Some(&ticket), Some(&cursor)).await;
        self.welcomed(&stream.welcome.clone());
        for _ in 0..steps {
            if self.acked < self.each && self.luck.bool() {
                self.post().await;
            }
            if let Ok(frame) = timeout(PATCH, stream.next_whenever()).await {
                let frame = frame
                    .unwrap_or_else(|| panic!("{}: the stream ended without a word", self.name));
                self.hear(&frame);
                if frame["type"] == "closing" {
                    break;
                }
            }
        }
        self.poller.cursor = stream.cursor;
    }

    async fn by_polls(&mut self, steps: u64, wait: u64) {
        self.count(if wait == 0 { "short polls" } else { "long polls" });
        for _ in 0..steps {
            if self.acked < self.each && self.luck.bool() {
                self.post().await;
            }
            self.node();
            let asking = self.poller.ask(&self.poller.cursor, wait).send();
            let lost = self.luck.u8(..4) == 0;
            let patience = if lost { Duration::from_millis(self.luck.u64(..20)) } else { PATIENCE };
            let Ok(response) = timeout(patience, asking).await else {
                self.count("polls cut");
                continue;
            };
            let response = response.unwrap();
            if response.status() == StatusCode::NO_CONTENT {
                continue;
            }
            if response.status() == StatusCode::CONFLICT {
                self.count("replaced by an own late poll");
                continue;
            }
            assert_eq!(response.status(), StatusCode::OK);
            let answer: Value = response.json().await.unwrap();
            if lost {
                self.count("answers to polls lost");
                continue;
            }
            if answer["members"].is_array() {
                self.count("seats taken up by a poll");
            }
            assert_eq!(answer["reset"], Value::Null, "{answer}");
            for part in ["messages", "events"] {
                answer[part].as_array().unwrap().iter().for_each(|frame| self.hear(frame));
            }
            self.poller.take(&answer);
        }
    }

    /// Says everything and hears everything.
    async fn live(mut self, total: usize) -> Self {
        while self.acked < self.each || self.ledger.len() < total {
            let steps = self.luck.u64(1..12);
            match self.luck.u8(..4) {
                0 => self.on_a_socket(steps).await,
                1 => self.on_a_stream(steps).await,
                2 => self.by_polls(steps, 1).await,
                _ => self.by_polls(steps, 0).await,
            }
        }
        self
    }
}

async fn nomads(nodes: Vec<TestServer>, people: u64, each: u64) -> Arc<Vec<TestServer>> {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let nodes = Arc::new(nodes);
    let mut all = Vec::new();
    for i in 0..people {
        all.push(Nomad::new(&nodes, format!("Nomad{i}"), each, people - 1 - i, seed ^ i).await);
    }
    let total = (people * each) as usize;
    let tasks: Vec<_> = all.into_iter().map(|nomad| tokio::spawn(nomad.live(total))).collect();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut first, mut last) = (None, Vec::new());
    // Who fails ends it for all: the others would wait for what they never say.
    for nomad in futures_util::future::try_join_all(tasks).await.unwrap() {
        assert_eq!(nomad.ledger.len(), total, "{}: everything once", nomad.name);
        let first = first.get_or_insert_with(|| nomad.ledger.clone());
        assert_eq!(*first, nomad.ledger, "one order everywhere");
        nomad.counts.iter().for_each(|(what, count)| *counts.entry(what).or_default() += count);
        last.push(nomad.poller);
    }
    let mut said: Vec<String> = first.unwrap().into_iter().map(|(_, text)| text).collect();
    said.sort();
    said.dedup();
    assert_eq!(said.len(), total, "nothing said twice");
    println!(
        "{} nodes, {people} people, {total} messages, each heard once and in one order by all: {counts:#?}",
        nodes.len()
    );
    for poller in last {
        poller.leave().await;
    }
    nodes
}

#[tokio::test(flavor = "multi_thread")]
async fn on_one_node_everybody_hears_everything_once_whatever_door_they_use() {
    let args = [
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
    let nodes = nomads(vec![TestServer::start(&args).await], 6, 30).await;
    eventually("an empty node", || nodes[0].hub.counts() == (0, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_two_nodes_everybody_hears_everything_once_whatever_door_they_use() {
    let redis = redis::Server::start();
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let args = [
            "--redis-url",
            &redis.url(),
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
        let node = TestServer::start(&args).await;
        eventually("Redis in reach", || node.hub.ready()).await;
        nodes.push(node);
    }
    let nodes = nomads(nodes, 6, 30).await;
    // A node may still hold a place for a poll that was cut on its way in, until the grace is over; the room knows nothing of it.
    eventually("an empty Redis", || redis.keys().is_empty()).await;
    drop(nodes);
}
