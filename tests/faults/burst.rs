//! A node is killed while it hands on messages that came together.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::{
    Fault, PATIENCE,
    fleet::{HubConfig, Node},
    ledger::Verdict,
    support::redis::Server,
    table::Row,
};

pub const FAULTS: &[Fault] =
    &[("node_is_killed_in_a_burst", || Box::pin(node_is_killed_in_a_burst()))];

/// Messages in one write.
const TOGETHER: u64 = 64;
/// How often a node is killed.
const KILLS: u64 = 12;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A member with one connection at a time.
struct Member {
    socket: Socket,
    ticket: String,
    cursor: String,
}

impl Member {
    async fn join(door: SocketAddr, name: &str) -> Self {
        let url = format!("ws://{door}/ws?room=burst&name={name}");
        let (socket, _) = connect_async(url).await.unwrap();
        let mut member = Self { socket, ticket: String::new(), cursor: String::new() };
        member.welcomed().await;
        member
    }

    /// Resumes at another node. Returns the welcome.
    async fn resume(&mut self, door: SocketAddr) -> Value {
        let (socket, _) =
            connect_async(format!("ws://{door}/ws?room=burst&resume=1")).await.unwrap();
        self.socket = socket;
        let resume = json!({"type": "resume", "ticket": self.ticket, "cursor": self.cursor});
        self.socket.send(Message::text(resume.to_string())).await.unwrap();
        self.welcomed().await
    }

    async fn welcomed(&mut self) -> Value {
        let welcome = self.next().await.unwrap();
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        welcome["ticket"].as_str().unwrap().clone_into(&mut self.ticket);
        welcome
    }

    /// The next frame; nothing when the connection is lost.
    async fn next(&mut self) -> Option<Value> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.unwrap() {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if let Some(cursor) = frame["cursor"].as_str() {
                        cursor.clone_into(&mut self.cursor);
                    }
                    return Some(frame);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Sends messages with these counters in one write.
    async fn say(&mut self, counters: std::ops::Range<u64>) {
        for n in counters {
            let chat = json!({"type": "chat", "text": format!("word {n}"), "n": n});
            // The node may be dead already.
            let _ = self.socket.feed(Message::text(chat.to_string())).await;
        }
        let _ = self.socket.flush().await;
    }
}

async fn node_is_killed_in_a_burst() -> Row {
    let redis = Server::start();
    let config = HubConfig::of_long_lease();
    let rate = ["--rate", "100000", "--address-rate", "0", "--address-text", "0"];
    let url = redis.url();
    let start = || Node::start_with(&url, config, &rate);
    let (mut first, second) = (start().await, start().await);
    let mut reader = Member::join(second.address, "Reader").await;
    let mut author = Member::join(first.address, "Author").await;
    let (mut said, mut seen) = (0, BTreeMap::new());
    let begun = Instant::now();
    for kill in 0..KILLS {
        let next = said + 1;
        said += TOGETHER;
        author.say(next..said + 1).await;
        // From before the script is called until after its answer.
        tokio::time::sleep(Duration::from_micros(250 * kill)).await;
        first.kill();
        while author.next().await.is_some() {}
        let welcome = author.resume(second.address).await;
        let last = welcome["lastN"].as_u64().unwrap();
        assert!(last < next || last <= said, "{welcome}");
        let taken = if last < next { "none of a burst was taken" } else { "a burst was taken" };
        *seen.entry(taken.to_owned()).or_insert(0) += 1;
        // A member that does not look at `lastN` repeats them all.
        author.say(next..said + 1).await;
        let mut acknowledged = next;
        while acknowledged <= said {
            let frame = author.next().await.unwrap();
            if frame["type"] == "ack" {
                assert_eq!(frame["n"], acknowledged, "{frame}");
                acknowledged += 1;
            }
        }
        assert!(first.launch().await);
        author.resume(first.address).await;
    }
    let (sent, mut verdict) = (said as usize, Verdict::default());
    (verdict.sent, verdict.acknowledged, verdict.slowest) = (sent, sent, begun.elapsed());
    let mut next = 1;
    while next <= said {
        let frame = reader.next().await.unwrap();
        if frame["type"] != "chat" {
            continue;
        }
        let (seq, text) = (frame["seq"].as_u64().unwrap(), frame["text"].as_str().unwrap());
        let n: u64 = text.trim_start_matches("word ").parse().unwrap();
        if n < next {
            verdict.doubled.push(text.to_owned());
            continue;
        }
        verdict.lost.extend((next..n).map(|n| format!("word {n}")));
        if seq != n {
            verdict.disordered.push(format!("{text} is entry {seq}"));
        }
        next = n + 1;
    }
    let may = ["none of a burst was taken", "a burst was taken"];
    Row::new(
        "a node killed in the middle of 64 messages that came together",
        seen,
        &may,
        None,
        verdict,
    )
}
