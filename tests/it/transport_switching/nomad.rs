//! A member that changes its transport all the time, with one ticket and one cursor.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    ROOM,
    knowledge::{Host, PEST},
};
use crate::{
    support::folded::{Folded, as_told},
    wire::{Client, Heard, PATIENCE, TestServer, listener::Listener, poller::Poller},
};

/// How long a member listens before it tries another transport. No outcome depends on it.
const PATCH: Duration = Duration::from_millis(100);

const EMOJI: [&str; 3] = ["👍", "❤️", "🎉"];

/// An entry as it was told.
pub(super) struct Item {
    pub(super) seq: u64,
    pub(super) item: Value,
    /// In the history of a resume: what was changed later is in it already.
    pub(super) folded: bool,
}

pub(super) struct Nomad {
    pub(super) nodes: Arc<Vec<TestServer>>,
    pub(super) name: String,
    /// How much they are to say, and how much of it was acknowledged.
    each: u64,
    acked: u64,
    pub(super) poller: Poller,
    /// What they say under each of their counters, however often they have to send it, as the others are told of it.
    composed: BTreeMap<u64, Value>,
    /// What was acknowledged, by its number, as the others are told of it.
    pub(super) done: BTreeMap<u64, Value>,
    /// The number of the last entry that was told, or that was in a message already.
    pub(super) place: u64,
    /// What they were told, their own entries included.
    pub(super) ledger: Vec<Item>,
    /// Entries that were in messages already, each with where the reader stood before these messages.
    pub(super) absorbed: Vec<(u64, u64)>,
    /// The messages as they are now.
    pub(super) log: Folded,
    /// How many may still join; none joins twice.
    others: u64,
    pub(super) host: Host,
    pub(super) counts: BTreeMap<&'static str, u64>,
    pub(super) luck: fastrand::Rng,
}

impl Nomad {
    pub(super) async fn new(
        nodes: &Arc<Vec<TestServer>>,
        name: String,
        each: u64,
        others: u64,
        seed: u64,
    ) -> Self {
        let poller = Poller::join(&nodes[0], ROOM, &name).await;
        let (nodes, luck) = (Arc::clone(nodes), fastrand::Rng::with_seed(seed));
        let is_host = poller.welcome["members"].as_array().unwrap().len() == 1;
        let host = Host { is_host, ..Host::default() };
        Self {
            nodes,
            name,
            each,
            acked: 0,
            poller,
            composed: BTreeMap::new(),
            done: BTreeMap::new(),
            place: 0,
            ledger: Vec::new(),
            absorbed: Vec::new(),
            log: Folded::default(),
            others,
            host,
            counts: BTreeMap::new(),
            luck,
        }
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(super) fn node(&mut self) -> usize {
        let node = self.luck.usize(..self.nodes.len());
        self.poller.base = self.nodes[node].url("");
        node
    }

    fn chat(&self, n: u64) -> Value {
        json!({"type": "chat", "text": format!("{} {n}.", self.name), "n": n})
    }

    /// What is sent under this counter.
    async fn entry(&mut self, n: u64) -> Value {
        if !self.composed.contains_key(&n) {
            let mut entry = self.compose(n);
            if entry["type"] == "chat" && self.luck.u8(..6) == 0 {
                let name = format!("{} {n} file.", self.name);
                entry["files"] = json!([self.upload(name).await]);
            }
            self.composed.insert(n, entry);
        }
        let mut entry = self.composed[&n].clone();
        // A client names its files; the others are told what they are.
        let files = entry["files"]
            .as_array()
            .map(|files| files.iter().map(|file| file["file"].clone()).collect::<Value>());
        if let Some(files) = files {
            entry["files"] = files;
        }
        entry
    }

    /// Words, a reply, a reaction, an edit or a delete; only of what was heard.
    fn compose(&mut self, n: u64) -> Value {
        let (all, own) = (self.log.living(None), self.log.living(Some(self.poller.id())));
        match (self.luck.u8(..20), self.luck.choice(all), self.luck.choice(own)) {
            (0..3, Some(seq), _) => {
                let mut reply = self.chat(n);
                reply["replyTo"] = seq.into();
                reply
            }
            (3..8, Some(target), _) => {
                let emoji = self.luck.choice(EMOJI).unwrap();
                let on = self.luck.u8(..3) > 0;
                json!({"type": "react", "target": target, "emoji": emoji, "on": on, "n": n})
            }
            (8..11, _, Some(target)) => {
                let text = format!("{} {n} anew.", self.name);
                json!({"type": "edit", "target": target, "text": text, "n": n})
            }
            (11..13, _, Some(target)) => json!({"type": "delete", "target": target, "n": n}),
            _ => self.chat(n),
        }
    }

    /// The message was deleted meanwhile, and for good: words are said instead. They cannot be refused.
    fn refused(&mut self, error: &Value) {
        if error["code"] == "muted" {
            return self.count("muted");
        }
        assert_eq!(error["code"], "no_target", "{}: {error}", self.name);
        let n = error["n"].as_u64().unwrap();
        if self.composed[&n]["type"] != "chat" {
            self.composed.insert(n, self.chat(n));
        }
        self.count("came too late for a message");
    }

    fn acknowledged(&mut self, n: u64, seq: &Value) {
        self.acked = self.acked.max(n);
        let seq = seq.as_u64().unwrap();
        let item = as_told(&self.composed[&n], seq, self.poller.id());
        let known = self.done.entry(seq).or_insert_with(|| item.clone());
        assert_eq!(*known, item, "{}: two entries under one number", self.name);
    }

    fn write(&mut self, seq: &Value, item: Value, folded: Option<u64>) {
        let seq = seq.as_u64().unwrap();
        let next = self.place + 1;
        match folded {
            Some(before) => self.absorb(seq, before),
            None => assert_eq!(seq, next, "{}: {item}", self.name),
        }
        assert!(seq > self.place, "{}: {item} after {}", self.name, self.place);
        self.place = seq;
        if let Err(wrong) = self.log.take(&item) {
            panic!("{}: {wrong}", self.name);
        }
        self.ledger.push(Item { seq, item, folded: folded.is_some() });
    }

    /// All between the reader's place and this number is in messages that were told after `before`.
    fn absorb(&mut self, seq: u64, before: u64) {
        self.absorbed.extend((self.place + 1..seq).map(|seq| (seq, before)));
    }

    /// Takes in a frame of any transport.
    fn hear(&mut self, frame: &Value, folded: Option<u64>) {
        match frame["type"].as_str().unwrap() {
            "chat" | "react" | "edit" | "delete" => {
                if let Some(n) = frame["n"].as_u64() {
                    self.acknowledged(n, &frame["seq"]);
                }
                self.write(&frame["seq"], frame.clone(), folded);
            }
            "ack" => {
                let n = frame["n"].as_u64().unwrap();
                self.acknowledged(n, &frame["seq"]);
                if !frame["cursor"].is_null() {
                    let item = self.done[&frame["seq"].as_u64().unwrap()].clone();
                    self.write(&frame["seq"], item, None);
                }
            }
            "typing" => self.count("typing heard"),
            "joined" if frame["user"] == PEST => self.count("pests heard"),
            "left" if frame["user"] == PEST => {
                assert_eq!(frame["reason"], "kicked", "{frame}");
                self.count("pests heard to be removed");
            }
            "rules" => self.count("rules heard"),
            "joined" => {
                self.host.others.push(frame["clientId"].as_str().unwrap().to_owned());
                self.count("joined heard");
                self.others -= 1;
            }
            "status" => self.count("status heard"),
            "error" => self.refused(frame),
            // A poll that was cut may reach the server late, and take the seat of what came after it.
            "closing" if frame["code"] == "replaced" => self.count("replaced by an own late poll"),
            other => panic!("{}: nobody should have heard {other}: {frame}", self.name),
        }
    }

    /// Takes in what a resume says was missed.
    fn missed(&mut self, history: &Value, cursor: &Value) {
        let before = self.place;
        for item in history.as_array().unwrap() {
            self.hear(item, Some(before));
        }
        // A cursor is opaque to clients; the ledger may look inside.
        let place = cursor.as_str().and_then(|cursor| cursor.split('-').nth(1)).unwrap();
        let place: u64 = place.parse().unwrap();
        self.absorb(place + 1, before);
        assert!(place >= self.place, "{}: back at {place} from {}", self.name, self.place);
        self.place = place;
    }

    fn welcomed(&mut self, welcome: &Value) {
        assert_eq!((&welcome["resumed"], &welcome["reset"]), (&json!(true), &json!(false)));
        assert_eq!(welcome["clientId"], self.poller.welcome["clientId"]);
        for item in welcome["history"].as_array().unwrap() {
            let target = item["target"].as_u64();
            assert!(target.is_none_or(|target| target <= self.place), "{}: {item}", self.place);
        }
        self.missed(&welcome["history"], &welcome["cursor"]);
        self.poller.ticket = welcome["ticket"].as_str().unwrap().to_owned();
    }

    /// Says the next thing by a request to any node; its answer may be lost.
    async fn post(&mut self) {
        self.node();
        let n = self.acked + 1;
        if self.luck.u8(..4) == 0 {
            let _ = self.poller.post("typing", r#"{"typing":true}"#).send().await.unwrap();
        }
        let entry = self.entry(n).await.to_string();
        let sending = self.poller.post("messages", entry).send();
        if self.luck.u8(..4) == 0 {
            self.count("answers to sends lost");
            let _ = timeout(Duration::from_millis(self.luck.u64(..5)), sending).await;
            return;
        }
        let response: Response = sending.await.unwrap();
        match response.status() {
            StatusCode::SERVICE_UNAVAILABLE => self.count("sends in doubt"),
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => {
                self.refused(&response.json().await.unwrap())
            }
            status => {
                assert_eq!(status, StatusCode::OK);
                self.hear(&response.json().await.unwrap(), None);
                self.count("sent by request");
            }
        }
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
                socket.send(self.entry(n).await).flush().await;
                self.count("sent by socket");
            }
            if let Ok(heard) = timeout(PATCH, socket.next_whenever()).await {
                match heard {
                    Heard::Frame(frame) => self.hear(&frame, None),
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
                self.hear(&frame, None);
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
            assert_eq!(answer["reset"], Value::Null, "{answer}");
            if answer["members"].is_array() {
                self.count("seats taken up by a poll");
                self.missed(&answer["messages"], &answer["cursor"]);
            } else {
                answer["messages"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .for_each(|item| self.hear(item, None));
            }
            answer["events"].as_array().unwrap().iter().for_each(|event| self.hear(event, None));
            self.poller.take(&answer);
        }
    }

    /// Says everything and hears everything.
    pub(super) async fn live(mut self, total: u64) -> Self {
        while self.acked < self.each || self.place < total {
            let steps = self.luck.u64(1..12);
            if self.host.is_host {
                self.decide().await;
            }
            match self.luck.u8(..4) {
                0 => self.on_a_socket(steps).await,
                1 => self.on_a_stream(steps).await,
                2 => self.by_polls(steps, 1).await,
                _ => self.by_polls(steps, 0).await,
            }
        }
        if self.host.is_host {
            self.calm().await;
        }
        self
    }
}
