//! Polls that wait over a bare connection: what came before and after them on it, and how it ends.

use crate::wire::{Client, PATIENCE, TestServer, poller::Poller};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A connection, and what was read of it and not looked at.
struct Line {
    socket: TcpStream,
    read: Vec<u8>,
}

impl Line {
    async fn to(server: &TestServer) -> Self {
        Self { socket: TcpStream::connect(server.address).await.unwrap(), read: Vec::new() }
    }

    async fn send(&mut self, bytes: &str) {
        self.socket.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// The next answer: head and body.
    async fn answer(&mut self) -> (String, String) {
        loop {
            let text = String::from_utf8_lossy(&self.read).into_owned();
            if let Some((head, rest)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length = length.map_or(0, |length| length.parse().unwrap());
                if rest.len() >= length {
                    self.read.drain(..head.len() + 4 + length);
                    return (head.to_owned(), rest[..length].to_owned());
                }
            }
            let read = timeout(PATIENCE, self.socket.read_buf(&mut self.read))
                .await
                .expect("an answer")
                .unwrap();
            assert_ne!(read, 0, "closed after {text:?}");
        }
    }

    async fn is_closed(&mut self) -> bool {
        timeout(PATIENCE, self.socket.read_buf(&mut self.read)).await.expect("an end").unwrap() == 0
    }
}

/// A poll as bytes.
fn poll(who: &Poller, wait: u64, version: &str, more: &str) -> String {
    let Poller { room, cursor, ticket, .. } = who;
    format!(
        "GET /api/rooms/{room}/messages?wait={wait}&after={cursor} HTTP/{version}\r\nhost: x\r\nauthorization: Bearer {ticket}\r\n{more}\r\n"
    )
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

/// What an answer to a poll says.
fn text((head, body): &(String, String), who: &mut Poller) -> Value {
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") || head.starts_with("HTTP/1.0 200 OK\r\n"),
        "{head}"
    );
    assert!(
        head.contains("\r\ndate: ") && head.contains("\r\ncontent-type: application/json"),
        "{head}"
    );
    assert!(
        head.contains("\r\nx-content-type-options: nosniff") && head.contains("\r\nx-request-id: "),
        "{head}"
    );
    let answer: Value = serde_json::from_str(body).unwrap();
    who.take(&answer);
    answer["messages"][0]["text"].clone()
}

/// Two who are in a room and have heard of each other.
async fn two(server: &TestServer) -> (Client, Poller) {
    let mut ann = Client::join(server, "r", "Ann").await;
    let bob = Poller::join(server, "r", "Bob").await;
    ann.expect("joined").await;
    (ann, bob)
}

#[tokio::test]
async fn a_connection_goes_on_after_polls_that_waited() {
    let server = TestServer::start(&[]).await;
    let (mut ann, mut bob) = two(&server).await;
    let mut line = Line::to(&server).await;
    for n in 1..=3 {
        line.send(HEALTH).await;
        assert!(line.answer().await.0.starts_with("HTTP/1.1 200"));
        line.send(&poll(&bob, 60, "1.1", "")).await;
        ann.publish(&format!("word {n}"), n).await;
        let answer = line.answer().await;
        assert_eq!(text(&answer, &mut bob), json!(format!("word {n}")));
        assert!(!answer.0.contains("\r\nconnection: "), "{}", answer.0);
    }
    line.send(&poll(&bob, 1, "1.1", "")).await;
    let (head, body) = line.answer().await;
    assert!(
        head.starts_with("HTTP/1.1 204") && !head.contains("content-length") && body.is_empty(),
        "{head}"
    );
    line.send(&poll(&bob, 1, "1.1", "").replace("/r/", "/other/")).await;
    let (head, _) = line.answer().await;
    assert!(head.starts_with("HTTP/1.1 4"), "{head}");
    line.send(HEALTH).await;
    assert!(line.answer().await.0.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn what_is_sent_behind_a_waiting_poll_is_answered_after_it() {
    let server = TestServer::start(&[]).await;
    let (mut ann, mut bob) = two(&server).await;
    let mut line = Line::to(&server).await;
    // In one write, in two, and with the poll cut in the middle.
    for n in 1..=3 {
        let asked = poll(&bob, 60, "1.1", "");
        match n {
            1 => line.send(&format!("{HEALTH}{asked}{HEALTH}")).await,
            2 => {
                line.send(HEALTH).await;
                line.send(&asked).await;
                line.send(HEALTH).await;
            }
            _ => {
                line.send(&format!("{HEALTH}{}", &asked[..40])).await;
                line.send(&format!("{}{HEALTH}", &asked[40..])).await;
            }
        }
        assert_eq!(line.answer().await.1, "ok\n");
        ann.publish(&format!("word {n}"), n).await;
        assert_eq!(text(&line.answer().await, &mut bob), json!(format!("word {n}")));
        assert_eq!(line.answer().await.1, "ok\n");
    }
}

#[tokio::test]
async fn a_client_that_wants_one_answer_gets_it_and_the_end() {
    let server = TestServer::start(&[]).await;
    let (mut ann, mut bob) = two(&server).await;
    for (n, version, more) in [(1, "1.1", "connection: close\r\n"), (2, "1.0", "")] {
        let mut line = Line::to(&server).await;
        line.send(&poll(&bob, 60, version, more)).await;
        ann.publish(version, n).await;
        let answer = line.answer().await;
        assert_eq!(text(&answer, &mut bob), json!(version));
        assert!(answer.0.contains("\r\nconnection: close"), "{}", answer.0);
        assert!(line.is_closed().await);
    }
}
