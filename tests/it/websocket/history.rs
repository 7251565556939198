//! What a newcomer hears of what was said before.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::fields;
use crate::wire::{Client, TestServer, said};

#[tokio::test]
async fn a_newcomer_gets_the_history_as_far_as_it_is_kept() {
    let server = TestServer::start(&["--history-len", "3"]).await;
    let mut ann = Client::join(&server, "general", "Ann").await;
    let mut told = Vec::new();
    for n in 1..=5 {
        told.push(ann.publish(&format!("m{n}"), n).await);
    }
    let late = Client::join(&server, "general", "Late").await;
    let history = late.welcome["history"].as_array().unwrap();
    assert_eq!(said(&late.welcome["history"]), ["m3", "m4", "m5"], "oldest first");
    for (chat, ack) in history.iter().zip(&told[2..]) {
        assert_eq!(
            fields(chat),
            ["cursor", "from", "room", "seq", "text", "timestamp", "type", "user"]
        );
        assert_eq!(
            (&chat["seq"], &chat["timestamp"], &chat["cursor"]),
            (&ack["seq"], &ack["timestamp"], &ack["cursor"])
        );
        assert_eq!(
            (&chat["from"], &chat["user"], &chat["room"]),
            (&json!(ann.id()), &json!("Ann"), &json!("general"))
        );
    }
    assert_eq!(late.welcome["cursor"], told[4]["cursor"]);
    let back = Client::resume(&server, "general", ann.ticket(), None).await;
    let own: Vec<&Value> =
        back.welcome["history"].as_array().unwrap().iter().map(|chat| &chat["n"]).collect();
    assert_eq!(own, [3, 4, 5], "one's own messages carry their n");
}

#[tokio::test]
async fn history_grows_old_without_anybody_writing() {
    let server = TestServer::start(&["--history-age", "700ms"]).await;
    let mut rooms = (0..100).map(|attempt| format!("room-{attempt}"));
    let (room, mut ann) = loop {
        let room = rooms.next().expect("a newcomer in time for what is still kept");
        let mut ann = Client::join(&server, &room, "Ann").await;
        let begun = Instant::now();
        ann.publish("fleeting", 1).await;
        let fresh = Client::join(&server, &room, "Early").await;
        // On a slow machine it may have grown old already. The server counts whole milliseconds, by a clock of its own.
        if begun.elapsed() < Duration::from_millis(680) {
            assert_eq!(said(&fresh.welcome["history"]), ["fleeting"]);
            break (room, ann);
        }
    };
    for attempt in 0.. {
        let late = Client::join(&server, &room, "Late").await;
        if said(&late.welcome["history"]).is_empty() {
            assert_eq!(late.welcome["cursor"], json!(ann.cursor), "the numbering goes on");
            break;
        }
        assert!(attempt < 300, "the message does not grow old");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ann.send(json!({"text": "next"})).until("ack").await["seq"], 2);
}
