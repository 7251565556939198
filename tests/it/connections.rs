//! Connections and what waits on them: counted by address, bounded for the node, and never in the way of a health check.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::Stdio,
    time::Duration,
};

use parlor::budget::Resource;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
    process::{Child, Command},
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
async fn a_full_node_answers_for_its_health_and_nothing_else() {
    for proxies in ["0", "1"] {
        let server = TestServer::start(&["--max-connections", "4", "--proxies", proxies]).await;
        let mut silent = Vec::new();
        for _ in 0..4 {
            silent.push(connect(server.address, 1).await);
        }
        held(&server, 4).await;
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert!(get(server.address, 2, path).await.starts_with("HTTP/1.1 200 "), "{path}");
        }
        for path in ["/", "/ws", "/api/rooms/r", "/assets/none.js", "/healthz/x"] {
            is_refusal(&get(server.address, 2, path).await, 503, "server_full");
        }
        // One request each: what is above the limit is not kept.
        let twice = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2);
        let answers = exchange_over(connect(server.address, 2).await, &twice).await;
        assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 1, "{answers}");
        drop(silent);
        held(&server, 0).await;
        assert!(get(server.address, 2, "/api/rooms/r").await.starts_with("HTTP/1.1 200 "));
    }
}

/// With the clock stopped, time only moves when nothing else does: straight to the next deadline.
#[tokio::test(start_paused = true)]
async fn silence_above_the_limit_ends_within_seconds() {
    let server = TestServer::start(&["--max-connections", "2"]).await;
    let _silent = (connect(server.address, 1).await, connect(server.address, 1).await);
    held(&server, 2).await;
    for start in ["", "GET / HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let begun = tokio::time::Instant::now();
        let mut newcomer = connect(server.address, 2).await;
        newcomer.write_all(start.as_bytes()).await.unwrap();
        let mut answer = String::new();
        newcomer.read_to_string(&mut answer).await.unwrap();
        is_refusal(&answer, 503, "server_full");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn newcomers_above_the_limit_take_the_place_of_the_oldest() {
    let server = TestServer::start(&["--max-connections", "1"]).await;
    let _first = connect(server.address, 1).await;
    held(&server, 1).await;
    let mut silent = Vec::new();
    for n in 0..100 {
        silent.push(connect(server.address, 1).await);
        if n % 10 == 0 {
            assert!(
                is_healthy(server.address, 2).await && is_healthy(server.address, 1).await,
                "{n}"
            );
        }
    }
    let mut word = String::new();
    timeout(PATIENCE, silent[0].read_to_string(&mut word)).await.expect("its end").unwrap();
    is_refusal(&word, 503, "server_full");
}

#[tokio::test]
async fn long_heads_above_the_limit_hold_nobody_up() {
    let server = TestServer::start(&["--address-connections", "1"]).await;
    let _first = connect(server.address, 2).await;
    held(&server, 1).await;
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}", "x".repeat(20_000));
    let mut open = Vec::new();
    for n in 0..200 {
        let mut newcomer = connect(server.address, 2).await;
        // It may be refused before all of it is sent.
        let _ = newcomer.write_all(head.as_bytes()).await;
        open.push(newcomer);
        if n % 50 == 49 {
            assert!(is_healthy(server.address, 3).await, "{n}");
        }
    }
    // Each of them is let go at once: none is left that others would have to wait for.
    for mut newcomer in open {
        let _ = timeout(PATIENCE, newcomer.read_to_end(&mut Vec::new())).await.expect("its end");
    }
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

/// What a client does not read: by socket, as a stream, and as an answer.
#[tokio::test]
async fn what_clients_leave_unread_is_bounded_for_each_address() {
    const LIMIT: usize = 2 << 20;
    let limit = LIMIT.to_string();
    let args = [
        "--address-unread",
        &limit,
        "--address-joins",
        "0",
        "--rate",
        "1000",
        "--address-rate",
        "0",
    ];
    let server = TestServer::start(&args).await;
    let writer = Poller::join(&server, "r", "Ann").await;
    for _ in 0..66 {
        // Six bytes of JSON for each of them.
        let text = format!("x{}", "\u{1}".repeat(3999));
        assert_eq!(
            writer
                .post("messages", json!({ "text": text }).to_string())
                .send()
                .await
                .unwrap()
                .status(),
            200
        );
    }
    let join = "POST /api/rooms/r/join HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".to_owned();
    let events = "GET /api/rooms/r/events HTTP/1.1\r\nhost: x\r\n\r\n".to_owned();
    let socket = format!("GET /ws?room=r HTTP/1.1\r\nhost: x\r\n{UPGRADE}\r\n");
    let narrow = |socket: &TcpSocket| socket.set_recv_buffer_size(4096).unwrap();
    let refused =
        || server.budgets.refusals().find(|(resource, _)| *resource == Resource::Unread).unwrap().1;
    for request in [join, events, socket] {
        let (before, mut unread) = (refused(), Vec::new());
        for _ in 0..12 {
            let mut stream = connect_with(server.address, 3, narrow).await;
            stream.write_all(request.as_bytes()).await.unwrap();
            unread.push(stream);
        }
        eventually("some are refused", || {
            assert!(server.budgets.held(Resource::Unread) <= LIMIT);
            refused() >= before + 10
        })
        .await;
        // Another address is not concerned.
        let other = Client::upgrade_over(
            connect(server.address, 4).await,
            Client::request(&server, "room=r"),
        )
        .await
        .unwrap();
        assert_eq!(
            other.welcomed().await.welcome["history"].as_array().unwrap().len(),
            65,
            "{request}"
        );
        drop(unread);
        eventually("nothing unread", || server.budgets.held(Resource::Unread) == 0).await;
    }
    drop(writer);
    held(&server, 0).await;
}

/// The program itself, with so many file descriptors at first and at most.
async fn program(soft: u32, hard: u32) -> (Child, SocketAddr) {
    let script =
        format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" --listen 127.0.0.1:0");
    let mut command = Command::new("sh");
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_parlor")])
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = loop {
        let line =
            timeout(PATIENCE, log.next_line()).await.expect("a start").unwrap().expect("a log");
        if let Some((_, address)) = line.split_once("listening on http://") {
            break address.split_whitespace().next().unwrap().parse().unwrap();
        }
    };
    // Read on, or the program would wait for its log to be taken.
    tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
    (child, address)
}

#[tokio::test]
async fn more_silent_connections_than_files_leave_the_health_check_alone() {
    let (_child, address) = program(256, 256).await;
    let mut silent = Vec::new();
    // From two addresses, so that the node is full and not only an address.
    for n in 0..320_u16 {
        silent.push(connect(address, 1 + u8::from(n % 2 == 0)).await);
    }
    for n in 0..20 {
        assert!(is_healthy(address, 3).await, "{n}: from another address");
        assert!(is_healthy(address, 1).await, "{n}: from the same address");
    }
    is_refusal(&get(address, 3, "/api/rooms/r").await, 503, "server_full");
    drop(silent);
    let in_again = async || {
        if get(address, 1, "/api/rooms/r").await.starts_with("HTTP/1.1 200 ") {
            Ok(())
        } else {
            Err(())
        }
    };
    crate::wire::within_patience("files are given back", in_again).await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn the_soft_limit_of_files_is_raised_to_the_hard_one() {
    let (child, _) = program(128, 512).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id().unwrap())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(
        line.split_whitespace().skip(3).take(2).collect::<Vec<_>>(),
        ["512", "512"],
        "{line}"
    );
}
