//! What HTTP asks of a server at every address: how connections end, which host a request is for, and what headers say.

use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use crate::{
    support::dir::Dir,
    wire::{Client, TestServer, poller::Poller},
};

/// Says it over a connection of its own, closes that side, and reads until the server closes the other.
async fn say_and_close(server: &TestServer, said: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(said.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn poll(bob: &Poller, wait: u64) -> String {
    format!(
        "GET /api/rooms/{}/messages?wait={wait}&after={} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        bob.room, bob.cursor, bob.ticket
    )
}

#[tokio::test]
async fn who_closes_their_side_after_a_request_is_answered() {
    let dir = Dir::new();
    let url = dir.sqlite();
    let server = TestServer::start(&[
        "--rate",
        "1000",
        "--address-rate",
        "0",
        "--address-joins",
        "0",
        "--database-url",
        &url,
    ])
    .await;
    let bob = Poller::join(&server, "r", "Bob").await;
    let with_body = |path: &str, body: &str| {
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n", bob.ticket);
        format!("{head}content-length: {}\r\n\r\n{body}", body.len())
    };
    // Takes its time, so that the end of the connection is there before the answer.
    let account = r#"{"user":"Ann","password":"correct horse"}"#;
    let register = with_body("/register", account)
        .replace("host: x", "host: x\r\ncontent-type: application/json");
    let answer = say_and_close(&server, &register).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    for _ in 0..10 {
        for (request, status) in [
            ("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), "200"),
            ("GET /readyz HTTP/1.0\r\n\r\n".to_owned(), "200"),
            ("POST /api/rooms HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), "200"),
            (with_body("/r/r", "hello"), "200"),
            (with_body("/api/rooms/r/typing", r#"{"typing":true}"#), "204"),
            (poll(&bob, 0), "200"),
            (poll(&bob, 60), "200"),
            // A body that breaks off is none that may still come.
            (with_body("/api/rooms/r/messages", "hello").replace("length: 5", "length: 50"), "400"),
        ] {
            let answer = say_and_close(&server, &request).await;
            assert_eq!(answer.split(' ').nth(1), Some(status), "{request}{answer}");
        }
        // A reader who closes their side is gone, but not before they have what was there.
        let events =
            say_and_close(&server, "GET /api/rooms/r/events?name=Eve HTTP/1.1\r\nhost: x\r\n\r\n")
                .await;
        assert!(
            events.starts_with("HTTP/1.1 200 ") && events.contains(r#"{"type":"welcome","#),
            "{events}"
        );
    }
}

/// The clock stands still but for deadlines.
#[tokio::test(start_paused = true)]
async fn a_waiting_poll_whose_client_has_closed_its_side_waits_no_more() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::open(&server, "room=r&name=Ann").await;
    let bob = Poller::join(&server, "r", "Bob").await;
    let joined = Instant::now();
    let answer = say_and_close(&server, &poll(&bob, 60)).await;
    assert!(
        answer.starts_with("HTTP/1.1 204 ") && joined.elapsed().as_secs() < 15,
        "{:?} {answer}",
        joined.elapsed()
    );
    // Closed while it waits, and wholly.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(poll(&bob, 60).as_bytes()).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(20)).await;
    assert_eq!(server.hub.counts(), (1, 2), "a poll that waits keeps the seat");
    drop(stream);
    let closed = Instant::now();
    while server.hub.counts() == (1, 2) {
        ann.next_whenever().await;
    }
    assert!((15..20).contains(&closed.elapsed().as_secs()), "{:?}", closed.elapsed());
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_use_every_method_that_there_is() {
    let server = TestServer::start(&["--origins", "https://chat.example.org"]).await;
    for (path, method) in [
        ("/me", "DELETE"),
        ("/login", "POST"),
        ("/api/rooms/r/messages", "GET"),
        ("/healthz", "HEAD"),
    ] {
        let asked = crate::support::http::client()
            .request(Method::OPTIONS, server.url(path))
            .header("origin", "https://chat.example.org");
        let answer = asked.header("access-control-request-method", method).send().await.unwrap();
        let allowed = answer.headers()["access-control-allow-methods"].to_str().unwrap();
        assert!(
            allowed.split(',').any(|allowed| allowed.trim() == method),
            "{method} {path}: {allowed}"
        );
        assert_eq!(answer.headers()["access-control-allow-origin"], "https://chat.example.org");
    }
}

#[tokio::test]
async fn what_is_not_utf_8_in_a_query_is_no_name() {
    let server = TestServer::start(&[]).await;
    let mut socket = Client::open(&server, "room=r&name=%ff").await;
    assert_eq!(socket.expect("error").await["code"], "bad_name");
    for path in ["/api/rooms/r/events?name=%ff", "/r/r?name=A%ffB"] {
        let asked = crate::support::http::client()
            .get(server.url(path))
            .header("accept", "text/plain")
            .send()
            .await
            .unwrap();
        assert_eq!(asked.status(), 400, "{path}");
    }
    assert_eq!(
        crate::support::http::client()
            .post(server.url("/r/r?name=%ff"))
            .body("hello")
            .send()
            .await
            .unwrap()
            .status(),
        400
    );
}

#[tokio::test]
async fn an_empty_body_is_an_empty_object_everywhere() {
    let server = TestServer::start(&[]).await;
    let ann = Poller::join(&server, "r", "Ann").await;
    for what in ["messages", "typing"] {
        let said = async |body: &'static str| {
            ann.post(what, body).send().await.unwrap().text().await.unwrap()
        };
        let empty = said("{}").await;
        assert!(empty.contains(r#""code":"bad_frame""#) && !empty.contains("not JSON"), "{empty}");
        assert_eq!((said("").await, said(" \r\n").await), (empty.clone(), empty), "{what}");
    }
    for body in ["null", r#"{"name":5}"#, "[]"] {
        let said =
            ann.http.post(ann.url("join")).body(body).send().await.unwrap().text().await.unwrap();
        assert!(
            said.contains(r#""code":"bad_frame""#)
                && !said.contains("struct")
                && !said.contains("Wish"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_request_says_once_whom_it_is_for() {
    let server = TestServer::start(&[]).await;
    let upgrade = "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==";
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\nx: y", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: x\r\nhost: x", "400"),
        ("GET /healthz HTTP/1.0\r\nhost: x\r\nhost: y", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: a b", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: a@b", "400"),
        ("GET /nowhere HTTP/1.1\r\nx: y", "400"),
        (
            "POST /api/rooms/r/join HTTP/1.1\r\nhost: evil\r\nhost: x\r\norigin: http://evil\r\ncontent-length: 0",
            "400",
        ),
        (&format!("GET /ws?room=r HTTP/1.1\r\n{upgrade}"), "400"),
        ("GET /healthz HTTP/1.0\r\nx: y", "200"),
        ("GET /healthz HTTP/1.1\r\nhost:", "200"),
        ("GET /healthz HTTP/1.1\r\nhost: [::1]:8080", "200"),
        ("GET /healthz HTTP/1.1\r\nhost: parlor_1:80", "200"),
        ("GET http://x/healthz HTTP/1.1\r\nhost: x", "200"),
    ] {
        let answer = say_and_close(&server, &format!("{request}\r\n\r\n")).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{request}\n{answer}");
        assert!(status != "400" || answer.contains(r#"{"code":"bad_host","#), "{answer}");
    }
    assert_eq!(server.heads("r").await, 0);
}

#[tokio::test]
async fn a_refusal_says_in_headers_what_becomes_of_the_connection_and_what_would_be_right() {
    let server = TestServer::start(&[]).await;
    let ask = async |request: &str| say_and_close(&server, request).await.to_ascii_lowercase();
    let answer = ask("GET /ws HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(
        answer.contains("\r\nupgrade: websocket\r\n")
            && answer.contains("\r\nconnection: upgrade\r\n"),
        "{answer}"
    );
    // The announced body is not waited for.
    let answer = ask("POST /api/rooms HTTP/1.1\r\nhost: x\r\ncontent-length: 70000\r\n\r\n").await;
    assert!(
        answer.starts_with("http/1.1 413 ") && answer.contains("\r\nconnection: close\r\n"),
        "{answer}"
    );
    let poll = "GET /api/rooms/r/messages HTTP/1.1\r\nhost: x\r\n";
    let answer = ask(&format!("{poll}\r\n")).await;
    assert!(answer.contains("\r\nwww-authenticate: bearer\r\n"), "{answer}");
    let answer = ask(&format!("{poll}authorization: Bearer a.b\r\n\r\n")).await;
    assert!(
        answer.contains("\r\nwww-authenticate: bearer error=\"invalid_token\"\r\n"),
        "{answer}"
    );
    let answer = ask("GET /healthz HTTP/1.1\r\nhost: x\r\nx-request-id:\r\n\r\n").await;
    let id = answer
        .split("\r\nx-request-id:")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next())
        .unwrap();
    assert!(!id.trim().is_empty(), "{answer}");
}

#[tokio::test]
async fn who_takes_no_coding_is_answered_in_none() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "r", "Ann").await;
    for codings in ["*;q=0", "identity;q=0", "gzip;q=0, identity;q=0"] {
        let get = crate::support::http::client()
            .get(server.url("/api/openapi.yaml"))
            .header("accept-encoding", codings)
            .send()
            .await
            .unwrap();
        assert_eq!(
            (get.status().as_u16(), get.headers().get("content-encoding")),
            (200, None),
            "{codings}"
        );
        let said = crate::support::http::client()
            .post(server.url("/r/r?name=Bob"))
            .header("accept-encoding", codings)
            .body("hi")
            .send()
            .await;
        assert_eq!(said.unwrap().status(), 200, "{codings}");
        assert_eq!(ann.until("chat").await["text"], "hi");
        let refused = crate::support::http::client()
            .get(server.url("/nowhere"))
            .header("accept-encoding", codings)
            .send()
            .await
            .unwrap();
        assert_eq!(refused.status(), 404, "{codings}");
    }
}
