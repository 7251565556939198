//! Streams as they are on the wire: chunks, what comes before and after them, and how they end.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::wire::{Client, PATIENCE, TestServer, eventually, poller::Poller};

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
