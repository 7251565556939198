//! The host's right outlives a reload, a change of node and the death of a node; after the grace it passes on.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use super::{
    ARGS, Nodes, ask, decide, host_of, join, lock, names,
    visitor::{Terminal, Visitor},
};
use crate::{
    support::redis,
    wire::{Client, TestServer, listener::Listener, poller::Poller},
};

/// A node in a process of its own, which can be killed.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(redis: &redis::Server, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        command.args(["--listen", "127.0.0.1:0", "--log", "json"]).args(args);
        command.args(["--redis-url", &redis.url()]).env("RUST_LOG", "info");
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let from = said.len();
            assert_ne!(log.read_line(&mut said).unwrap(), 0, "it did not start: {said}");
            if let Some((_, url)) = said[from..].split_once("listening on http://") {
                break url.split('"').next().unwrap().parse().unwrap();
            }
        };
        // The pipe must not fill.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, address }
    }

    /// As kill -9 does.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn heard(stream: &mut Listener, kind: &str) -> Value {
    loop {
        let frame = stream.next().await.expect("the stream goes on");
        if frame["type"] == *kind {
            return frame;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_reloads_or_moves_is_the_host_still() {
    for nodes in Nodes::both(&[]).await {
        let (here, there) = (nodes.here(), nodes.there());
        let ann = join(here, "r", "Ann", "192.0.2.1").await;
        assert_eq!(host_of(&ann.welcome), ["Ann"]);
        let mut bob = join(there, "r", "Bob", "192.0.2.2").await;
        assert_eq!(host_of(&bob.welcome), ["Ann"]);
        let back = Visitor::new("Ann").from("192.0.2.1").ticket(ann.ticket());
        // A page that unloads says so; a link that breaks says nothing.
        ann.close(Some(1001)).await;
        let mut ann = back.by_resume_frame(here, "r").await.joined();
        assert_eq!(host_of(&ann.welcome), ["Ann"]);
        decide(&mut ann, lock("locked")).await;
        assert_eq!(bob.until("rules").await["rules"]["lock"], "locked");
        ann.drop_link();
        let mut ann = back.by_socket(there, "r").await.joined();
        decide(&mut ann, lock("open")).await;
        assert_eq!(bob.until("rules").await["rules"]["lock"], "open");
        // Over the other transports, each at another node than the one before.
        let stream = back.by_events(here, "r").await.joined();
        assert_eq!(host_of(&stream.welcome), ["Ann"]);
        let (status, _) = ask(there, "r", &stream.ticket, &lock("locked")).await;
        assert_eq!((status, &bob.until("rules").await["rules"]["lock"]), (200, &json!("locked")));
        let poller = back.by_join(there, "r").await.joined();
        assert_eq!(host_of(&poller.welcome), ["Ann"]);
        let (status, _) = ask(here, "r", &poller.ticket, &lock("open")).await;
        assert_eq!((status, &bob.until("rules").await["rules"]["lock"]), (200, &json!("open")));
        for kind in ["host", "left", "joined"] {
            let told = format!(r#""type": String("{kind}")"#);
            assert!(!bob.seen.iter().any(|line| line.contains(&told)), "{:?}", bob.seen);
        }
    }
}

/// The people of a room but for its host, each by another transport.
struct Others {
    stream: Listener,
    socket: Client,
    poller: Poller,
    terminal: Terminal,
}

impl Others {
    /// In this order.
    async fn join(server: SocketAddr) -> Self {
        let come = |name: &str| Visitor::new(name).from("192.0.2.2");
        Self {
            stream: come("Bob").by_events(server, "r").await.joined(),
            socket: come("Cid").by_socket(server, "r").await.joined(),
            poller: come("Dee").by_join(server, "r").await.joined(),
            terminal: come("Zoe").by_terminal(server, "r").await.joined(),
        }
    }

    /// All are told that this member is the host now.
    async fn hear_of(&mut self, id: &str, user: &str) {
        let told = json!({"type": "host", "clientId": id, "user": user, "room": "r"});
        assert_eq!(heard(&mut self.stream, "host").await, told);
        assert_eq!(self.socket.until("host").await, told);
        let by_poll = self.poller.until("host").await;
        assert_eq!((&by_poll["clientId"], &by_poll["user"]), (&told["clientId"], &told["user"]));
        self.terminal.until(&format!("* {user} is the host now\n")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_grace_the_oldest_member_is_the_host_and_all_are_told() {
    for nodes in Nodes::both(&["--grace", "1s", "--reload-grace", "1s"]).await {
        let (here, there) = (nodes.here(), nodes.there());
        let ann = join(here, "r", "Ann", "192.0.2.1").await;
        let mut others = Others::join(there).await;
        let back = Visitor::new("Ann").from("192.0.2.1").ticket(ann.ticket());
        // The poller keeps its seat by polling; the others hold a connection.
        let bob = others.stream.welcome["clientId"].as_str().unwrap().to_owned();
        ann.drop_link();
        others.hear_of(&bob, "Bob").await;
        // The host before comes back as a member like any other.
        let mut ann = back.by_socket(there, "r").await.joined();
        assert_eq!(host_of(&ann.welcome), ["Bob"]);
        assert_eq!(super::refused(&mut ann, &lock("locked")).await, "not_host");
        let ticket = others.stream.ticket.clone();
        assert_eq!(ask(here, "r", &ticket, &lock("locked")).await.0, 200);
        assert_eq!(ask(there, "r", &ticket, &lock("open")).await.0, 200);
        // Who leaves passes the right on at once: to the one who has been here longest since.
        let cid = others.socket.id().to_owned();
        let leave = Visitor::default().ticket(&ticket);
        let leave = leave.request(reqwest::Method::POST, here, "/api/rooms/r/leave");
        assert_eq!(leave.send().await.unwrap().status(), 204);
        assert_eq!(others.socket.until("host").await["clientId"], *cid);
        others.terminal.until("* Cid is the host now\n").await;
        assert_eq!(ann.until("host").await["clientId"], *cid);
        decide(&mut others.socket, lock("locked")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_node_was_killed_is_the_host_at_another_node() {
    let redis = redis::Server::start();
    let mut lost = Process::start(&redis, &ARGS);
    let node = TestServer::with_redis(&redis.url(), &ARGS).await;
    let ann = join(lost.address, "r", "Ann", "192.0.2.1").await;
    let mut bob = join(node.address, "r", "Bob", "192.0.2.2").await;
    assert_eq!(host_of(&bob.welcome), ["Ann"]);
    lost.kill();
    let back = Visitor::new("Ann").from("192.0.2.1").ticket(ann.ticket());
    let mut ann = back.by_resume_frame(node.address, "r").await.joined();
    assert_eq!((host_of(&ann.welcome), names(&ann.welcome)), (vec!["Ann"], vec!["Ann", "Bob"]));
    decide(&mut ann, lock("locked")).await;
    assert_eq!(bob.until("rules").await["rules"]["lock"], "locked");
    let told = r#""type": String("host")"#;
    assert!(!bob.seen.iter().any(|line| line.contains(told)), "{:?}", bob.seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_lease_of_a_killed_node_the_oldest_member_elsewhere_is_the_host() {
    let redis = redis::Server::start();
    let args = [&ARGS[..], &["--lease", "2s"]].concat();
    let mut lost = Process::start(&redis, &args);
    let node = TestServer::with_redis(&redis.url(), &args).await;
    let ann = join(lost.address, "r", "Ann", "192.0.2.1").await;
    let mut others = Others::join(node.address).await;
    let bob = others.stream.welcome["clientId"].as_str().unwrap().to_owned();
    lost.kill();
    others.hear_of(&bob, "Bob").await;
    assert_eq!(ask(node.address, "r", &others.stream.ticket, &lock("knock")).await.0, 200);
    let back = Visitor::new("Ann").from("192.0.2.1").ticket(ann.ticket());
    back.by_socket(node.address, "r").await.waits();
}
