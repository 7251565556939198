//! A seat belongs to the link that lives: what waits for Redis is given up with its peer, and what comes late is void.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::{
    support::{line::Line, redis},
    wire::{Client, TestServer, eventually, within_patience},
};

async fn node(url: &str, args: &[&str]) -> TestServer {
    TestServer::with_redis(url, &[&["--rate", "10000"], args].concat()).await
}

/// Sends requests over one connection. The first is answered, so that the node has begun with the next.
async fn ask(
    node: &TestServer,
    method: &str,
    path: &str,
    ticket: Option<&str>,
    body: &str,
) -> TcpStream {
    let mut stream = TcpStream::connect(node.address).await.unwrap();
    let ticket =
        ticket.map(|ticket| format!("Authorization: Bearer {ticket}\r\n")).unwrap_or_default();
    let request = format!(
        "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n{ticket}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
    stream
}

/// A way to take a member's seat, or to act in its name.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Door {
    Socket,
    Events,
    Join,
    Poll,
    Leave,
    Typing,
}

impl Door {
    /// Comes by it, and is gone before there is an answer.
    async fn try_in_vain(self, node: &TestServer, ticket: &str) {
        let at = |what: &str| format!("/api/rooms/late/{what}");
        let (method, path, body) = match self {
            Self::Socket => {
                let mut socket = Client::open(node, "room=late&name=Back&resume=1").await;
                socket.send(json!({"type": "resume", "ticket": ticket})).flush().await;
                sleep(Duration::from_millis(100)).await;
                return;
            }
            Self::Events => ("GET", at("events"), ""),
            Self::Join => ("POST", at("join"), "{}"),
            Self::Poll => ("GET", at("messages?wait=60"), ""),
            Self::Leave => ("POST", at("leave"), ""),
            Self::Typing => ("POST", at("typing"), r#"{"typing":true}"#),
        };
        let _connection = ask(node, method, &path, Some(ticket), body).await;
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_late_to_redis_does_not_cost_a_living_link_its_seat() {
    let redis = redis::Server::start();
    let line = Line::to(redis.port()).await;
    let (here, there) = (node(&line.url(), &[]).await, node(&redis.url(), &[]).await);
    let mut ann = Client::join(&here, "late", "Ann").await;
    let mut bob = Client::join(&there, "late", "Bob").await;
    ann.expect("joined").await;
    let mut n = 0;
    for door in [Door::Socket, Door::Events, Door::Join, Door::Poll, Door::Leave, Door::Typing] {
        // Redis does not answer this node. What it says waits, and is not lost.
        line.hold(true);
        let begun = Instant::now();
        door.try_in_vain(&here, bob.ticket()).await;
        let mut back = Client::resume(&there, "late", bob.ticket(), Some(&bob.cursor)).await;
        bob.expect_closing("replaced", 4001).await;
        // For as long as a failover takes, and the tries of the command.
        sleep(Duration::from_millis(1200).saturating_sub(begun.elapsed())).await;
        line.hold(false);
        within_patience("Redis in reach", async || if here.hub.ready() { Ok(()) } else { Err(()) })
            .await;
        // What the node has asked for before this is done by now, as is what was retried when its connection was made anew.
        sleep(Duration::from_millis(1000)).await;
        for _ in 0..2 {
            n += 1;
            ann.send(json!({"type": "chat", "text": "still there?", "n": n}));
            ann.until("ack").await;
            assert_eq!(back.until("chat").await["text"], "still there?", "{door:?}");
            back.send(json!({"type": "chat", "text": "yes", "n": n}));
            back.until("ack").await;
            assert_eq!(ann.until("chat").await["text"], "yes");
        }
        let seen = [&back.seen, &ann.seen].into_iter().flatten();
        let wrong: Vec<_> = seen
            .filter(|line| {
                ["closing", "\"left\"", "\"typing\""].iter().any(|word| line.contains(word))
            })
            .collect();
        assert!(wrong.is_empty(), "{door:?}: {wrong:?}");
        bob = back;
    }
    bob.leave().await;
    ann.leave().await;
    crate::wire::eventually("nothing left", || redis.keys().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_before_they_are_let_in_is_no_member() {
    let redis = redis::Server::start();
    let node = node(&redis.url(), &["--grace", "1h", "--lease", "10m"]).await;
    let mut ann = Client::join(&node, "ghosts", "Ann").await;
    let at = |what: &str| format!("/api/rooms/ghosts/{what}");
    redis.signal("STOP");
    {
        let _gone = (
            Client::open(&node, "room=ghosts&name=Ghost").await,
            ask(&node, "GET", &at("events?name=Ghost"), None, "").await,
            ask(&node, "GET", "/r/ghosts?name=Ghost", None, "").await,
            ask(&node, "POST", &at("join"), None, r#"{"name":"Ghost"}"#).await,
        );
        eventually("all of them wait", || node.hub.counts() == (1, 5)).await;
    }
    eventually("nobody waits", || node.hub.counts() == (1, 1)).await;
    redis.signal("CONT");
    ann.send(json!({"type": "chat", "text": "anybody there?", "n": 1}));
    ann.until("ack").await;
    within_patience(
        "Ann is alone",
        async || if node.heads("ghosts").await == 1 { Ok(()) } else { Err(()) },
    )
    .await;
    ann.leave().await;
    crate::wire::eventually("nothing left", || redis.keys().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_before_the_welcome_is_heard_after_it() {
    let redis = redis::Server::start();
    let node = node(&redis.url(), &[]).await;
    let mut ann = Client::join(&node, "early", "Ann").await;
    redis.signal("STOP");
    let open = async |name: &str| Client::open(&node, &format!("room=early&name={name}")).await;
    let (mut bob, mut cid, mut dan) = (open("Bob").await, open("Cid").await, open("Dan").await);
    // More than is kept until the welcome: the rest waits in the socket.
    for n in 1..=20 {
        bob.send(json!({"type": "chat", "text": n.to_string(), "n": n}));
    }
    bob.flush().await;
    cid.send(json!({"type": "chat", "text": "bye", "n": 1}))
        .put(Message::Close(None))
        .flush()
        .await;
    dan.put(Message::Close(Some(CloseFrame { code: CloseCode::Away, reason: "".into() })))
        .flush()
        .await;
    eventually("who goes away is given up", || node.hub.counts() == (1, 3)).await;
    redis.signal("CONT");
    assert_eq!(bob.until("welcome").await["user"], "Bob");
    for n in 1..=20 {
        assert_eq!(bob.until("ack").await["n"], n);
    }
    assert_eq!(cid.until("welcome").await["user"], "Cid");
    let mut left = false;
    let mut said = false;
    while !(left && said) {
        let crate::wire::Heard::Frame(frame) = ann.next().await else { panic!("{:?}", ann.seen) };
        left |= frame["type"] == "left" && frame["user"] == "Cid" && frame["reason"] == "left";
        said |= frame["text"] == "bye";
    }
    within_patience(
        "Ann and Bob",
        async || if node.heads("early").await == 2 { Ok(()) } else { Err(()) },
    )
    .await;
}
