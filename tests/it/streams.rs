//! Server-Sent Events and the terminal.

use std::{process::Stdio, time::Duration};

use crate::support::hub_config::config;
use crate::wire::{Client, PATIENCE, TestServer, eventually, listener::Listener, poller::Poller};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
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
    let evil = reqwest::Client::new()
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

/// A real curl.
fn curl(args: &[&str]) -> Child {
    let mut command = Command::new("curl");
    command.args(["-sS"]).args(args).stdout(Stdio::piped()).kill_on_drop(true);
    command.spawn().expect("these tests need curl: apt-get install curl")
}

async fn said(args: &[&str]) -> String {
    let output =
        timeout(PATIENCE, curl(args).wait_with_output()).await.expect("an answer").unwrap();
    String::from_utf8(output.stdout).unwrap()
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    timeout(PATIENCE, lines.next_line()).await.expect("a line").unwrap().expect("not the end")
}

#[tokio::test]
async fn a_terminal_reads_and_speaks_with_curl() {
    let server = TestServer::start(&[]).await;
    let url = server.url("/r/general");
    assert_eq!(said(&["-d", "hello?", &url]).await, "nobody is there to hear it\n");
    assert_eq!(server.hub.counts(), (0, 0), "and no room was made");

    let mut ann = Client::join(&server, "general", "Ann").await;
    ann.publish("first\nand second \u{1b}[2J", 1).await;
    let mut reading = curl(&["-N", &format!("{url}?name=Zoe")]);
    let mut lines = BufReader::new(reading.stdout.take().unwrap()).lines();
    let first = line(&mut lines).await;
    assert_eq!((&first[2..3], &first[8..]), (":", " Ann: first"));
    assert_eq!(line(&mut lines).await, "         and second \u{fffd}[2J");
    assert_eq!(line(&mut lines).await, "* You are Zoe in general. Here: Ann, Zoe");
    assert_eq!(ann.expect("joined").await["user"], "Zoe");

    let answer = said(&["-d", "hello & welcome=1", &format!("{url}?name=Bob")]).await;
    assert!(answer.ends_with(" Bob: hello & welcome=1\n"), "{answer}");
    assert_eq!(line(&mut lines).await, "* Bob joined");
    assert_eq!(line(&mut lines).await, answer.trim_end());
    assert_eq!(line(&mut lines).await, "* Bob left");
    assert_eq!(ann.until("chat").await["text"], "hello & welcome=1");
    ann.until("left").await;
    for (body, told) in [(" ", "a message needs some text\n"), ("\u{7}", "")] {
        assert!(said(&["-d", body, &url]).await.ends_with(told));
    }
    let (big, large) = ("x".repeat(70_000), "a request body has at most 64 KiB here\n");
    assert_eq!(said(&["-d", &big, &url]).await, large);
    assert_eq!(said(&["-H", "transfer-encoding: chunked", "-d", &big, &url]).await, large);
    let bad = said(&["-d", "hi", &server.url("/r/a%20b")]).await;
    assert!(bad.starts_with("a room id has ") && !bad.contains('{'), "{bad}");

    // A terminal that is closed is gone at once.
    reading.kill().await.unwrap();
    loop {
        let left = ann.until("left").await;
        if left["user"] == "Zoe" {
            break assert_eq!(left["reason"], "left");
        }
    }
    let page =
        said(&["-H", "accept: text/html", "-o", "/dev/null", "-w", "%{content_type}", &url]).await;
    assert!(page.starts_with("text/html"), "{page}");
    ann.leave().await;
    eventually("an empty node", || server.hub.counts() == (0, 0)).await;
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

#[tokio::test]
async fn a_stream_may_follow_on_a_connection_and_is_the_last_answer_there() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    for (n, version) in [(1, "1.0"), (2, "1.1")] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        // Sent at once: what came before the stream is answered before it, whole, and what comes after it is not.
        let asked = |path: &str| {
            format!("GET {path} HTTP/{version}\r\nhost: x\r\nconnection: keep-alive\r\n\r\n")
        };
        let requests =
            [asked("/api/openapi.yaml"), asked("/api/rooms/r/events?name=Eve"), asked("/healthz")]
                .concat();
        socket.write_all(requests.as_bytes()).await.unwrap();
        assert_eq!(ann.expect("joined").await["user"], "Eve");
        ann.publish(version, n).await;
        let mut heard = Vec::new();
        let text = |heard: &[u8]| String::from_utf8_lossy(heard).into_owned();
        while !text(&heard).contains(&format!("\"text\":\"{version}\"")) {
            let read = timeout(PATIENCE, socket.read_buf(&mut heard)).await.unwrap().unwrap();
            assert_ne!(read, 0, "{}", text(&heard));
        }
        let heard = text(&heard);
        let (document, stream) = heard.split_once("content-type: text/event-stream\r\n").unwrap();
        assert!(
            document.contains("\r\ncontent-type: application/yaml\r\n")
                && document.contains("openapi: 3"),
            "{document}"
        );
        let (head, body) = stream.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("\r\nconnection: close") && head.contains("\r\ndate: "), "{head}");
        assert_eq!(head.contains("\r\ntransfer-encoding: chunked\r\n"), version == "1.1", "{head}");
        assert!(
            !head.contains("content-length")
                && head.contains("cache-control: no-store, no-transform\r\n"),
            "{head}"
        );
        let begin =
            if version == "1.1" { "d\r\nretry: 1000\n\n\r\n" } else { "retry: 1000\n\nid: " };
        assert!(body.starts_with(begin) && !body.contains("HTTP/1.1"), "{body}");
        drop(socket);
        assert_eq!(ann.expect("left").await["user"], "Eve");
    }
}

/// The chunks of a body, its last one included, and what follows it.
fn chunks(mut body: &str) -> (Vec<&str>, &str) {
    let mut chunks = Vec::new();
    loop {
        let (length, rest) = body.split_once("\r\n").unwrap();
        let (chunk, rest) = rest.split_at(usize::from_str_radix(length, 16).unwrap());
        body = rest.strip_prefix("\r\n").unwrap();
        chunks.push(chunk);
        if chunk.is_empty() {
            return (chunks, body);
        }
    }
}

#[tokio::test]
async fn each_event_is_a_chunk_and_the_end_is_told() {
    let server = TestServer::start(&[]).await;
    let bob = Poller::join(&server, "r", "Bob").await;
    // Reads the rest; what was read before is `heard`.
    let whole = |mut socket: TcpStream, mut heard: String| async move {
        timeout(PATIENCE, socket.read_to_string(&mut heard))
            .await
            .expect("the end of the stream")
            .unwrap();
        let (head, body) = heard.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    };
    let mut events = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "GET /api/rooms/r/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        bob.ticket
    );
    events.write_all(head.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(r#"{"type":"welcome""#) {
        assert_ne!(
            timeout(PATIENCE, events.read_buf(&mut heard)).await.expect("a welcome").unwrap(),
            0
        );
    }
    let mut ann = Client::join(&server, "r", "Ann").await;
    for n in 1..=5 {
        ann.send(json!({"type": "chat", "text": format!("said {n}\n\n"), "n": n}));
    }
    ann.flush().await;
    for _ in 1..=5 {
        ann.expect("ack").await;
    }
    bob.leave().await;
    let (_, body) = whole(events, String::from_utf8(heard).unwrap()).await;
    let (heard, rest) = chunks(&body);
    assert_eq!((heard[0], heard.last().copied(), rest), ("retry: 1000\n\n", Some(""), ""));
    assert!(
        heard[1].starts_with("id: ") && heard[1].contains(r#"{"type":"welcome""#),
        "{}",
        heard[1]
    );
    for event in &heard[1..heard.len() - 1] {
        assert!(
            event.ends_with("\n\n")
                && event.matches("\n\n").count() == 1
                && event.matches("data: ").count() == 1,
            "{event}"
        );
    }
    assert!(heard[heard.len() - 2].contains(r#""code":"left""#), "{heard:?}");
    assert_eq!(
        heard.iter().filter(|event| event.contains(r#""text":"said"#)).count(),
        5,
        "{heard:?}"
    );

    // A terminal reads lines; in HTTP/1.0 the end of the connection is the end of both.
    for (path, version) in [
        ("/r/r?name=Zoe", "1.1"),
        ("/r/r?name=Zoe", "1.0"),
        ("/api/rooms/r/events?name=Zoe", "1.0"),
    ] {
        let mut server = TestServer::start(&[]).await;
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket
            .write_all(
                format!("GET {path} HTTP/{version}\r\nhost: x\r\naccept: text/plain\r\n\r\n")
                    .as_bytes(),
            )
            .await
            .unwrap();
        eventually("a reader", || server.hub.counts() == (1, 1)).await;
        let stopped = server.stop();
        let (head, body) = whole(socket, String::new()).await;
        stopped.await.unwrap();
        if version == "1.0" {
            assert!(!head.contains("transfer-encoding"), "{head}");
            assert!(
                body.ends_with(if path.starts_with("/r/") { "\n" } else { "\n\n" })
                    && !body.contains('\r'),
                "{body}"
            );
            continue;
        }
        let (heard, rest) = chunks(&body);
        assert!(
            heard[0].ends_with("* You are Zoe in r. Here: Zoe\n")
                && heard.len() >= 3
                && rest.is_empty(),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_client_that_has_closed_its_side_gets_what_there_is() {
    let server = TestServer::start(&[]).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket
        .write_all(b"GET /api/rooms/r/events?name=Eve HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    socket.shutdown().await.unwrap();
    let mut heard = String::new();
    timeout(PATIENCE, socket.read_to_string(&mut heard)).await.expect("an end").unwrap();
    assert!(
        heard.contains("\r\nretry: 1000\n\n\r\n") && heard.contains(r#"{"type":"welcome""#),
        "{heard}"
    );
}
