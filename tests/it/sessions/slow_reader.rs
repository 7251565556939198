//! A reader that does not take what it is sent.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::known;
use crate::wire::{Client, Heard, TestServer};

#[tokio::test]
async fn a_reader_that_stalls_is_sent_away_while_others_lose_nothing() {
    const FAREWELL: Duration = Duration::from_secs(5);
    let server = TestServer::start(&[
        "--grace",
        "1h",
        "--rate",
        "1000000",
        "--address-rate",
        "0",
        "--address-joins",
        "0",
        "--history-bytes",
        "10000000",
    ])
    .await;
    // How much the kernels keep for who does not read, they alone know.
    let mut messages = 40;
    for attempt in 0.. {
        assert!(attempt < 20, "never sent away, or never heard why in a farewell's time");
        let room = format!("room-{attempt}");
        let mut stalled = Client::join_shallow(&server, &room, "Stalled").await;
        let mut witness = Client::join(&server, &room, "Witness").await;
        let mut talker = Client::join(&server, &room, "Talker").await;
        witness.expect("joined").await;
        let text = "🦜".repeat(4000);
        let begun = Instant::now();
        let talking = tokio::spawn(async move {
            for n in 1..=messages {
                talker.publish(&text, n).await;
            }
            talker
        });
        for seq in 1..=messages {
            assert_eq!(witness.expect("chat").await["seq"], seq);
        }
        let _talker = talking.await.unwrap();
        stalled.put(Message::Ping("still here?".into()));
        let (mut read, mut end) = (0, Vec::new());
        while !matches!(end.last(), Some(Heard::Pong(_) | Heard::Closed(..) | Heard::Gone)) {
            match stalled.next().await {
                Heard::Frame(frame) if frame["type"] == "chat" => {
                    read += 1;
                    assert_eq!(frame["seq"], read, "never a hole");
                }
                Heard::Frame(frame) if frame["type"] == "joined" => {}
                other => end.push(other),
            }
        }
        if let [Heard::Pong(_)] = end[..] {
            assert_eq!(read, messages, "who was not sent away has lost nothing either");
            messages += messages / 2;
            continue;
        }
        // On a slow machine the server may rightly have hung up before all was read.
        if end.last() == Some(&Heard::Gone) && begun.elapsed() >= FAREWELL {
            continue;
        }
        let [Heard::Frame(closing), Heard::Closed(1013, _)] = &end[..] else { panic!("{end:?}") };
        assert_eq!(
            (&closing["type"], &closing["code"]),
            (&json!("closing"), &json!("too_slow")),
            "{closing}"
        );
        assert!(read < messages, "what did not fit was not kept");
        let back = Client::resume(&server, &room, stalled.ticket(), Some(&stalled.cursor)).await;
        assert_eq!((known(&back.welcome), back.id()), ((true, false), stalled.id()));
        let history = back.welcome["history"].as_array().unwrap();
        let missed: Vec<u64> = history.iter().map(|chat| chat["seq"].as_u64().unwrap()).collect();
        assert_eq!(missed, (read + 1..=messages).collect::<Vec<_>>());
        return;
    }
}
