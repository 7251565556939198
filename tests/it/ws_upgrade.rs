//! The upgrade at `/ws`: who may open a socket, to which room, under which name.

use crate::wire::{Client, Heard, TestServer, encoded, masked};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    http::{Method, Request, StatusCode},
};

async fn refused(server: &TestServer, request: Request<()>) -> (StatusCode, Value, Option<String>) {
    match Client::upgrade(server, request).await {
        Err(Error::Http(response)) => {
            let version = response
                .headers()
                .get("sec-websocket-version")
                .map(|version| version.to_str().unwrap().to_owned());
            (
                response.status(),
                serde_json::from_slice(response.body().as_deref().unwrap_or_default()).unwrap(),
                version,
            )
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("let in"),
    }
}

#[tokio::test]
async fn pages_of_other_sites_do_not_get_in() {
    let server =
        TestServer::start(&["--origins", "https://chat.example.org,http://other.example:81"]).await;
    let request = |origin: &str| {
        let mut request = Client::request(&server, "room=general&name=Ann");
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request
    };
    let own = format!("http://{}", server.address);
    for origin in [
        "https://evil.example",
        "null",
        "",
        "http://127.0.0.1",
        "http://chat.example.org",
        "http://other.example",
        "https://chat.example.org.evil.example",
        "https://chat.example.org/",
        "http://127.0.0.1:1",
        "file://",
        &format!("{own}.evil.example"),
    ] {
        let (status, body, _) = refused(&server, request(origin)).await;
        assert_eq!(
            (status, &body["code"]),
            (StatusCode::FORBIDDEN, &json!("forbidden_origin")),
            "{origin}"
        );
    }
    for origin in
        ["https://chat.example.org", "http://other.example:81", "HTTPS://Chat.Example.ORG", &own]
    {
        assert!(Client::upgrade(&server, request(origin)).await.is_ok(), "{origin}");
    }
}

#[tokio::test]
async fn upgrades_that_are_none_are_refused() {
    let server = TestServer::start(&[]).await;
    let good = || Client::request(&server, "room=general&name=Ann");
    for (header, value) in [
        ("sec-websocket-version", "12"),
        ("sec-websocket-version", "14"),
        ("sec-websocket-version", ""),
        ("sec-websocket-key", "abc"),
        ("sec-websocket-key", ""),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("upgrade", "h2c"),
        ("connection", "keep-alive"),
    ] {
        let head = raw_head(&good(), header, value, "GET");
        let answer = raw(&server, &head).await;
        assert!(answer.starts_with("HTTP/1.1 426 "), "{header}: {value}: {answer}");
        let answer = answer.to_ascii_lowercase();
        assert!(
            answer.contains("\r\nsec-websocket-version: 13\r\n")
                && answer.contains("\r\nupgrade: websocket\r\n"),
            "{answer}"
        );
        assert!(answer.contains(r#"{"code":"upgrade_required","message":""#), "{answer}");
    }
    // RFC 9110, section 7.8: an upgrade in an HTTP/1.0 request is none, with or without a Host.
    let old = raw_head(&good(), "x", "x", "GET").replace(" HTTP/1.1\r\n", " HTTP/1.0\r\n");
    for old in [
        old.replace("x: x\r\n", ""),
        old.replace("x: x\r\n", "connection: keep-alive, upgrade\r\n"),
    ] {
        let answer = raw(&server, &old).await;
        assert!(
            answer.contains(" 426 ")
                && answer.contains(r#"{"code":"upgrade_required","message":""#),
            "{answer}"
        );
        assert_eq!(server.hub.counts(), (0, 0));
    }
    for method in [Method::POST, Method::PUT, Method::HEAD] {
        let answer =
            raw(&server, &raw_head(&good(), "x", "x", method.as_str())).await.to_ascii_lowercase();
        assert!(
            answer.starts_with("http/1.1 405 ") && answer.contains("\r\nallow: get\r\n"),
            "{method}: {answer}"
        );
    }
    let firefox = raw_head(&good(), "connection", "keep-alive, Upgrade", "GET");
    let head = firefox.replace(
        "x: x\r\n",
        "sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n",
    );
    let answer = raw(&server, &head).await;
    assert!(
        answer.starts_with("HTTP/1.1 101 ")
            && !answer.to_ascii_lowercase().contains("sec-websocket-extensions"),
        "{answer}"
    );
}

/// The request's head as text, with one header replaced.
fn raw_head(request: &Request<()>, header: &str, value: &str, method: &str) -> String {
    let mut head = format!("{method} /ws?room=general&name=Ann HTTP/1.1\r\n{header}: {value}\r\n");
    for (name, given) in request.headers().iter().filter(|(name, _)| name.as_str() != header) {
        head += &format!("{name}: {}\r\n", given.to_str().unwrap());
    }
    head + "\r\n"
}

/// What the server answers to these bytes, as far as it comes with the head.
async fn raw(server: &TestServer, bytes: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let whole = |answer: &[u8]| {
        let text = String::from_utf8_lossy(answer);
        text.contains("\r\n\r\n")
            && (text.contains('}') || text.contains(" 101 ") || bytes.starts_with("HEAD"))
    };
    while !whole(&answer) {
        let read = tokio::time::timeout(crate::wire::PATIENCE, stream.read_buf(&mut answer))
            .await
            .expect("an answer")
            .unwrap();
        assert!(read > 0, "{:?}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn room_ids_are_held_to_the_rule() {
    let server = TestServer::start(&[]).await;
    let (long, longer) = ("x".repeat(64), "x".repeat(65));
    for room in
        ["a", &long, &"部".repeat(64), "комната-7", "部屋", "हिन्दी", "a.b_c-d~e", "...", "-", "~"]
    {
        let mut client = Client::open(&server, &format!("room={}&name=Ann", encoded(room))).await;
        let Heard::Frame(welcome) = client.next().await else { panic!("{room}") };
        assert_eq!(welcome["roomId"], room, "{welcome}");
        assert_eq!(server.heads(&encoded(room)).await, 1, "{room}");
    }
    for room in [
        &longer,
        &"部".repeat(65),
        ".",
        "..",
        "a b",
        "a/b",
        "../etc",
        "a\\b",
        "%41",
        "a\u{0}",
        "a\u{200b}b",
        "\u{202e}abc",
        "😀",
        "a\nb",
        "a?b",
    ] {
        let mut client = Client::open(&server, &format!("room={}&name=Ann", encoded(room))).await;
        client.expect_error("bad_room").await;
        client.expect_closing("bad_room", 4400).await;
    }
    for query in
        ["room=%FF", "room=%00", "room=a+b", "room=%", "room=%zz", "room=..%2f..", "room=%D0"]
    {
        let mut client = Client::open(&server, query).await;
        client.expect_error("bad_room").await;
        client.expect_closing("bad_room", 4400).await;
    }
}

#[tokio::test]
async fn two_spellings_of_one_name_meet_in_one_room() {
    let server = TestServer::start(&[]).await;
    let mut ann = Client::join(&server, "caf\u{e9}-\u{ac00}", "Zo\u{eb}").await;
    let bob = Client::join(&server, "cafe\u{301}-\u{1100}\u{1161}", "Zoe\u{308}").await;
    assert_eq!((bob.room(), &bob.welcome["user"]), (ann.room(), &json!("Zo\u{eb}")));
    assert_eq!(ann.expect("joined").await["count"], 2);
    assert_eq!(server.heads(&encoded("cafe\u{301}-\u{1100}\u{1161}")).await, 2);
}

#[tokio::test]
async fn names_are_held_to_the_rule() {
    let server = TestServer::start(&[]).await;
    let long = "x".repeat(32);
    for (given, name) in [
        (long.as_str(), long.as_str()),
        ("  Ann ", "Ann"),
        ("Анна Сергеевна", "Анна Сергеевна"),
        ("<b>&\"'", "<b>&\"'"),
        ("👩‍🚀", "👩‍🚀"),
    ] {
        assert_eq!(Client::join(&server, "general", given).await.welcome["user"], name);
    }
    for name in [
        &"x".repeat(33),
        &"я".repeat(33),
        "a\nb",
        "a\u{0}b",
        "a\u{7f}b",
        "a\u{85}b",
        "\u{202e}nnA",
        "a\u{2066}b",
        "a\u{2028}b",
        &"y".repeat(5000),
    ] {
        let mut client =
            Client::open(&server, &format!("room=general&name={}", encoded(name))).await;
        client.expect_error("bad_name").await;
        client.expect_closing("bad_name", 4400).await;
    }
}

#[tokio::test]
async fn an_announced_resume_that_does_not_come_first_is_refused() {
    let server = TestServer::start(&[]).await;
    for (frame, code) in [
        (r#"{"type":"chat","text":"first"}"#, "bad_frame"),
        ("nonsense", "bad_frame"),
        (r#"{"type":"resume"}"#, "bad_frame"),
        (r#"{"type":"resume","ticket":"x","cursor":"never ours"}"#, "bad_cursor"),
    ] {
        let mut client = Client::open(&server, "room=general&name=Ann&resume=1").await;
        client.send_text(frame).expect_error(code).await;
        client.expect_closing(code, 4400).await;
    }
    let mut client = Client::open(&server, "room=general&name=Ann&resume=1").await;
    client.put(Message::binary("resume")).expect_error("binary_frame").await;
    client.expect_closing("binary_frame", 1003).await;
    let mut client = Client::open(&server, "room=general&name=Ann&cursor=never-ours").await;
    client.expect_error("bad_cursor").await;
    client.expect_closing("bad_cursor", 4400).await;
    let mut client = Client::open(&server, "room=general&name=Ann&resume=1").await;
    client.write_raw(&masked(0x81, &[b'x'; 100_000])).await.unwrap();
    client.expect_error("frame_too_big").await;
    client.expect_closing("frame_too_big", 1009).await;
    server.is_deserted().await;
}
