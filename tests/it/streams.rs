//! Server-Sent Events.

use std::time::Duration;

use crate::support::hub_config::config;
use crate::wire::{Client, PATIENCE, TestServer, listener::Listener, poller::Poller};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

#[tokio::test]
async fn a_stream_says_what_a_socket_says_and_goes_on_from_its_last_id() {
    let server = TestServer::start(&[]).await;
    let base = server.url("");
    let mut ann = Client::join(&server, "r", "Ann").await;
    let bob = Poller::join(&server, "r", "Bob").await;
    ann.expect("joined").await;
    let mut stream = Listener::open(&base, "r", "", Some(&bob.ticket), Some(&bob.cursor)).await;
    let head = |name: &str| {
        stream
            .response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    assert_eq!(
        (
            head("content-type").as_str(),
            head("cache-control").as_str(),
            head("x-accel-buffering").as_str()
        ),
        ("text/event-stream", "no-store, no-transform", "no")
    );
    assert_eq!(
        (&stream.welcome["clientId"], &stream.welcome["resumed"]),
        (&bob.welcome["clientId"], &json!(true))
    );
    assert!(stream.retry > 0);
    ann.publish("one", 1).await;
    let chat = stream.expect("chat").await;
    assert_eq!((&chat["text"], &chat["cursor"]), (&json!("one"), &json!(stream.cursor)));
    bob.publish("two", 1).await;
    assert_eq!(stream.expect("ack").await["n"], 1, "one's own words come as on a socket");
    assert_eq!(ann.expect("chat").await["text"], "two");
    assert_eq!(
        bob.post("typing", r#"{"typing":true}"#).send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(ann.expect("typing").await["user"], "Bob");
    ann.send(json!({"typing": true})).flush().await;
    assert_eq!(stream.expect("typing").await["user"], "Ann");

    let last = stream.cursor.clone();
    drop(stream);
    for n in 2..=3 {
        ann.publish(&n.to_string(), n).await;
    }
    let mut stream = Listener::open(&base, "r", "", Some(&bob.ticket), Some(&last)).await;
    let missed: Vec<_> = stream.welcome["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["text"].as_str().unwrap())
        .collect();
    assert_eq!((missed, &stream.welcome["reset"]), (vec!["2", "3"], &json!(false)));
    // Leaving by a request ends the stream, and tells it why.
    bob.leave().await;
    assert_eq!(stream.expect("closing").await["code"], "left");
    assert!(stream.next().await.is_none());
    assert_eq!(ann.expect("left").await["reason"], "left", "nobody heard of the break");
}

#[tokio::test]
async fn without_a_ticket_a_seat_lives_as_long_as_the_stream() {
    let server = TestServer::start(&[]).await;
    let base = server.url("");
    let mut ann = Client::join(&server, "r", "Ann").await;
    let stream = Listener::open(&base, "r", "?name=Eve", None, None).await;
    assert_eq!(
        (&stream.welcome["user"], &stream.welcome["resumed"]),
        (&json!("Eve"), &json!(false))
    );
    assert_eq!(ann.expect("joined").await["user"], "Eve");
    assert_eq!(server.heads("r").await, 2);
    let last = stream.cursor.clone();
    drop(stream);
    assert_eq!(ann.expect("left").await["reason"], "left");
    ann.publish("meanwhile", 1).await;
    // As an EventSource does by itself.
    let stream = Listener::open(&base, "r", "?name=Eve", None, Some(&last)).await;
    let history = stream.welcome["history"].as_array().unwrap();
    assert_eq!(
        (history.len(), &stream.welcome["reset"], &stream.welcome["resumed"]),
        (1, &json!(false), &json!(false))
    );
    let other = Listener::open(&base, "r", "", None, Some("1-5")).await;
    assert_eq!(
        (other.welcome["history"].as_array().unwrap().len(), &other.welcome["reset"]),
        (1, &json!(true))
    );
    for (query, last, status, code) in [
        ("?name=%07", None, 400, "bad_name"),
        ("?after=x", None, 400, "bad_cursor"),
        ("", Some("x"), 400, "bad_cursor"),
    ] {
        let refused = Listener::knock(&base, "r", query, None, last).await.response;
        assert_eq!(
            (refused.status().as_u16(), refused.json::<Value>().await.unwrap()["code"].as_str()),
            (status, Some(code))
        );
    }
    let evil = crate::support::http::client()
        .get(server.url("/api/rooms/r/events"))
        .header("origin", "http://evil.example");
    assert_eq!(evil.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_stopping_server_ends_its_streams_and_polls_and_says_when_to_come_back() {
    let mut server = TestServer::start(&[]).await;
    let mut stream = Listener::open(&server.url(""), "r", "?name=Eve", None, None).await;
    let mut bob = Poller::join(&server, "r", "Bob").await;
    stream.expect("joined").await;
    let waiting = tokio::spawn(async move { bob.until("closing").await });
    // The poll must have come; it may wait a little longer, and is told all the same.
    tokio::task::yield_now().await;
    let stopped = server.stop();
    let closing = stream.expect("closing").await;
    assert_eq!(
        (&closing["code"], &closing["retryAfter"]),
        (&json!("restarting"), &json!(stream.retry))
    );
    assert!(stream.next().await.is_none());
    if let Ok(closing) = waiting.await {
        assert_eq!(closing["code"], "restarting");
    }
    timeout(PATIENCE, stopped).await.expect("no stream holds it up").unwrap();
}

#[tokio::test]
async fn a_reader_too_slow_for_its_stream_is_cut_off_and_misses_nothing() {
    let server = TestServer::start(&[
        "--rate",
        "100000",
        "--address-rate",
        "0",
        "--address-joins",
        "0",
        "--history-len",
        "10000",
        "--history-bytes",
        "100000000",
    ])
    .await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    let bob = Poller::join(&server, "r", "Bob").await;
    ann.expect("joined").await;
    // A stream that its client does not read.
    let mut stuck = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "GET /api/rooms/r/events HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        server.address, bob.ticket
    );
    stuck.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0];
    stuck.read_exact(&mut first).await.unwrap();
    let long = "x".repeat(3900);
    let total = 3000;
    for n in 1..=total {
        ann.publish(&format!("{n} {long}"), n).await;
    }
    // What it got in the end: whole frames without a hole, then why.
    let mut got = Vec::new();
    timeout(PATIENCE, stuck.read_to_end(&mut got)).await.expect("the end of the stream").unwrap();
    let got = String::from_utf8_lossy(&got);
    let end = &got[got.len().saturating_sub(300)..];
    assert!(
        end.contains(r#"data: {"type":"closing","code":"too_slow""#)
            && end.ends_with("\n\n\r\n0\r\n\r\n"),
        "{end}"
    );
    let ids: Vec<&str> = got.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    let seen = ids.len() as u64 - 1;
    assert!(seen < total, "it was not slow");
    let stream =
        Listener::open(&server.url(""), "r", "", Some(&bob.ticket), Some(ids.last().unwrap()))
            .await;
    let missed: Vec<u64> = stream.welcome["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["seq"].as_u64().unwrap())
        .collect();
    assert!(
        missed.iter().copied().eq(seen + 1..=total),
        "from {seen} on, not {:?}",
        missed.first()
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_beats_every_fifteen_seconds() {
    use futures_util::StreamExt;
    use parlor::{
        hub::{Hub, JoinRequest, RoomRegistry},
        room::{Limits, NodeId},
        store::memory::{Memory, World, wall_clock},
        transport::{BodyFraming, sse},
    };
    let rooms = RoomRegistry::new(config());
    let store = Memory::new(
        World::new(Limits::default(), wall_clock),
        NodeId(1),
        std::sync::Arc::clone(&rooms) as _,
    );
    let hub = Hub::new(rooms, store);
    let join_request = JoinRequest {
        room: "r".parse().unwrap(),
        name: None,
        ticket: None,
        cursor: None,
        usage: None,
        invite: None,
        waits: false,
    };
    let mut stream = Box::pin(sse::open(&hub, join_request, BodyFraming::Chunked).await.unwrap());
    assert_eq!(stream.next().await.unwrap(), "d\r\nretry: 1000\n\n\r\n");
    let welcome = String::from_utf8(stream.next().await.unwrap().into()).unwrap();
    let (length, event) = welcome.split_once("\r\n").unwrap();
    assert_eq!(usize::from_str_radix(length, 16).unwrap(), event.len() - 2, "{welcome}");
    assert!(event.starts_with("id: ") && event.ends_with("\n\n\r\n"), "{welcome}");
    for _ in 0..10 {
        let begun = tokio::time::Instant::now();
        assert_eq!(stream.next().await.unwrap(), "3\r\n:\n\n\r\n");
        assert_eq!(begun.elapsed().as_secs(), 15);
    }
    drop(stream);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(hub.counts(), (0, 0));
}
