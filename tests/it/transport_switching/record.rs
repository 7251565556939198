//! All that was done in the room, as those have it who did it, and what each member and each newcomer must know of it.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{ROOM, nomad::Nomad, upload};
use crate::{
    support::folded::Folded,
    wire::{Client, PATIENCE, TestServer, listener::Listener, poller::Poller},
};

pub(super) struct Record {
    /// What was acknowledged, by its number.
    done: BTreeMap<u64, Value>,
    /// The messages after all of it.
    log: Folded,
}

impl Record {
    /// Everything was done once, and there is a number for each of it.
    pub(super) fn of(nomads: &[Nomad], total: u64) -> Self {
        let mut done = BTreeMap::new();
        for (seq, item) in nomads.iter().flat_map(|nomad| &nomad.done) {
            let other = done.insert(*seq, item.clone());
            assert!(other.is_none(), "two entries have one number: {item} and {other:?}");
        }
        assert!(done.keys().copied().eq(1..=total), "dense: {:?}", done.keys());
        let mut log = Folded::default();
        for item in done.values() {
            log.take(item).unwrap();
        }
        Self { done, log }
    }

    /// How often each kind of entry was made.
    pub(super) fn kinds(&self) -> BTreeMap<&str, u64> {
        let mut kinds = BTreeMap::new();
        for item in self.done.values() {
            let kind = if item["replyTo"].is_null() { text(&item["type"]) } else { "reply" };
            *kinds.entry(kind).or_default() += 1;
            if item["files"].is_array() {
                *kinds.entry("file").or_default() += 1;
            }
        }
        kinds
    }

    /// Every text, and every name of a file, that no message has any more. A file's bytes are its name.
    fn void(&self) -> Vec<&str> {
        let now = self.log.0.values().flat_map(|told| {
            told.text
                .as_deref()
                .into_iter()
                .chain(told.files.iter().map(|file| text(&file["name"])))
        });
        let now: BTreeSet<&str> = now.collect();
        let all = self.done.values().flat_map(|item| {
            let names = item["files"].as_array().into_iter().flatten();
            item["text"].as_str().into_iter().chain(names.map(|file| text(&file["name"])))
        });
        all.filter(|text| !now.contains(text)).collect()
    }

    /// A place that may have no text which was replaced or deleted, and how many there are.
    pub(super) fn hold_against(&self, place: &str, contents: &str) -> usize {
        let void = self.void();
        // Redis has a name in base64.
        let found = void.iter().filter(|text| {
            contents.contains(**text) || contents.contains(&BASE64_URL_SAFE_NO_PAD.encode(text))
        });
        let found: Vec<_> = found.collect();
        assert!(found.is_empty(), "{place} still has {found:?}");
        void.len()
    }

    /// A member was told of each entry once and in order, or of its message only after it. A node that has missed
    /// something `rereads` it: then the messages are as they are by now.
    pub(super) fn hold(&self, nomad: &Nomad, rereads: bool) {
        let who = &nomad.name;
        let mut known: Vec<u64> = nomad.ledger.iter().map(|item| item.seq).collect();
        assert!(known.is_sorted_by(|one, other| one < other), "{who}: {known:?}");
        for told in &nomad.ledger {
            let (item, done) = (&told.item, &self.done[&told.seq]);
            let same = ["type", "from", "target", "text", "emoji", "on", "replyTo", "files"]
                .iter()
                .all(|field| item[*field] == done[*field]);
            let folded = told.folded || rereads;
            assert!(same || folded && self.is_after(item, done), "{who}: {item} is {done}");
        }
        for (seq, before) in &nomad.absorbed {
            let target = self.done[seq]["target"].as_u64();
            assert!(
                target.is_some_and(|target| target > *before),
                "{who} stood at {before} and never heard of {}",
                self.done[seq]
            );
            known.push(*seq);
        }
        known.sort_unstable();
        assert!(known.iter().eq(self.done.keys()), "{who}: each once: {known:?}");
        assert_eq!(nomad.log, self.log, "{who} sees what the others see");
    }

    /// Whether an item of a history is an entry after what was done later: the text of its message is the newest.
    fn is_after(&self, item: &Value, done: &Value) -> bool {
        let message = done["target"].as_u64().or(done["seq"].as_u64()).unwrap();
        let later = self.done.range(done["seq"].as_u64().unwrap() + 1..).map(|(_, later)| later);
        let mut later = later.filter(|later| later["target"] == message);
        let head = item["from"] == done["from"] && item["target"] == done["target"];
        let end = later.clone().any(|later| later["type"] == "delete");
        head && match (text(&item["type"]), text(&done["type"])) {
            ("chat", "chat") if item["deleted"] == true => end && item["text"].is_null(),
            ("chat", "chat") => {
                (&item["replyTo"], &item["files"]) == (&done["replyTo"], &done["files"])
                    && later.any(|later| later["text"] == item["text"])
            }
            ("edit", "edit") => later.any(|later| later["text"] == item["text"]),
            ("delete", "edit") => end,
            _ => false,
        }
    }

    /// Who comes now, by whatever transport, sees each message as it is now, and nothing of what it was.
    pub(super) async fn hold_for_newcomers(&self, node: &TestServer) {
        let (socket, base) = (Client::join(node, ROOM, "Late").await, node.url(""));
        let stream = Listener::open(&base, ROOM, "?name=Late", None, None).await;
        let poller = Poller::join(node, ROOM, "Late").await;
        let polled = poller.http.get(poller.url("messages")).bearer_auth(&poller.ticket);
        let polled: Value = polled.send().await.unwrap().json().await.unwrap();
        for (how, given, history) in [
            ("a socket's welcome", &socket.welcome, &socket.welcome["history"]),
            ("a stream's welcome", &stream.welcome, &stream.welcome["history"]),
            ("a poller's welcome", &poller.welcome, &poller.welcome["history"]),
            ("a poll", &polled, &polled["messages"]),
        ] {
            self.hold_against(how, &given.to_string());
            assert_eq!(Folded::of(history), self.log, "{how}");
        }
        let request = crate::support::http::client()
            .get(format!("{base}/r/{ROOM}?name=Late"))
            .header("accept", "text/plain");
        let mut terminal = request.send().await.unwrap();
        let mut lines = String::new();
        while !lines.contains("* You are Late") {
            let chunk = tokio::time::timeout(PATIENCE, terminal.chunk()).await.expect("a line");
            lines.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
        }
        self.hold_against("a terminal", &lines);
        for told in self.log.0.values().filter_map(|told| told.text.as_ref()) {
            assert!(lines.contains(told.as_str()), "a terminal has no {told}");
        }
        self.hold_files(&poller).await;
        socket.leave().await;
        poller.leave().await;
    }

    /// Each message has its files, whole; those of a deleted one are gone.
    async fn hold_files(&self, poller: &Poller) {
        for (seq, done) in &self.done {
            for file in done["files"].as_array().into_iter().flatten() {
                let url = poller.url(&format!("files/{}", text(&file["file"])));
                let download = poller.http.get(url).bearer_auth(&poller.ticket);
                let response = download.send().await.unwrap();
                if self.log.0[seq].text.is_none() {
                    assert_eq!(response.status(), 404, "a deleted {file}");
                    continue;
                }
                assert_eq!(response.status(), 200, "{file}");
                let size = file["size"].as_u64().unwrap() as usize;
                let bytes = response.bytes().await.unwrap();
                assert!(bytes == upload::bytes(text(&file["name"]), size), "{file}");
            }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
