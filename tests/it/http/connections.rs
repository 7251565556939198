//! Connections that pipeline, send what is no HTTP, or fall silent.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::wire::{Client, Heard, PATIENCE, TestServer, exchange};

#[tokio::test]
async fn requests_in_a_row_are_answered_in_a_row() {
    let server = TestServer::start(&[]).await;
    let requests = ["/healthz", "/nowhere", "/api/rooms/a", "/api/rooms/b"]
        .map(|path| format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"))
        .concat();
    let post =
        "POST /api/rooms/a/livekit-token HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc";
    let last = "GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answers = exchange(server.address, format!("{requests}{post}{last}").as_bytes()).await;
    let statuses: Vec<&str> =
        answers.match_indices("HTTP/1.1 ").map(|(at, _)| &answers[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "404", "200", "200", "401", "200"], "{answers}");
    assert!(
        answers.find(r#""room":"a""#) < answers.find(r#""room":"b""#)
            && answers.ends_with("ready\n"),
        "{answers}"
    );
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_the_server_goes_on() {
    let server = TestServer::start(&[]).await;
    let huge = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(1_000_000));
    for bytes in [
        "\u{0}\u{1}\u{2}\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "nonsense\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        huge.as_str(),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let _ = stream.write_all(bytes.as_bytes()).await;
        let mut answer = Vec::new();
        let _ =
            timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(server.heads("general").await, 0);
}

/// With the clock stopped, time only moves when nothing else does: straight to the next deadline.
#[tokio::test(start_paused = true)]
async fn a_request_head_that_never_ends_is_cut_off() {
    let server = TestServer::start(&[]).await;
    for start in ["", "GET", "GET / HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let began = tokio::time::Instant::now();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(began.elapsed().as_secs() <= 60, "{start:?}: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_gives_no_sign_of_life_is_pinged_and_then_lost() {
    let server = TestServer::start(&["--grace", "1s"]).await;
    let began = tokio::time::Instant::now();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let key = "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==";
    let head = format!(
        "GET /ws?room=quiet HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n{key}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    assert!(all.windows(2).any(|bytes| bytes == [0x89, 0]), "a ping came");
    let elapsed = began.elapsed().as_secs();
    assert!((20..=120).contains(&elapsed), "{elapsed} s");
    while server.hub.counts() != (0, 0) {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert!(began.elapsed().as_secs() < 600, "the seat is never freed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_was_announced_and_never_comes_times_out() {
    let server = TestServer::start(&[]).await;
    // Waits without a deadline: a deadline of ours would come true at once.
    let mut client = Client::open(&server, "room=general&resume=1").await;
    let mut heard = Vec::new();
    loop {
        match client.next_whenever().await {
            Heard::Frame(frame) => heard.push(frame["code"].clone()),
            end => break assert_eq!(end, Heard::Closed(4408, "resume_timeout".into())),
        }
    }
    assert_eq!(heard, ["resume_timeout", "resume_timeout"]);
    assert_eq!(server.hub.counts(), (0, 0));
}
