//! Connections and what waits on them: counted by address, bounded for the node, and never in the way of a health check.

mod full_node;
mod unread;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use parlor::budget::Resource;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::wire::{Client, PATIENCE, TestServer, eventually, exchange_over, poller::Poller};

/// A connection from 127.0.0.`last`.
async fn connect(server: SocketAddr, last: u8) -> TcpStream {
    connect_with(server, last, |_| {}).await
}

async fn connect_with(server: SocketAddr, last: u8, set: impl Fn(&TcpSocket)) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0).into()).unwrap();
    set(&socket);
    timeout(PATIENCE, socket.connect(server)).await.expect("a connection").unwrap()
}

/// Asks once over a connection of its own.
async fn get(server: SocketAddr, last: u8, path: &str) -> String {
    exchange_over(
        connect(server, last).await,
        &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
    )
    .await
}

/// The same where the server is to close by itself, in the name of `client` behind a proxy.
fn request_of(path: &str, client: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {client}\r\n\r\n")
}

async fn is_healthy(server: SocketAddr, last: u8) -> bool {
    let answer = get(server, last, "/healthz").await;
    answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n")
}

/// An answer that refuses, and says so in our shape.
fn is_refusal(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("\r\nretry-after: 5") && head.contains("\r\nconnection: close"),
        "{head}"
    );
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&problem["code"], &problem["retryAfter"]),
        (&json!(code), &json!(5000)),
        "{problem}"
    );
}

/// Waits until the budgets count so many connections.
async fn held(server: &TestServer, count: usize) {
    eventually("the count of connections", || server.budgets.held(Resource::Connections) == count)
        .await;
}

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
    sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

#[tokio::test]
async fn an_address_has_so_many_connections_and_others_have_theirs() {
    let server = TestServer::start(&["--address-connections", "3"]).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(connect(server.address, 1).await);
    }
    held(&server, 3).await;
    for path in ["/", "/api/rooms/r", "/r/r", "/api/rooms/r/events", "/nowhere"] {
        is_refusal(&get(server.address, 1, path).await, 429, "address_limit");
    }
    let upgrade = format!("GET /ws?room=r HTTP/1.1\r\nhost: x\r\n{UPGRADE}\r\n");
    is_refusal(
        &exchange_over(connect(server.address, 1).await, &upgrade).await,
        429,
        "address_limit",
    );
    let join = "POST /api/rooms/r/join HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
    is_refusal(&exchange_over(connect(server.address, 1).await, join).await, 429, "address_limit");
    assert!(is_healthy(server.address, 1).await, "its health may be asked from there nevertheless");
    assert!(
        get(server.address, 2, "/api/rooms/r").await.starts_with("HTTP/1.1 200 "),
        "another address"
    );
    assert_eq!(server.hub.counts(), (0, 0), "nobody came in");
    let refused = server
        .budgets
        .refusals()
        .find(|(resource, _)| *resource == Resource::Connections)
        .unwrap()
        .1;
    assert!(refused >= 7, "{refused}");
    drop(silent.pop());
    held(&server, 2).await;
    assert!(
        get(server.address, 1, "/api/rooms/r").await.starts_with("HTTP/1.1 200 "),
        "there is room again"
    );
}

#[tokio::test]
async fn sockets_and_streams_count_until_they_end() {
    let server = TestServer::start(&["--address-connections", "2"]).await;
    let socket =
        Client::upgrade_over(connect(server.address, 1).await, Client::request(&server, "room=r"))
            .await
            .unwrap();
    let socket = socket.welcomed().await;
    let mut stream = connect(server.address, 1).await;
    stream.write_all(b"GET /api/rooms/r/events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut lines = BufReader::new(&mut stream).lines();
    while !timeout(PATIENCE, lines.next_line())
        .await
        .unwrap()
        .unwrap()
        .unwrap()
        .contains("\"welcome\"")
    {}
    held(&server, 2).await;
    is_refusal(&get(server.address, 1, "/api/rooms/r").await, 429, "address_limit");
    drop(socket);
    held(&server, 1).await;
    assert!(get(server.address, 1, "/api/rooms/r").await.starts_with("HTTP/1.1 200 "));
    drop(stream);
    held(&server, 0).await;
}

#[tokio::test]
async fn behind_a_proxy_the_clients_are_counted_and_not_the_proxy() {
    let server = TestServer::start(&["--proxies", "1", "--address-connections", "2"]).await;
    // One connection carries the requests of many, one after the other: each counts until it is answered.
    let mut proxy = connect(server.address, 1).await;
    for n in 0..20 {
        proxy
            .write_all(request_of("/healthz", &format!("192.0.2.{}", n % 2)).as_bytes())
            .await
            .unwrap();
        let mut answer = vec![0; 4096];
        let read = timeout(PATIENCE, proxy.read(&mut answer)).await.unwrap().unwrap();
        assert!(
            answer[..read].starts_with(b"HTTP/1.1 200 "),
            "{n}: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    let ask = async |client: &str| {
        let request = format!(
            "GET /api/rooms/r HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-forwarded-for: {client}\r\n\r\n"
        );
        exchange_over(connect(server.address, 1).await, &request).await
    };
    // A stream, and a poll that waits.
    let mut stream = connect(server.address, 1).await;
    stream.write_all(request_of("/api/rooms/r/events", "192.0.2.7").as_bytes()).await.unwrap();
    eventually("a seat", || server.hub.counts() == (1, 1)).await;
    let poller = Poller::join(&server, "r", "Polly").await;
    let after = poller.cursor.clone();
    let poll = poller.ask(&after, 0).send().await.unwrap();
    let after = poll
        .json::<Value>()
        .await
        .map_or(after, |answer| answer["cursor"].as_str().unwrap().to_owned());
    let poll = tokio::spawn(poller.ask(&after, 60).header("x-forwarded-for", "192.0.2.7").send());
    let refused = crate::wire::within_patience("the poll counts", async || {
        let answer = ask("192.0.2.7").await;
        if answer.starts_with("HTTP/1.1 429 ") { Ok(answer) } else { Err(()) }
    });
    is_refusal(&refused.await, 429, "address_limit");
    assert!(
        ask("192.0.2.8").await.starts_with("HTTP/1.1 200 "),
        "another client of the same proxy"
    );
    poll.abort();
    let in_again =
        async || if ask("192.0.2.7").await.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err(()) };
    crate::wire::within_patience("the poll has ended", in_again).await;

    // And a socket in its place.
    let mut request = Client::request(&server, "room=r");
    request.headers_mut().insert("x-forwarded-for", "192.0.2.7".parse().unwrap());
    let socket = Client::upgrade(&server, request).await.unwrap().welcomed().await;
    is_refusal(&ask("192.0.2.7").await, 429, "address_limit");
    drop((socket, stream));
    crate::wire::within_patience("both have ended", in_again).await;
    drop((proxy, poller));
    held(&server, 0).await;
}

#[tokio::test]
async fn a_head_has_a_size_and_a_number_of_lines() {
    let server = TestServer::start(&[]).await;
    let ask = async |headers: &str| {
        let request =
            format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        exchange_over(connect(server.address, 1).await, &request).await
    };
    let long = |length| format!("x-long: {}\r\n", "y".repeat(length));
    let many = |count| (0..count).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    for good in [long(12_000), long(4000).repeat(3), many(90)] {
        assert!(ask(&good).await.starts_with("HTTP/1.1 200 "), "{}", good.len());
    }
    for bad in [long(17_000), long(390_000), long(4000).repeat(10), many(110)] {
        let answer = ask(&bad).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{}: {answer}", bad.len());
    }
    // Unfinished: told at once, not when the time for a head is over.
    let unfinished = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}", "y".repeat(20_000));
    assert!(
        exchange_over(connect(server.address, 1).await, &unfinished)
            .await
            .starts_with("HTTP/1.1 431 ")
    );
    assert!(is_healthy(server.address, 1).await);
}
