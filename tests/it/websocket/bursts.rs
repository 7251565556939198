//! Frames that come together are handled together, and each is answered as if it had come alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{
    support::redis::Server,
    wire::{Client, Heard, TestServer},
};

/// So many acks by `n`, and errors by code and `n`, in all.
async fn answers(
    client: &mut Client,
    count: usize,
) -> (Vec<(u64, u64)>, BTreeMap<String, Vec<Value>>) {
    let (mut acks, mut errors) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
    while acks.len() + errors.values().map(Vec::len).sum::<usize>() < count {
        match client.next().await {
            Heard::Frame(frame) if frame["type"] == "ack" => {
                acks.push((frame["n"].as_u64().unwrap(), frame["seq"].as_u64().unwrap()));
            }
            Heard::Frame(frame) if frame["type"] == "error" => {
                let code = frame["code"].as_str().unwrap().to_owned();
                errors.entry(code).or_default().push(frame["n"].clone());
            }
            Heard::Closed(..) | Heard::Gone => panic!("{}", client.seen.join("\n")),
            _ => {}
        }
    }
    (acks, errors)
}

fn chat(n: u64) -> Value {
    json!({"type": "chat", "text": format!("word {n}"), "n": n})
}

async fn burst(server: &TestServer) {
    let mut bob = Client::join(server, "general", "Bob").await;
    let mut ann = Client::join(server, "general", "Ann").await;
    bob.expect("joined").await;
    for n in 1..=10 {
        ann.send(chat(n));
    }
    ann.send(json!({"type": "chat", "text": " ", "n": 11}));
    ann.send(json!({"type": "typing", "typing": true}));
    // Again, older than the last, and one without a counter.
    ann.send(chat(10)).send(chat(3)).send(json!({"type": "chat", "text": "word 11"}));
    ann.send(json!({"type": "react", "target": 1, "emoji": "👍", "on": true, "n": 12}));
    ann.send_text("{").send(json!({"type": "nonsense"}));
    for n in 13..=100 {
        ann.send(chat(n));
    }
    let (mut acks, errors) = answers(&mut ann, 105).await;
    acks.sort_unstable();
    let again = [(3, 3), (10, 10)];
    let mut expected: Vec<_> = (1..=100).map(|n| (n, n)).chain(again).collect();
    expected.sort_unstable();
    assert_eq!(acks, expected);
    assert_eq!(errors["empty_text"], [json!(11)]);
    assert_eq!((errors["bad_frame"].len(), errors["unknown_type"].len()), (1, 1), "{errors:?}");
    for n in 1..=100 {
        let entry = bob.until(if n == 12 { "react" } else { "chat" }).await;
        assert_eq!(entry["seq"], n, "each once and in order");
        if n != 12 {
            assert_eq!(entry["text"], format!("word {n}"));
        }
    }
    // The last words of a member that leaves at once.
    for n in 101..=110 {
        ann.send(chat(n));
    }
    ann.send(json!({"type": "leave"}));
    ann.flush().await;
    for n in 101..=110 {
        assert_eq!(bob.until("chat").await["seq"], n);
    }
    assert_eq!(bob.expect("left").await["count"], 1);
}

#[tokio::test]
async fn each_frame_of_a_burst_is_answered() {
    burst(&TestServer::start(&["--rate", "1000"]).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_came_together_are_one_call_of_redis() {
    let redis = Server::start();
    let node = TestServer::with_redis(&redis.url(), &["--rate", "1000"]).await;
    burst(&node).await;
    let mut ann = Client::join(&node, "other", "Ann").await;
    ann.publish("so that Redis knows the script", 1).await;
    let before = redis.calls("evalsha");
    for n in 2..=201 {
        ann.send(chat(n));
    }
    for n in 2..=201 {
        assert_eq!(ann.expect("ack").await["n"], n);
    }
    // Renewals and probes call scripts, too.
    let calls = redis.calls("evalsha") - before;
    assert!(calls < 100, "{calls} calls for 200 messages");
}

#[tokio::test]
async fn a_burst_beyond_the_rate_is_refused_from_one_message_on() {
    // A rate of one allows ten at once. The later half of them are slowed, and more are earned meanwhile.
    let server = TestServer::start(&["--rate", "1"]).await;
    let mut bob = Client::join(&server, "general", "Bob").await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    bob.expect("joined").await;
    for n in 1..=30 {
        ann.send(chat(n));
    }
    let (acks, errors) = answers(&mut ann, 30).await;
    let taken = acks.len() as u64;
    assert!(taken >= 10, "{acks:?}");
    assert!(acks.into_iter().eq((1..=taken).map(|n| (n, n))));
    assert!(errors["rate_limited"].iter().map(|n| n.as_u64().unwrap()).eq(taken + 1..=30));
    for n in 1..=taken {
        assert_eq!(bob.expect("chat").await["seq"], n);
    }
}

/// A text frame, or one that goes on with it, masked as a client's is.
fn fragment(code: Data, text: &str, last: bool) -> Message {
    Message::Frame(Frame::message(text.to_owned(), OpCode::Data(code), last))
}

#[tokio::test]
async fn frames_behind_fragments_and_pings_are_heard_at_once() {
    let server = TestServer::start(&["--rate", "1000"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    for n in 1..=20 {
        // In one write: a ping, a message in fragments, one that is long, and one that is short.
        let text = chat(3 * n - 2).to_string();
        let (head, tail) = text.split_at(10);
        ann.put(Message::Ping(vec![0; 100].into()));
        ann.put(fragment(Data::Text, head, false)).put(fragment(Data::Continue, tail, true));
        ann.send(json!({"type": "chat", "text": "x".repeat(600 + n as usize), "n": 3 * n - 1}));
        ann.send(chat(3 * n));
        for n in 3 * n - 2..=3 * n {
            assert_eq!(ann.until("ack").await["n"], n);
        }
        // Each alone, so that nothing behind it makes the server look.
        let mark = vec![n as u8; 3];
        ann.put(Message::Ping(mark.clone().into()));
        while ann.next().await != Heard::Pong(mark.clone()) {}
        ann.send(json!({"type": "ping"}));
        ann.until("pong").await;
    }
}
